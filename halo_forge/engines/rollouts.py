"""From prompts to what an engine is asked, and from its answers to rows of completions.

A completion's seed is that of its prompt plus its sample_index where each prompt is drawn by itself; an engine that
draws batches has one seed for all completions of a batch. Samples that follow earlier ones (`first_index`) have
seeds of their own either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halo_forge.engines.engine import Answer, Completion, Engine, Request, RowError, Sampling
from halo_forge.keys import hash63

ROOM = 2**63 - 2**20
"""Seeds start below it, so that a prompt's completions count up from theirs within 63 bits."""


def rollouts(
    rows: list[dict[str, Any]], pictures: Mapping[str, bytes | str], config: Any, engine: Engine, digest: str
) -> list[dict[str, Any]]:
    """Completions, as rows, of prompts that are asked in one call; `config` is one of generate, `digest` the model's.

    A prompt that cannot be asked, or is not answered, has as many rows with the error.
    """
    seed = batch_seed(config, [row["prompt_id"] for row in rows])
    plan = samplings(config, seed)
    requests = [_request(row, pictures, config) for row in rows]
    asked = [request for request in requests if isinstance(request, Request)]
    answers = iter(engine.answer(asked, plan) if asked else [])
    temperatures = [sampling.temperature for sampling in plan for _ in range(sampling.n)]
    made = []
    for row, request in zip(rows, requests, strict=True):
        answer: Answer = request if isinstance(request, RowError) else next(answers)
        first = prompt_seed(config, row["prompt_id"])
        for index, temperature in enumerate(temperatures):
            made.append(
                {
                    "prompt_id": row["prompt_id"],
                    "sample_index": config.first_index + index,
                    "cycle": config.cycle,
                    "model": config.label or config.model,
                    "model_digest": digest,
                    "temperature": temperature,
                    "seed": seed if engine.together else first + index,
                    **(_failed(answer) if isinstance(answer, RowError) else _answered(answer[index])),
                }
            )
    return made


def samplings(config: Any, seed: int) -> list[Sampling]:
    """What is drawn for each prompt: with `greedy` the most likely completion first, then the samples. `seed` is
    that of a batch, for engines that draw batches."""
    drawn = Sampling(config.samples, config.temperature, config.top_p, config.max_new_tokens, seed)
    greedy = Sampling(1, 0.0, 1.0, config.max_new_tokens, seed)
    return [greedy, drawn] if config.greedy else [drawn]


def batch_seed(config: Any, prompt_ids: list[str]) -> int:
    """Seed of prompts that are drawn as one batch."""
    further = (f"from {config.first_index}",) if config.first_index else ()
    return hash63(config.seed, config.cycle, *further, *prompt_ids)


def prompt_seed(config: Any, prompt_id: str) -> int:
    """Seed of a prompt's first completion, where each prompt is drawn by itself; the next ones count up from it."""
    return hash63(config.seed, config.cycle, prompt_id) % ROOM + config.first_index


def _request(row: dict[str, Any], pictures: Mapping[str, bytes | str], config: Any) -> Request | RowError:
    """What to ask for a row, or why it cannot be asked."""
    if row["error"]:
        return RowError(str(row["error"]))
    found = []
    for image_id in row["image_ids"] or ():
        data = pictures.get(image_id, "it is not in the images table")
        if isinstance(data, str):
            return RowError(f"image {image_id[:12]}…: {data}")
        found.append(data)
    return Request(row["prompt"] or "", tuple(found), prompt_seed(config, row["prompt_id"]))


def _answered(completion: Completion) -> dict[str, Any]:
    return {
        "completion": completion.text,
        "finish_reason": completion.finish_reason,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": completion.completion_tokens,
        "token_ids": None if completion.token_ids is None else list(completion.token_ids),
        "logprobs": None if completion.logprobs is None else list(completion.logprobs),
        "seed": completion.seed,
    }


def _failed(error: RowError) -> dict[str, Any]:
    return {"error": error.message, "error_kind": error.kind}
