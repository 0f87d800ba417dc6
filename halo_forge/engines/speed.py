"""How fast our vLLM engine is against vLLM called directly, on the same prompts, with the same settings.

    measured = compare(resolve("bundled:shapes/base"), requests, [Sampling(n=4)])
    measured["ratio"]     ours / direct, completion tokens per second; 1.0 means that nothing is lost

Loading is not counted; opening the images and turning tokens into text is, on both sides. On a CPU both are there at
once and asked by turns, so that a machine that is busy with something else is so for both; a device has room for one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

from halo_forge.engines.engine import Request, Sampling, seeds
from halo_forge.engines.isolated import accelerator_here
from halo_forge.engines.process import Child
from halo_forge.engines.vllm import VLLMEngine
from halo_forge.engines.vllm_setup import Run, Setup, arguments, environment, lora_of, one_process, setup_of
from halo_forge.models.resolve import ModelRef

Call = Callable[[], tuple[float, int]]
"""Answers everything once: seconds, and completion tokens."""


def compare(
    ref: ModelRef, requests: Sequence[Request], samplings: Sequence[Sampling], repeats: int = 9
) -> dict[str, float]:
    """Completion tokens per second of both, and their ratio: medians of `repeats` calls after one to warm up."""
    if accelerator_here():
        with ExitStack() as stack:
            ours = _rates(_ours(ref, requests, samplings, stack), repeats)
        with ExitStack() as stack:
            direct = _rates(_direct(ref, requests, samplings, stack), repeats)
        return _told(ours, direct, median(ours) / median(direct))
    with ExitStack() as stack:
        both = [make(ref, requests, samplings, stack) for make in (_ours, _direct)]
        for call in both:
            call()
        turns = []
        for turn in range(repeats):
            order = (0, 1) if turn % 2 else (1, 0)
            found = {number: _rate(both[number]) for number in order}
            turns.append((found[0], found[1]))
    return _told([ours for ours, _ in turns], [direct for _, direct in turns], median(o / d for o, d in turns))


def _told(ours: Sequence[float], direct: Sequence[float], ratio: float) -> dict[str, float]:
    return {"ours": median(ours), "direct": median(direct), "ratio": ratio}


def _rates(call: Call, repeats: int) -> list[float]:
    call()
    return [_rate(call) for _ in range(repeats)]


def _rate(call: Call) -> float:
    seconds, tokens = call()
    return tokens / seconds


def _ours(ref: ModelRef, requests: Sequence[Request], samplings: Sequence[Sampling], stack: ExitStack) -> Call:
    engine = VLLMEngine(ref)
    stack.callback(engine.close)

    def call() -> tuple[float, int]:
        began = time.perf_counter()
        answers: Any = engine.answer(requests, samplings)
        seconds = time.perf_counter() - began
        return seconds, sum(made.completion_tokens for answer in answers for made in answer)

    return call


def _direct(ref: ModelRef, requests: Sequence[Request], samplings: Sequence[Sampling], stack: ExitStack) -> Call:
    with open(os.devnull, "wb") as nowhere:
        child = Child("halo_forge.engines.speed:serve_direct", nowhere, environment(ref, Run()))
    stack.callback(child.stop)
    child.send((setup_of(ref, Run(), stack), list(requests), list(samplings)))

    def call() -> tuple[float, int]:
        child.send("answer")
        found: tuple[float, int] = child.receive()
        return found

    return call


def serve_direct(pipe: Connection) -> None:
    """vLLM as its documentation calls it: all prompts at once, with their images opened, through `LLM.generate`. Its
    engine has the same arguments and as many processes, and text is made of whole completions, as ours does."""
    setup: Setup
    setup, requests, samplings = pipe.recv()
    from vllm import LLM, SamplingParams

    from halo_forge.images import open_image
    from halo_forge.models.load import load_processor
    from halo_forge.models.prompts import render

    one_process(setup)
    processor = load_processor(setup.ref)
    model = LLM(**arguments(setup, processor))

    def generate() -> int:
        prompts: list[Any] = []
        drawn: list[Any] = []
        for request in requests:
            images = [open_image(data) for data in request.images]
            text = render(processor, request.prompt, len(images))
            for sampling, seed in zip(samplings, seeds(request, samplings), strict=True):
                prompts.append({"prompt": text, **({"multi_modal_data": {"image": images}} if images else {})})
                params = {"n": sampling.n, "temperature": sampling.temperature, "top_p": sampling.top_p, "seed": seed}
                params |= {"max_tokens": sampling.max_new_tokens, "logprobs": 0, "detokenize": False}
                drawn.append(SamplingParams(**params))
        outputs = model.generate(prompts, drawn, use_tqdm=False, **lora_of(setup))
        made = [list(part.token_ids) for output in outputs for part in output.outputs]
        processor.tokenizer.batch_decode(made, skip_special_tokens=True)
        return sum(len(ids) for ids in made)

    while pipe.recv():
        began = time.perf_counter()
        tokens = generate()
        pipe.send((time.perf_counter() - began, tokens))
