"""Rollouts with transformers' `generate`: batches of prompts with images, n samples each.

- A batch is sampled with one seed; its results depend on that seed, its rows and their order, nothing else.
- Log-probabilities are the model's own (natural log, temperature 1), read before any mask or temperature.
- Image and video tokens are banned: sampled by chance they would break the next step and the training row.
- A prompt that cannot be read is an answer (`RowError`), not an exception: the rest of its batch goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from halo_forge.engines.pictures import describe
from halo_forge.images import ImageError, open_image
from halo_forge.models.families import BY_NAME
from halo_forge.models.load import context_length, unwrapped
from halo_forge.models.prompts import banned_ids, encode, eos_ids, real_ids


@dataclass(frozen=True)
class Request:
    """One prompt with the encoded bytes of its images, in order."""

    prompt: str
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Sampling:
    """How completions are drawn. Temperature 0 is greedy."""

    n: int = 1
    temperature: float = 0.7
    top_p: float = 1.0
    max_new_tokens: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n < 1 or self.max_new_tokens < 1:
            raise ValueError(f"n and max_new_tokens must be at least 1, got {self.n} and {self.max_new_tokens}")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"need temperature >= 0 and 0 < top_p <= 1, got {self.temperature} and {self.top_p}")
        if self.temperature == 0 and self.n != 1:
            raise ValueError("greedy decoding (temperature 0) gives one completion: n must be 1")


@dataclass(frozen=True)
class Completion:
    """One sampled answer. `token_ids` holds the end-of-sequence token where it was generated."""

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: str
    """stop: the model ended it; length: cut at max_new_tokens."""
    prompt_tokens: int


@dataclass(frozen=True)
class RowError:
    """Why a prompt has no completions. kind: data (final) or transient (owed)."""

    message: str
    kind: str = "data"


class Generator:
    """A loaded policy ready to answer; holds what is the same for every batch."""

    def __init__(self, model: Any, processor: Any, family: str = "auto") -> None:
        self.model, self.processor = unwrapped(model), processor
        self.model.eval()
        self.nested = BY_NAME[family].nested_images
        self.eos = eos_ids(self.model, processor)
        self.limit = context_length(self.model)
        self.banned = banned_ids(processor, self.model.config, self.model.get_output_embeddings().weight.shape[0])

    def answer(self, requests: Sequence[Request], samplings: Sequence[Sampling]) -> list[list[Completion] | RowError]:
        """Per request its completions, the samplings' one after the other, or why there are none.

        A batch that does not fit into an accelerator's memory is answered in halves; a single prompt that
        does not fit is a transient error.
        """
        import torch

        try:
            return self._answer(requests, samplings)
        except torch.cuda.OutOfMemoryError as error:
            reason = str(error).splitlines()[0]
        torch.cuda.empty_cache()
        if len(requests) == 1:
            return [RowError(f"out of memory: {reason}", "transient")]
        half = len(requests) // 2
        return self.answer(requests[:half], samplings) + self.answer(requests[half:], samplings)

    def _answer(self, requests: Sequence[Request], samplings: Sequence[Sampling]) -> list[list[Completion] | RowError]:
        results: list[list[Completion] | RowError] = [[] for _ in requests]
        opened = self._open(requests, results)
        room = max(sampling.max_new_tokens for sampling in samplings)
        rows, encoded = self._encode(requests, opened, results, room)
        if encoded is None:
            return results
        for sampling in samplings:
            self._sample(rows, encoded, sampling, results)
        return results

    def _open(self, requests: Sequence[Request], results: list[Any]) -> dict[int, list[Any]]:
        opened: dict[int, list[Any]] = {}
        for row, request in enumerate(requests):
            try:
                opened[row] = [open_image(data) for data in request.images]
            except ImageError as error:
                results[row] = RowError(str(error))
        return opened

    def _encode(
        self, requests: Sequence[Request], opened: dict[int, list[Any]], results: list[Any], room: int
    ) -> tuple[list[int], dict[str, Any] | None]:
        """Rows that can be answered and their model inputs; the others get their error in `results`."""
        rows = list(opened)
        while rows:
            try:
                encoded = self._inputs(requests, opened, rows)
            except ValueError:
                rows = self._readable_alone(requests, opened, rows, results)
                continue
            long = self._too_long(encoded, room)
            if not long:
                return rows, encoded
            for place in long:
                tokens = int(encoded["attention_mask"][place].sum())
                results[rows[place]] = RowError(
                    f"prompt too long: {tokens} tokens and {room} to generate exceed the model's {self.limit}"
                )
            rows = [row for place, row in enumerate(rows) if place not in long]
        return [], None

    def _inputs(self, requests: Sequence[Request], opened: dict[int, list[Any]], rows: list[int]) -> dict[str, Any]:
        prompts = [requests[row].prompt for row in rows]
        return encode(self.processor, prompts, [opened[row] for row in rows], side="left", nested=self.nested)

    def _readable_alone(
        self, requests: Sequence[Request], opened: dict[int, list[Any]], rows: list[int], results: list[Any]
    ) -> list[int]:
        """After a batch was refused: the rows the processor takes one by one. Raises when it takes them
        all."""
        kept = []
        for row in rows:
            try:
                self._inputs(requests, opened, [row])
                kept.append(row)
            except ValueError as error:
                results[row] = RowError(f"the processor refused it: {describe(error)}")
        if len(kept) == len(rows):
            self._inputs(requests, opened, rows)  # each alone is fine, together not: a fault of ours, shown as it is
            raise AssertionError("a batch was refused once and accepted at the second try")
        return kept

    def _too_long(self, encoded: dict[str, Any], room: int) -> set[int]:
        if self.limit is None:
            return set()
        lengths = encoded["attention_mask"].sum(dim=1).tolist()
        return {place for place, length in enumerate(lengths) if length + room > self.limit}

    def _sample(self, rows: list[int], encoded: dict[str, Any], sampling: Sampling, results: list[Any]) -> None:
        import torch

        device = self.model.device
        inputs = {name: value.to(device) if hasattr(value, "to") else value for name, value in encoded.items()}
        watch = _Watch(self.banned, inputs["input_ids"].shape[1])
        devices = [device] if device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(sampling.seed)
            sequences = self.model.generate(
                **inputs, generation_config=self._settings(sampling), logits_processor=[watch]
            )
        fresh = sequences[:, inputs["input_ids"].shape[1] :].tolist()
        logprobs = watch.logprobs(sequences).tolist()
        for place, row in enumerate(rows):
            prompt_tokens = len(real_ids(encoded, place))
            for sample in range(place * sampling.n, (place + 1) * sampling.n):
                results[row].append(self._completion(fresh[sample], logprobs[sample], prompt_tokens))

    def _settings(self, sampling: Sampling) -> Any:
        from transformers import GenerationConfig

        drawn = sampling.temperature > 0
        warped: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        return GenerationConfig(
            do_sample=drawn,
            num_return_sequences=sampling.n,
            max_new_tokens=sampling.max_new_tokens,
            eos_token_id=self.eos or None,
            pad_token_id=self.processor.tokenizer.pad_token_id,
            repetition_penalty=1.0,
            use_cache=True,
            **(warped if drawn else {}),
        )

    def _completion(self, ids: list[int], logprobs: list[float], prompt_tokens: int) -> Completion:
        """Cut at the first end token, which stays; what follows it is padding."""
        ends = [place for place, token in enumerate(ids) if token in self.eos]
        length = ends[0] + 1 if ends else len(ids)
        text = self.processor.tokenizer.decode(
            ids[:length], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return Completion(
            text, tuple(ids[:length]), tuple(logprobs[:length]), "stop" if ends else "length", prompt_tokens
        )


class _Watch:
    """A logits processor that comes first: notes raw log-probabilities of the tokens chosen, then bans
    tokens.

    It keeps one step's log-probabilities at a time; `output_logits` would keep vocabulary × steps × rows.
    """

    def __init__(self, banned: list[int], prompt_length: int) -> None:
        self.banned, self.start = banned, prompt_length
        self.chosen: list[Any] = []
        self.last: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        if self.last is not None:
            self.chosen.append(self.last.gather(1, input_ids[:, -1:]))
        self.last = torch.log_softmax(scores.float(), dim=-1)
        if self.banned:
            scores[:, self.banned] = float("-inf")
        return scores

    def logprobs(self, sequences: Any) -> Any:
        """Rows × generated tokens, natural log."""
        import torch

        chosen = [*self.chosen, self.last.gather(1, sequences[:, -1:])]
        return torch.cat(chosen, dim=1)
