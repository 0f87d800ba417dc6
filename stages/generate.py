"""generate: prompts (and their images) → completions. One row in, k rows out (one more with --greedy).

A model answers each prompt k times. Token ids and raw log-probabilities are kept; a prompt that cannot be
answered has k rows with `error` and `error_kind`.

    python stages/generate.py --prompts P/prompts --model M --samples 4 --temperature 0.7 --output C
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from halo_forge import schema
from halo_forge.config import execution, identity, source, target, weights
from halo_forge.engines.pictures import images_beside, images_of
from halo_forge.engines.transformers import Completion, Generator, Request, RowError, Sampling
from halo_forge.errors import UserError, nearest
from halo_forge.keys import hash63
from halo_forge.models import load_policy, resolve
from halo_forge.stage import Stage

VERSION = 1
ENGINES = ("auto", "transformers", "vllm", "openai")
BUILT = ("auto", "transformers")


@dataclass(frozen=True)
class Config:
    """Who answers, and how."""

    prompts: str = source("prompts")
    model: str = weights(help="folder, adapter (cycle_N), hub id, or bundled:shapes/base")
    output: str = target(help="where the completions table goes")
    images: str = source("images", "", "the images table; default: the one beside the prompts")
    engine: str = execution("auto", "auto or transformers", choices=ENGINES)
    samples: int = identity(4, "completions per prompt")
    greedy: bool = identity(False, "also one greedy completion, as sample 0; the sampled ones follow from 1")
    temperature: float = identity(0.7, "0: greedy, with --samples 1")
    top_p: float = identity(1.0, "share of probability that is sampled from")
    max_new_tokens: int = identity(256, "longest completion, in tokens")
    label: str = identity("", "what the column `model` says; default: --model")
    seed: int = identity(0, "seed of the run")
    cycle: int = identity(1, "number of the cycle, written into the table")
    max_pixels: int = identity(0, "pixels of an image at most; 0: the model's own bound, at most 1,003,520")
    min_pixels: int = identity(0, "pixels of an image at least; 0: the model's own bound")
    dtype: str = identity("auto", "auto, float32 or bfloat16", choices=("auto", "float32", "bfloat16"))
    revision: str = identity("", "branch, tag or commit of a hub model")
    batch_size: int = execution(16, "prompts per batch (part of the key: it changes what is sampled)")
    device: str = execution("auto", "auto, cpu, cuda, cuda:N, xpu or mps")
    threads: int = execution(0, "CPU threads; 0: torch's choice")
    trust_remote_code: bool = execution(False, "run code that a model brings along")

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", images_beside(self.prompts, self.images))
        if self.engine not in ENGINES:
            raise UserError(f"--engine: no engine '{self.engine}'; {nearest(self.engine, ENGINES)}")
        if self.engine not in BUILT:
            raise UserError(f"--engine {self.engine} is not available in this build yet: use --engine transformers")
        if self.samples < 1 or self.max_new_tokens < 1 or self.batch_size < 1:
            raise UserError("--samples, --max-new-tokens and --batch-size must be at least 1")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise UserError("need --temperature 0 or above, and --top-p above 0 and at most 1")
        if self.temperature == 0 and (self.samples != 1 or self.greedy):
            raise UserError("--temperature 0 is greedy and gives one completion: use --samples 1, without --greedy")
        if self.max_pixels < 0 or self.min_pixels < 0:
            raise UserError("--max-pixels and --min-pixels must not be negative")


@dataclass(frozen=True)
class State:
    """A loaded model and who it is."""

    generator: Generator
    digest: str


def load(config: Config) -> State:
    """Load the model once. Raises UserError for a model that cannot be used."""
    ref = resolve(config.model, config.revision or None)
    if config.threads:
        import torch

        torch.set_num_threads(config.threads)
    model, processor = load_policy(
        ref,
        config.device,
        config.dtype,
        max_pixels=config.max_pixels or None,
        min_pixels=config.min_pixels or None,
        trust_remote_code=config.trust_remote_code,
    )
    return State(Generator(model, processor, ref.family), ref.digest)


def digests(config: Config) -> dict[str, Any]:
    """For the key: who answers, and the batch size, which changes what transformers samples."""
    digest = resolve(config.model, config.revision or None).digest
    return {"model": digest, "engine": "transformers", "batch_size": config.batch_size}


def gather(batch: pa.Table, tables: dict[str, Any]) -> dict[str, pa.Table]:
    """The images that a batch of prompts shows."""
    wanted = sorted({image_id for ids in batch["image_ids"].to_pylist() for image_id in ids or ()})
    if not wanted:
        return {"images": schema.empty("images")}
    if "images" not in tables:
        raise UserError("the prompts have images but there is no images table beside them: pass --images")
    return {"images": tables["images"].where("image_id", wanted)}


def generate(prompts: pa.Table, config: Config, state: State, images: pa.Table | None = None) -> pa.Table:
    """Completions of `prompts` (prompts → completions, 1:k, in order)."""
    pictures = images_of(schema.empty("images") if images is None else images)
    rows = prompts.select(["prompt_id", "prompt", "image_ids", "error"]).to_pylist()
    made: list[dict[str, Any]] = []
    for start in range(0, len(rows), config.batch_size):
        made += _batch(rows[start : start + config.batch_size], pictures, config, state)
    return schema.from_rows(made, "completions")


def samplings(config: Config, seed: int) -> list[Sampling]:
    """What is drawn for each prompt: with `greedy` the most likely completion first, then the samples."""
    drawn = Sampling(config.samples, config.temperature, config.top_p, config.max_new_tokens, seed)
    greedy = Sampling(1, 0.0, 1.0, config.max_new_tokens, seed)
    return [greedy, drawn] if config.greedy else [drawn]


def _batch(
    rows: list[dict[str, Any]], pictures: Mapping[str, bytes | str], config: Config, state: State
) -> Iterator[dict[str, Any]]:
    seed = hash63(config.seed, config.cycle, *(row["prompt_id"] for row in rows))
    plan = samplings(config, seed)
    requests = [_request(row, pictures) for row in rows]
    asked = [request for request in requests if isinstance(request, Request)]
    answers = iter(state.generator.answer(asked, plan) if asked else [])
    temperatures = [sampling.temperature for sampling in plan for _ in range(sampling.n)]
    for row, request in zip(rows, requests, strict=True):
        answer = request if isinstance(request, RowError) else next(answers)
        for index, temperature in enumerate(temperatures):
            yield {
                "prompt_id": row["prompt_id"],
                "sample_index": index,
                "cycle": config.cycle,
                "model": config.label or config.model,
                "model_digest": state.digest,
                "temperature": temperature,
                "seed": seed,
                **(_failed(answer) if isinstance(answer, RowError) else _answered(answer[index])),
            }


def _request(row: dict[str, Any], pictures: Mapping[str, bytes | str]) -> Request | RowError:
    """What to ask for a row, or why it cannot be asked."""
    if row["error"]:
        return RowError(str(row["error"]))
    found = []
    for image_id in row["image_ids"] or ():
        data = pictures.get(image_id, "it is not in the images table")
        if isinstance(data, str):
            return RowError(f"image {image_id[:12]}…: {data}")
        found.append(data)
    return Request(row["prompt"] or "", tuple(found))


def _answered(completion: Completion) -> dict[str, Any]:
    return {
        "completion": completion.text,
        "finish_reason": completion.finish_reason,
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": len(completion.token_ids),
        "token_ids": list(completion.token_ids),
        "logprobs": list(completion.logprobs),
    }


def _failed(error: RowError) -> dict[str, Any]:
    return {"error": error.message, "error_kind": error.kind}


STAGE = Stage(
    "generate",
    VERSION,
    Config,
    generate,
    rows="prompts",
    output="completions",
    part_rows=128,
    load=load,
    gather=gather,
    digests=digests,
)


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    return STAGE.main(argv)
