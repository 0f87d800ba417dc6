"""The steps of a run in the order they are taken: one list for training, planning and starting in the middle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from halo_forge import config as fields
from halo_forge import executor
from halo_forge.files import read_json
from halo_forge.stage import Stage
from halo_forge.stages import benchmark, filter, generate, more, perceive, prompts, reward, train, verify
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.run_dir import Position, position


@dataclass(frozen=True)
class Step:
    """One stage of one cycle. `name` is a step of run_dir.ORDER, `stage` the word of --force-from."""

    name: str
    cycle: int
    config: Callable[[Recipes], Any]
    run: Callable[..., Any]
    """`run(config, progress=…)` brings its table up to date."""
    payload: Callable[[Any], dict[str, Any]]
    """What the result of a config is known by. Raises UserError where an input is missing."""
    rows: bool = True
    """Whether it is a row stage, whose failed rows can be tried again."""

    @property
    def stage(self) -> str:
        """The stage that it runs."""
        return "generate" if self.name == "evaluate" else self.name.removeprefix("more/")

    @property
    def position(self) -> Position:
        """Where it is in the run."""
        return position(self.name, self.cycle)

    @property
    def title(self) -> str:
        """The words before its progress lines."""
        if self.name == "prompts":
            return ""
        if self.name in ("evaluate", "benchmark"):
            return f"cycle {self.cycle} eval: "
        return f"cycle {self.cycle} more: " if self.name.startswith("more/") else f"cycle {self.cycle}: "


def steps(cycles: int, further: bool = False) -> list[Step]:
    """All steps of a run of `cycles` cycles: prompts, the base on held-out rows, then cycle by cycle. `further`:
    whether some prompts of a cycle are sampled further."""
    found = [Step("prompts", 0, lambda make: make.prompts(), prompts.run, prompts.payload, rows=False)]
    found += evaluation(0)
    for cycle in range(1, cycles + 1):
        found += _cycle(cycle, further)
    return found


def evaluation(cycle: int) -> list[Step]:
    """The policy after `cycle` on the held-out rows."""
    return [
        _row(generate.STAGE, cycle, lambda make: make.evaluate(cycle, make.policy(cycle), "eval"), "evaluate"),
        _row(benchmark.STAGE, cycle, lambda make: make.benchmark(cycle, "eval")),
    ]


def _cycle(cycle: int, further: bool) -> list[Step]:
    return [
        _row(perceive.STAGE, cycle, lambda make: make.perceive(cycle)),
        _row(generate.STAGE, cycle, lambda make: make.generate(cycle)),
        _row(verify.STAGE, cycle, lambda make: make.verify(cycle)),
        _row(reward.STAGE, cycle, lambda make: make.reward(cycle)),
        *(_further(cycle) if further else ()),
        Step("filter", cycle, lambda make: make.filter(cycle), filter.run, partial(_of_inputs, filter), rows=False),
        Step("train", cycle, lambda make: make.train(cycle), train.run, partial(_of_inputs, train), rows=False),
        *evaluation(cycle),
    ]


def _further(cycle: int) -> list[Step]:
    """What samples some prompts of a cycle further."""
    return [
        Step("more", cycle, lambda make: make.more(cycle), more.run, partial(_of_inputs, more), rows=False),
        _row(generate.STAGE, cycle, lambda make: make.generate_more(cycle), "more/generate"),
        _row(verify.STAGE, cycle, lambda make: make.verify_more(cycle), "more/verify"),
        _row(reward.STAGE, cycle, lambda make: make.reward_more(cycle), "more/reward"),
    ]


def _row(stage: Stage, cycle: int, config: Callable[[Recipes], Any], name: str = "") -> Step:
    def payload(made: Any) -> dict[str, Any]:
        inputs = executor.open_inputs(made)
        return executor.payload_of(stage.name, stage.version, made, inputs, stage.digests(made))

    return Step(name or stage.name, cycle, config, stage.run, payload)


def _of_inputs(module: Any, made: Any) -> dict[str, Any]:
    return module.payload(made, executor.open_inputs(made))


def output_of(config: Any) -> str:
    """The folder whose record says whether a step is done: of train the training table, else its output; of
    prompts the images, which are finished last."""
    if isinstance(config, prompts.Config):
        return f"{config.output}/images"
    return config.log if isinstance(config, train.Config) else config.output


def reads(config: Any) -> list[str]:
    """Places that a step reads: its input tables and its model."""
    named = [value for role in ("source", "weights") for value in fields.fields_of(config, role).values() if value]
    return [place for value in named for place in ((value,) if isinstance(value, str) else value)]


def owes(config: Any) -> bool:
    """Whether the output of a step has rows that failed for a passing reason."""
    records = Path(output_of(config)).glob("part-*.json")
    return any((read_json(record) or {}).get("owed") for record in records)
