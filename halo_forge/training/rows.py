"""Training rows and their collation: prompt ids exactly as the engine saw them, then the completion's ids.

    input_ids       prompt (images expanded) · completion · end token · padding on the right
    labels          -100 …                   · completion · end token · -100 …
    attention_mask  1 …                      · 1 …        · 1         · 0 …
    reference       0 …                      · log-probability each   · 0 …     (only where it is known)

Padding is masked by position: some models pad with their end token, which must be learned. Of rows with a rejected
completion come the kept ones first, then, in the same order, the rejected ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from halo_forge.engines.pictures import describe
from halo_forge.errors import UserError
from halo_forge.images import ImageError, open_image
from halo_forge.models.families import BY_NAME
from halo_forge.models.load import context_length, unwrapped
from halo_forge.models.prompts import banned_ids, encode, eos_ids, harmless, real_ids

IGNORED = -100
"""Label that cross-entropy skips."""


@dataclass(frozen=True)
class Row:
    """One kept completion. `token_ids`: as sampled; None where only the text is known."""

    prompt_id: str
    prompt: str
    image_ids: tuple[str, ...]
    completion: str
    token_ids: tuple[int, ...] | None = None
    rejected: str | None = None
    """A wrong completion of the same prompt, for dpo."""
    rejected_ids: tuple[int, ...] | None = None
    counts: bool = True
    """False: it fills up the last batch of several processes and is not learned."""

    def answers(self) -> list[Row]:
        """The row, or where it has a rejected completion two: the kept and the rejected one, each alone."""
        if self.rejected is None:
            return [self]
        alone = replace(self, rejected=None, rejected_ids=None)
        return [alone, replace(alone, completion=self.rejected, token_ids=self.rejected_ids)]


class Collator:
    """Makes model inputs of rows. `image(image_id)` gives encoded bytes.

    `reference` holds log-probabilities of a row's answer ids under another policy; where it has any, batches get
    them in a column of their own. Raises UserError naming the prompt for a row that cannot be trained on.
    """

    def __init__(self, model: Any, processor: Any, image: Callable[[str], bytes], family: str = "auto") -> None:
        core = unwrapped(model)
        self.processor, self.image = processor, image
        self.reference: Mapping[Row, Sequence[float]] = {}
        self.nested = BY_NAME[family].nested_images
        self.eos = eos_ids(core, processor)
        self.limit = context_length(core)
        self.pad = processor.tokenizer.pad_token_id or 0
        self.banned = set(banned_ids(processor, core.config, core.get_output_embeddings().weight.shape[0]))

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Torch tensors by name: the processor's, with ids, mask, labels and per-token columns extended."""
        rows = [row for turn in zip(*(row.answers() for row in rows), strict=True) for row in turn]
        encoded = self._prompts(rows)
        prompts = [real_ids(encoded, place) for place in range(len(rows))]
        answers = [self.answer_ids(row) for row in rows]
        for row, prompt, answer in zip(rows, prompts, answers, strict=True):
            if self.limit is not None and len(prompt) + len(answer) > self.limit:
                raise UserError(
                    f"training row {row.prompt_id} has {len(prompt) + len(answer)} tokens, the model takes "
                    f"{self.limit}: lower --max-pixels or drop the row"
                )
        batch = self._extended(encoded, prompts, answers)
        for place, row in enumerate(rows):
            if not row.counts:
                batch["labels"][place] = IGNORED
        return self._with_reference(batch, rows) if self.reference else batch

    def _with_reference(self, batch: dict[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
        import torch

        known = torch.zeros(batch["labels"].shape)
        for place, row in enumerate(rows):
            if row.counts:
                known[place, batch["labels"][place] != IGNORED] = torch.tensor(self.reference[row])
        return {**batch, "reference": known}

    def answer_ids(self, row: Row) -> list[int]:
        """Ids the model is to say: the sampled ones, else the text's, ended by the end token."""
        if row.token_ids:
            ids = list(row.token_ids)
        else:
            text = harmless(row.completion, self.processor)
            ids = list(self.processor.tokenizer(text, add_special_tokens=False)["input_ids"])
        if self.eos and (not ids or ids[-1] not in self.eos):
            ids.append(self.eos[0])
        if self.banned.intersection(ids):
            raise UserError(f"training row {row.prompt_id} has an image token in its completion: drop the row")
        return ids

    def _prompts(self, rows: Sequence[Row]) -> dict[str, Any]:
        try:
            images = [[open_image(self.image(image_id)) for image_id in row.image_ids] for row in rows]
            return encode(self.processor, [row.prompt for row in rows], images, side="right", nested=self.nested)
        except (ImageError, ValueError, KeyError) as error:
            names = ", ".join(row.prompt_id for row in rows)
            raise UserError(f"cannot train on prompt {names}: {describe(error)}") from error

    def _extended(self, encoded: dict[str, Any], prompts: list[list[int]], answers: list[list[int]]) -> dict[str, Any]:
        import torch

        shape = encoded["input_ids"].shape
        length = max(len(prompt) + len(answer) for prompt, answer in zip(prompts, answers, strict=True))

        def blank(value: int, like: Any) -> Any:
            return torch.full((len(prompts), length), value, dtype=like.dtype)

        per_token = [name for name, value in encoded.items() if getattr(value, "shape", None) == shape]
        batch = dict(encoded)
        for name in per_token:  # mm_token_type_ids and the like: 0 means text
            batch[name] = blank(self.pad if name == "input_ids" else 0, encoded[name])
        labels = blank(IGNORED, encoded["input_ids"])
        for place, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            start, end = len(prompt), len(prompt) + len(answer)
            for name in per_token:
                batch[name][place, :start] = encoded[name][place, :start]
            batch["input_ids"][place, start:end] = torch.tensor(answer)
            batch["attention_mask"][place, start:end] = 1
            labels[place, start:end] = torch.tensor(answer)
        return {**batch, "labels": labels}
