"""How fast our vLLM engine is against vLLM called directly, on the same prompts, with the same settings.

    measured = compare(resolve("bundled:shapes/base"), requests, [Sampling(n=4)])
    measured["ratio"]     ours / direct, completion tokens per second; 1.0 means that nothing is lost

Loading is not counted; opening the images and turning tokens into text is, on both sides.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from halo_forge.engines.engine import Request, Sampling, seeds
from halo_forge.engines.process import Child
from halo_forge.engines.vllm import VLLMEngine
from halo_forge.engines.vllm_setup import Run, Setup, arguments, environment, lora_of, setup_of
from halo_forge.models.resolve import ModelRef


def compare(
    ref: ModelRef, requests: Sequence[Request], samplings: Sequence[Sampling], repeats: int = 3
) -> dict[str, float]:
    """Completion tokens per second of both, the best of `repeats` calls after one to warm up, and their ratio."""
    seconds, tokens = _ours(ref, requests, samplings, repeats)
    bare_seconds, bare_tokens = _direct(ref, requests, samplings, repeats)
    ours, direct = tokens / seconds, bare_tokens / bare_seconds
    return {"ours": ours, "direct": direct, "ratio": ours / direct}


def _ours(ref: ModelRef, requests: Sequence[Request], samplings: Sequence[Sampling], repeats: int) -> tuple[float, int]:
    engine = VLLMEngine(ref)
    try:
        seconds, answers = _best(lambda: engine.answer(requests, samplings), repeats)
    finally:
        engine.close()
    return seconds, sum(made.completion_tokens for answer in answers for made in answer)


def _direct(
    ref: ModelRef, requests: Sequence[Request], samplings: Sequence[Sampling], repeats: int
) -> tuple[float, int]:
    from contextlib import ExitStack

    with ExitStack() as stack, open(os.devnull, "wb") as nowhere:
        child = Child("halo_forge.engines.speed:serve_direct", nowhere, environment(ref, Run()))
        stack.callback(child.stop)
        child.send((setup_of(ref, Run(), stack), list(requests), list(samplings), repeats))
        seconds, tokens = child.receive()
    return seconds, tokens


def _best(call: Any, repeats: int) -> tuple[float, Any]:
    made, best = call(), float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        made = call()
        best = min(best, time.perf_counter() - began)
    return best, made


def serve_direct(pipe: Connection) -> None:
    """vLLM as its documentation calls it: all prompts at once, with their images opened, through `LLM.generate`."""
    setup: Setup
    setup, requests, samplings, repeats = pipe.recv()
    from vllm import LLM, SamplingParams

    from halo_forge.images import open_image
    from halo_forge.models.load import load_processor
    from halo_forge.models.prompts import render

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
                drawn.append(SamplingParams(**params, max_tokens=sampling.max_new_tokens, logprobs=0))
        outputs = model.generate(prompts, drawn, use_tqdm=False, **lora_of(setup))
        return sum(len(part.token_ids) for output in outputs for part in output.outputs)

    measured = _best(generate, repeats)
    model.llm_engine.engine_core.shutdown()
    pipe.send(measured)
