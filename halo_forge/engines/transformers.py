"""Rollouts with transformers' `generate`: batches of prompts with images, n samples each.

- A batch is sampled with one seed; its results depend on that seed, its rows and their order, nothing else.
- Log-probabilities are the model's own (natural log, temperature 1), read before any mask or temperature.
- Image and video tokens are banned: sampled by chance they would break the next step and the training row.
- A prompt that cannot be read is an answer (`RowError`), not an exception: the rest of its batch goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from halo_forge.engines.engine import Answer, Completion, Request, RowError, Sampling, describe, say, too_long
from halo_forge.images import ImageError, open_image
from halo_forge.keys import hash63
from halo_forge.models.families import BY_NAME
from halo_forge.models.load import context_length, unwrapped
from halo_forge.models.prompts import banned_ids, encode, eos_ids, real_ids


class Generator:
    """A loaded policy ready to answer; holds what is the same for every batch."""

    def __init__(
        self,
        model: Any,
        processor: Any,
        family: str = "auto",
        together: int = 16,
        tell: Callable[[str], None] = say,
    ) -> None:
        self.model, self.processor = unwrapped(model), processor
        self.together: int | None = together
        self.fits: int | None = None
        """Prompts at once that memory has room for, where a batch was once too many."""
        self.tell = tell
        self.model.eval()
        self.nested = BY_NAME[family].nested_images
        self.eos = eos_ids(self.model, processor)
        self.limit = context_length(self.model)
        self.banned = banned_ids(processor, self.model.config, self.model.get_output_embeddings().weight.shape[0])

    def answer(self, requests: Sequence[Request], samplings: Sequence[Sampling]) -> list[Answer]:
        """Per request its completions, the samplings' one after the other, or why there are none.

        A batch that does not fit into an accelerator's memory is answered in pieces of half its size, and so are
        all that follow; each piece is drawn with a seed of its own, which its completions hold. A single prompt
        that does not fit is a transient error.
        """
        answers: list[Answer] = []
        while len(answers) < len(requests):
            start = len(answers)
            piece = requests[start : start + (self.fits or len(requests))]
            whole = len(piece) == len(requests)
            own = samplings if whole else [replace(s, seed=hash63(s.seed, "piece", start)) for s in samplings]
            answers += self._fitting(piece, own)
        return answers

    def close(self) -> None:
        """Nothing: the model goes with the object."""

    def _fitting(self, requests: Sequence[Request], samplings: Sequence[Sampling]) -> list[Answer]:
        """Answers to all of `requests`, or to none of them after the size of a batch was lowered."""
        import torch

        try:
            return self._answer(requests, samplings)
        except torch.cuda.OutOfMemoryError as error:
            reason = str(error).splitlines()[0]
        torch.cuda.empty_cache()
        if len(requests) == 1:
            return [RowError(f"out of memory: {reason}", "transient")]
        self.fits = len(requests) // 2
        self.tell(f"generate: {len(requests)} prompts at once are too many for memory; going on with {self.fits}")
        return []

    def _answer(self, requests: Sequence[Request], samplings: Sequence[Sampling]) -> list[Answer]:
        results: list[Answer] = [[] for _ in requests]
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
                results[rows[place]] = too_long(tokens, room, self.limit or 0)
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
                made = self._completion(fresh[sample], logprobs[sample], prompt_tokens, sampling.seed)
                results[row].append(made)

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

    def _completion(self, ids: list[int], logprobs: list[float], prompt_tokens: int, seed: int) -> Completion:
        """Cut at the first end token, which stays; what follows it is padding."""
        ends = [place for place, token in enumerate(ids) if token in self.eos]
        length = ends[0] + 1 if ends else len(ids)
        text = self.processor.tokenizer.decode(
            ids[:length], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        reason = "stop" if ends else "length"
        return Completion(text, tuple(ids[:length]), tuple(logprobs[:length]), reason, prompt_tokens, length, seed)


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
