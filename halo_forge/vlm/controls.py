"""Controls: the same number of training steps from the same base, on data that RAFT does not use.

- `unverified`: the base's own completions of cycle 1, right or wrong. A gain here would mean that training on
  anything of one's own helps.
- `gold`: the dataset's answers, without evidence. A gain here is what the labels alone are worth.

Tables: controls/NAME/sft, training, completions and benchmark, and the adapter cycle_N; they have the last cycle's
number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_forge import executor, sql
from halo_forge.progress import Progress
from halo_forge.stages import benchmark, filter, generate, train
from halo_forge.store import StaleError, Table, discard

if TYPE_CHECKING:
    from halo_forge.vlm.trainer import VLMRAFTTrainer

VERSION = 1
TEMPLATES = {"grounded": "<answer>{answer}</answer>", "direct": "{answer}"}


def run(trainer: VLMRAFTTrainer, cycles: int) -> None:
    """Train and evaluate both controls into the run of `trainer`, at the steps of its `cycles` together."""
    steps = sum(Table(trainer.dir.table("training", c), "training").rows for c in range(1, cycles + 1))
    for name, sft in (("unverified", _unverified(trainer)), ("gold", _gold(trainer))):
        below, make = f"controls/{name}", trainer.recipes
        adapter = Path(trainer.dir.table(below)) / f"cycle_{cycles}"
        log = trainer.dir.table(f"{below}/training", cycles)
        lesson = make.lesson(sft, trainer.config.model_name, adapter, log, cycles, trainer.config.learning_rate)
        _bring(trainer, train.run, dataclasses.replace(lesson, max_steps=steps), name)
        _bring(trainer, generate.STAGE.run, make.evaluate(cycles, str(adapter), below), name)
        _bring(trainer, benchmark.STAGE.run, make.benchmark(cycles, below), name)


def _bring(trainer: VLMRAFTTrainer, run: Callable[..., Any], config: Any, name: str) -> None:
    """Bring one table of a control up to date; where the run replaces tables, one of other settings goes."""
    show = trainer.progress.under(f"control {name}: ")
    try:
        run(config, progress=show)
    except StaleError:
        if not trainer.replacing:
            raise
        discard(config.output)
        if isinstance(config, train.Config):
            discard(config.log)
        run(config, progress=show)


def _unverified(trainer: VLMRAFTTrainer) -> str:
    where = trainer.dir.table
    config = filter.Config(
        rewards=where("rewards", 1),
        completions=where("completions", 1),
        prompts=where("prompts"),
        output=where("controls/unverified/sft"),
        filter="unverified",
        max_per_prompt=trainer.config.max_per_prompt,
    )
    _bring(trainer, filter.run, config, "unverified")
    return config.output


@dataclass(frozen=True)
class _Gold:
    prompts: str
    output: str


def _gold(trainer: VLMRAFTTrainer) -> str:
    config = _Gold(trainer.dir.table("prompts"), trainer.dir.table("controls/gold/sft"))
    _bring(trainer, _answers, config, "gold")
    return config.output


def _answers(config: _Gold, progress: Progress) -> None:
    """The dataset's answers as an sft table."""
    prompts = Table(config.prompts, "prompts").open()
    payload = {"stage": "gold", "version": VERSION, "params": TEMPLATES, "inputs": {"prompts": prompts.digest}}
    writer = executor.begin(run, progress, config.output, "sft", payload)
    if not writer.finished:
        writer.write(0, sql.query(sql.text("sft/gold"), {"prompts": prompts}, **TEMPLATES))
        writer.finish()
