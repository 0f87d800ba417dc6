"""generate: prompts (and their images) → completions. One row in, k rows out (one more with --greedy).

A model answers each prompt k times. Token ids and raw log-probabilities are kept; a prompt that cannot be
answered has k rows with `error` and `error_kind`. With `--more` only the prompts that stages/more.py chose are
asked, and `--first-index` says how many samples they have already.

    python stages/generate.py --prompts P/prompts --model M --samples 4 --temperature 0.7 --output C
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from halo_forge import schema
from halo_forge.config import execution, identity, source, target, weights
from halo_forge.datasets.cycles import asked_in
from halo_forge.engines import choose
from halo_forge.engines.engine import Engine, NoEngine
from halo_forge.engines.pictures import images_beside, images_of
from halo_forge.engines.rollouts import rollouts
from halo_forge.errors import UserError
from halo_forge.models import ModelRef, resolve
from halo_forge.progress import Progress
from halo_forge.stage import Stage
from halo_forge.store import discard

VERSION = 2
ALONE_ROWS = 512
"""Prompts of a part where each is drawn by itself: the longer the part, the smaller the share of its tail, in which
the engine has little left to do."""


@dataclass(frozen=True)
class Config:
    """Who answers, and how."""

    prompts: str = source("prompts")
    model: str = weights(help="folder, adapter (cycle_N), hub id, bundled:shapes/base, or served:NAME on a server")
    output: str = target(help="where the completions table goes")
    images: str = source("images", "", "the images table; default: the one beside the prompts")
    more: str = source("more", "", "which prompts to ask (stages/more.py; default: all, or those of the cycle)")
    engine: str = execution("auto", "auto, vllm, transformers or openai", choices=choose.ENGINES)
    samples: int = identity(4, "completions per prompt")
    first_index: int = execution(0, "sample_index of the first one: how many there are already (part of the key)")
    greedy: bool = identity(False, "also one greedy completion, as sample 0; the sampled ones follow from 1")
    temperature: float = identity(0.7, "0: greedy, with --samples 1")
    top_p: float = identity(1.0, "share of probability that is sampled from")
    max_new_tokens: int = identity(256, "longest completion, in tokens")
    label: str = identity("", "what the column `model` says; default: --model")
    seed: int = identity(0, "seed of the run")
    cycle: int = identity(1, "number of the cycle, written into the table")
    per_cycle: int = identity(0, "prompts of one cycle, another slice in each (0: all)")
    max_pixels: int = identity(0, "pixels of an image at most; 0: the model's own bound, at most 1,003,520")
    min_pixels: int = identity(0, "pixels of an image at least; 0: the model's own bound")
    dtype: str = identity("auto", "auto, float32 or bfloat16", choices=("auto", "float32", "bfloat16"))
    quantization: str = identity("", "nf4: the base in 4 bits, as in training", choices=choose.QUANTIZATIONS)
    batch_invariant: bool = identity(False, "vLLM: the same to the bit whatever else is in the batch (slower)")
    revision: str = identity("", "branch, tag or commit of a hub model")
    batch_size: int = execution(16, "transformers: prompts per batch (part of the key: it changes what is sampled)")
    tensor_parallel: int = execution(1, "vLLM: devices that share the model")
    base_url: str = execution("", "openai: address of the server, such as http://localhost:8000/v1")
    concurrency: int = execution(32, "openai: prompts asked at the same time")
    timeout: float = execution(600.0, "openai: seconds to wait for an answer")
    device: str = execution("auto", "auto, cpu, cuda, cuda:N, xpu or mps")
    threads: int = execution(0, "CPU threads; 0: the engine's choice")
    trust_remote_code: bool = execution(False, "run code that a model brings along")

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", images_beside(self.prompts, self.images))
        choose.check(
            self.engine,
            device=self.device,
            base_url=self.base_url,
            quantization=self.quantization,
            tensor_parallel=self.tensor_parallel,
            batch_invariant=self.batch_invariant,
        )
        if self.samples < 1 or self.max_new_tokens < 1 or self.batch_size < 1 or self.concurrency < 1:
            raise UserError("--samples, --max-new-tokens, --batch-size and --concurrency must be at least 1")
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.timeout <= 0:
            raise UserError("need --temperature 0 or above, --top-p above 0 and at most 1, --timeout above 0")
        if self.temperature == 0 and (self.samples != 1 or self.greedy):
            raise UserError("--temperature 0 is greedy and gives one completion: use --samples 1, without --greedy")
        if self.max_pixels < 0 or self.min_pixels < 0 or self.first_index < 0:
            raise UserError("--max-pixels, --min-pixels and --first-index must not be negative")
        if self.first_index and self.greedy:
            raise UserError("--first-index goes on after earlier samples: --greedy, which is the first, is among them")
        if self.model.startswith(choose.SERVED) and self.engine != "openai":
            raise UserError(f"--model {self.model} is on a server: give --engine openai and --base-url with it")


@dataclass(frozen=True)
class State:
    """A loaded model and who it is."""

    engine: Engine
    digest: str


def load(config: Config) -> State:
    """Load the model once. Raises UserError for a model that cannot be used."""
    ref = _ref(config)
    return State(choose.opened(config, choose.settled(config), ref), _digest(config, ref))


def _ref(config: Config) -> ModelRef | None:
    """The model; None where only a server can read it."""
    return None if config.model.startswith(choose.SERVED) else resolve(config.model, config.revision or None)


def _digest(config: Config, ref: ModelRef | None) -> str:
    return config.model if ref is None else ref.digest


def digests(config: Config) -> dict[str, Any]:
    """For the key: who answers with which engine, the batch size where it changes what is sampled, and where the
    samples begin if they follow earlier ones."""
    engine = choose.settled(config)
    found = {"model": _digest(config, _ref(config)), "engine": engine}
    batch = {"batch_size": config.batch_size} if engine == "transformers" else {}
    return found | batch | ({"first_index": config.first_index} if config.first_index else {})


def select(config: Config, tables: dict[str, Any]) -> Any:
    """The prompts that this cycle asks, or of them those that are sampled further."""
    if "more" not in tables:
        return asked_in(tables["prompts"], config.per_cycle, config.cycle, config.seed)
    chosen = tables["more"].read(["prompt_id", "asked"])
    chosen = chosen.filter(pc.greater(chosen["asked"], 0))["prompt_id"].combine_chunks()
    return np.flatnonzero(pc.is_in(tables["prompts"].read(["prompt_id"])["prompt_id"], value_set=chosen).to_numpy())


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
    together = (state.engine.together if rows else None) or max(len(rows), 1)
    made: list[dict[str, Any]] = []
    for start in range(0, len(rows), together):
        made += rollouts(rows[start : start + together], pictures, config, state.engine, state.digest)
    return schema.from_rows(made, "completions")


@dataclass(frozen=True)
class Generate(Stage):
    """The stage with its engine's life around it: closed when the table is done, replaced where `auto` has to."""

    def run(self, config: Any, **options: Any) -> Any:
        """Bring the completions table up to date; see executor.run."""
        engine = choose.settled(config)
        show = options.get("progress") or Progress()
        if config.engine == "auto" and engine == "transformers" and choose.say_why():
            show.note(f"generate: engine transformers: {choose.automatic(config.device, config.quantization)[1]}")
        try:
            return self._run(config, engine, options)
        except NoEngine as error:
            if config.engine != "auto" or any(Path(config.output).glob("part-*.parquet")):
                raise UserError(str(error)) from error
            choose.refused[engine] = str(error)
            show.note(f"generate: {error}; engine transformers takes over")
        discard(config.output)  # begun, and empty
        return self._run(config, "transformers", options)

    def _run(self, config: Config, engine: str, options: dict[str, Any]) -> Any:
        opened: list[Engine] = []

        def remembered(asked: Config) -> State:
            state = self.load(asked)
            opened.append(state.engine)
            return state

        rows = self.part_rows if engine == "transformers" else ALONE_ROWS
        stage = replace(self, load=remembered, part_rows=rows)
        try:
            return Stage.run(stage, replace(config, engine=engine), **options)
        finally:
            for each in opened:
                each.close()


STAGE = Generate(
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
    select=select,
)


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    return STAGE.main(argv)
