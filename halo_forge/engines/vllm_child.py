"""What runs in vLLM's own process: the engine, asked through a pipe (halo_forge.engines.vllm is the other end).

    ← Setup                      → ("ready", version) or ("failed", reason)
    ← ("answer", samplings)      → ("more", count)      ← up to `count` of (place, Request), [] when there are no more
                                 → ("done", place, Answer) as they come, ("end",)

Prompts are asked for as vLLM has room for them: the pixels of a thousand images at once would fill main memory.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from halo_forge.engines.engine import Answer, Completion, Request, RowError, Sampling, describe, seeds, too_long
from halo_forge.engines.same import SamePrompts
from halo_forge.engines.vllm_setup import Setup, arguments, lora_of, one_process
from halo_forge.errors import UserError
from halo_forge.models.families import BY_NAME

_CHUNK = 8


@dataclass
class _Asked:
    """A prompt on its way: its completions by sampling, and how many samplings are still out."""

    place: int
    request: Request
    waiting: int
    areas: tuple[int, ...] = ()
    """Pixels of its images."""
    outputs: dict[int, Any] = field(default_factory=dict)


def serve(pipe: Connection) -> None:
    """Load the engine, then answer until the pipe closes."""
    setup: Setup = pipe.recv()
    try:
        host = Host(setup)
    except Exception as error:  # whatever keeps vLLM from starting is the parent's to judge
        traceback.print_exc()
        pipe.send(("failed", describe(error)))
        return
    try:
        pipe.send(("ready", host.version))
        while True:
            _, samplings = pipe.recv()
            host.answer(pipe, samplings)
            pipe.send(("end",))
    except UserError as error:
        pipe.send(("failed", str(error)))
    finally:
        host.close()


class Host:
    """vLLM's engine with what is the same for every prompt."""

    def __init__(self, setup: Setup) -> None:
        import vllm
        from vllm.platforms import current_platform

        from halo_forge.models.load import declared_ends, load_processor
        from halo_forge.models.prompts import banned_ids, biased, ending_ids

        self.version, self.setup, self.closing = str(vllm.__version__), setup, False
        if current_platform.is_cpu() and os.environ.get("VLLM_BATCH_INVARIANT") == "1":
            raise UserError("it has no batch-invariant mode for CPUs, where a prompt's result is the same anyway")
        one_process(setup)
        self.processor = load_processor(setup.ref, setup.max_pixels, setup.min_pixels, setup.trust_remote_code)
        self.engine: Any = vllm.LLMEngine.from_engine_args(vllm.EngineArgs(**arguments(setup, self.processor)))
        self.eos = ending_ids(declared_ends(setup.ref, setup.trust_remote_code), self.processor)
        config = self.engine.model_config.hf_config
        limit = getattr(config.get_text_config(decoder=True), "max_position_embeddings", None)
        self.limit = int(limit) if limit else None
        self.banned = set(banned_ids(self.processor, config, self.engine.model_config.get_vocab_size()))
        self.bias = dict.fromkeys(biased(self.banned, self.processor), float("-inf"))
        self.lora = lora_of(setup)
        self.window = setup.sequences + setup.sequences // 2
        self.asked: dict[str, tuple[_Asked, int]] = {}
        self.same = SamePrompts(self.processor, BY_NAME[setup.ref.family].nested_images)
        self.count = 0
        threading.Thread(target=_follow, args=(self, multiprocessing.active_children()), daemon=True).start()

    def close(self) -> None:
        """End vLLM's own processes."""
        self.closing = True
        self.engine.engine_core.shutdown()

    def answer(self, pipe: Connection, samplings: Sequence[Sampling]) -> None:
        """Pull prompts through the engine and send what comes out."""
        more = True
        while more or self.asked:
            while more and self.engine.get_num_unfinished_requests() < self.window:
                pipe.send(("more", _CHUNK))
                batch: list[tuple[int, Request]] = pipe.recv()
                more = bool(batch)
                for place, request in batch:
                    error = self._add(place, request, samplings)
                    if error is not None:
                        pipe.send(("done", place, error))
            for asked in self._step():
                pipe.send(("done", asked.place, self._answer(asked, samplings)))

    def _add(self, place: int, request: Request, samplings: Sequence[Sampling]) -> RowError | None:
        """Hand a prompt to vLLM, once for each sampling; or why that cannot be."""
        from vllm.exceptions import VLLMClientError

        from halo_forge.images import ImageError, open_image
        from halo_forge.models.prompts import text_ids

        try:
            prompt: dict[str, Any] = {"prompt_token_ids": text_ids(self.processor, request.prompt, len(request.images))}
            images = [open_image(data) for data in request.images]
            if images:
                prompt["multi_modal_data"] = {"image": images}
            asked = _Asked(place, request, len(samplings), tuple(image.width * image.height for image in images))
            for number, seed in enumerate(seeds(request, samplings)):
                name, self.count = str(self.count), self.count + 1
                self.engine.add_request(name, prompt, self._params(samplings[number], seed), **self.lora)
                self.asked[name] = (asked, number)
        except ImageError as error:
            return RowError(str(error))
        except (VLLMClientError, ValueError) as error:  # longer than vLLM's limit, or refused by the processor
            return RowError(f"vLLM refused it: {describe(error)}")
        return None

    def _params(self, sampling: Sampling, seed: int) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            n=sampling.n,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=seed,
            max_tokens=sampling.max_new_tokens,
            logprobs=0,  # of the token drawn, and no others
            stop_token_ids=self.eos,
            ignore_eos=True,  # what ends a completion is ours to say, as in the other engines
            logit_bias=self.bias or None,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _step(self) -> Iterator[_Asked]:
        """Prompts that this step completed."""
        for output in self.engine.step() if self.asked else ():
            asked, number = self.asked.pop(output.request_id)
            asked.outputs[number] = output
            asked.waiting -= 1
            if not asked.waiting:
                yield asked

    def _answer(self, asked: _Asked, samplings: Sequence[Sampling]) -> Answer:
        prompt_ids = list(asked.outputs[0].prompt_token_ids)
        if self.same.wanted(asked.areas):
            self._compare(asked.request, prompt_ids)
        room = max(sampling.max_new_tokens for sampling in samplings)
        if self.limit is not None and len(prompt_ids) + room > self.limit:
            return too_long(len(prompt_ids), room, self.limit)
        drawn: list[tuple[Any, int]] = []
        for number, first in enumerate(seeds(asked.request, samplings)):
            parts = sorted(asked.outputs[number].outputs, key=lambda part: int(part.index))
            drawn += [(part, first + i) for i, part in enumerate(parts)]
        texts = self.processor.tokenizer.batch_decode(
            [part.token_ids for part, _ in drawn], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        made = [
            self._completion(part, text, len(prompt_ids), seed) for (part, seed), text in zip(drawn, texts, strict=True)
        ]
        if any(self.banned.intersection(completion.token_ids or ()) for completion in made):
            return RowError("the model wrote a token that stands for no text")
        return made

    def _compare(self, request: Request, prompt_ids: list[int]) -> None:
        """Raises UserError where these are not the ids that the trainer makes of it."""
        from halo_forge.images import open_image

        try:
            self.same.check(request.prompt, [open_image(data) for data in request.images], prompt_ids)
        except ValueError as error:
            raise UserError(
                f"vLLM {self.version} makes {error}, so what it samples is not what is trained on: "
                "use --engine transformers"
            ) from error

    def _completion(self, part: Any, text: str, prompt_tokens: int, seed: int) -> Completion:
        ids = [int(token) for token in part.token_ids]
        logprobs = tuple(float(step[token].logprob) for step, token in zip(part.logprobs, ids, strict=True))
        ended = bool(ids) and ids[-1] in self.eos
        return Completion(text, tuple(ids), logprobs, "stop" if ended else "length", prompt_tokens, len(ids), seed)


def _follow(host: Host, processes: list[Any]) -> None:
    """End this process when one of vLLM's was killed: vLLM itself would wait for it for ever."""
    if processes:
        wait([process.sentinel for process in processes])
        time.sleep(2.0)  # what ended by an error is told by vLLM
        if not host.closing:
            codes = ", ".join(str(process.exitcode) for process in processes if process.exitcode is not None)
            print(f"ProcessError: vLLM's engine ended with exit code {codes}", file=sys.stderr, flush=True)
            os._exit(1)
