"""Controls: the same number of training steps from the same base, on data that RAFT does not use.

- `unverified`: the base's own completions of cycle 1, right or wrong. A gain here would mean that training on
  anything of one's own helps.
- `gold`: the dataset's answers, without evidence. A gain here is what the labels alone are worth.

Tables: controls/NAME/sft, training, adapter, completions and benchmark; they have the last cycle's number.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from halo_forge import executor, sql
from halo_forge.stages import filter, train
from halo_forge.store import Table, Writer

if TYPE_CHECKING:
    from halo_forge.vlm.trainer import VLMRAFTTrainer

VERSION = 1
TEMPLATES = {"grounded": "<answer>{answer}</answer>", "direct": "{answer}"}


def run(trainer: VLMRAFTTrainer, cycles: int) -> None:
    """Train and evaluate both controls into the run of `trainer`, at the steps of its `cycles` together."""
    steps = sum(Table(trainer.dir.table("training", c), "training").rows for c in range(1, cycles + 1))
    for name, sft in (("unverified", _unverified(trainer)), ("gold", _gold(trainer))):
        show = trainer.progress.under(f"control {name}: ")
        folder = trainer.dir.root / "controls" / name
        rate = trainer.config.learning_rate
        config = trainer.recipes.lesson(sft, trainer.config.model_name, folder / "adapter", cycles, rate)
        train.run(dataclasses.replace(config, max_steps=steps), progress=show)
        trainer.evaluate(cycles, str(folder / "adapter"), below=f"controls/{name}")


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
    filter.run(config, progress=trainer.progress.under("control unverified: "))
    return config.output


def _gold(trainer: VLMRAFTTrainer) -> str:
    output = trainer.dir.table("controls/gold/sft")
    prompts = Table(trainer.dir.table("prompts"), "prompts").open()
    payload = {"stage": "gold", "version": VERSION, "params": TEMPLATES, "inputs": {"prompts": prompts.digest}}
    writer = Writer.begin(output, "sft", payload)
    if not writer.finished:
        writer.write(0, sql.query(sql.text("sft/gold"), {"prompts": prompts}, **TEMPLATES))
        writer.finish(source=executor.source_digest(run))
    return output
