"""more: rewards (+ completions) → more. One row per prompt of a cycle: whether it is sampled further, and why.

The choice is a SQL query: one shipped under `sql/more/`, or your own file. It reads `candidates`
(sql/sft/candidates.sql), `rewards` and `completions` and returns prompt_id, cycle, more and reason. Each chosen prompt
gets the same number of further samples, in one round; generate draws them:

    python stages/more.py     --rewards R --completions C --further 12 --output M
    python stages/generate.py --prompts P --more M --first-index 4 --samples 12 --temperature 1 --model … --output C2
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

import contextlib
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from halo_forge import executor, sql
from halo_forge.config import identity, source, target
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.schema import conform
from halo_forge.store import Table

VERSION = 1
DECISION = ("prompt_id", "cycle", "more", "reason")


@dataclass(frozen=True)
class Config:
    """What was sampled so far, and what makes a prompt worth more of it."""

    rewards: str = source("rewards")
    completions: str = source("completions")
    output: str = target(help="where the table of prompts goes")
    further: int = identity(help="samples drawn further for each chosen prompt")
    query: str = identity("default", "a query of sql/more/, or your own .sql file", path=True)
    max_per_prompt: int = identity(2, "right completions that the filter keeps for one prompt")
    cycle: int = identity(1, "number of the cycle")
    seed: int = identity(0, "of the draws that a query may make")

    def __post_init__(self) -> None:
        for flag, value in (("further", self.further), ("max-per-prompt", self.max_per_prompt)):
            if value < 1:
                raise UserError(f"--{flag} takes a number from 1 up, not {value}")


def more(rewards: sql.Source, config: Config, *, completions: sql.Source) -> pa.Table:
    """Which prompts of `rewards` are sampled further: one row for each, ordered by cycle and prompt_id."""
    values = {name: getattr(config, name) for name in ("max_per_prompt", "cycle", "seed")}
    with contextlib.closing(sql.connect({"rewards": rewards, "completions": completions})) as connection:
        sql.keep(connection, "candidates", sql.text("sft/candidates"), values)
        sql.decide(connection, "more", config.query, DECISION, values)
        wrong = sql.fetch(connection, sql.text("sft/undecided"), {})
        if wrong.num_rows:
            first = wrong.slice(0, 1).to_pylist()[0]
            raise UserError(
                f"the query {config.query} must decide once on every prompt of a cycle: {wrong.num_rows} differ, first "
                f"{first['prompt_id']} of cycle {first['cycle']} ({first['decisions']} times)"
            )
        return conform(sql.fetch(connection, sql.text("sft/more"), {"asked": config.further}), "more")


def payload(config: Config, inputs: dict[str, Table]) -> dict[str, Any]:
    """What the table is known by; the text of the query identifies it, not its name or path."""
    query = {"query": sql.known_by("more", config.query)}
    found = executor.payload_of("more", VERSION, config, inputs, query)
    found["params"].pop("query")
    return found


def run(config: Config, *, progress: Progress | None = None) -> Table:
    """Bring the table at `config.output` up to date and return it."""
    show = progress or Progress()
    inputs = executor.open_inputs(config)
    writer = executor.begin(run, show, config.output, "more", payload(config, inputs))
    if writer.finished:
        show.note(f"more: finished before, nothing to do ({config.output})")
        return Table(config.output, "more")
    with show.stage("more", inputs["rewards"].rows) as tick:
        writer.write(0, more(inputs["rewards"], config, completions=inputs["completions"]))
        tick(inputs["rewards"].rows, 0)
    return writer.finish()


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    from halo_forge.cli import stage_main

    return stage_main(Config, run, argv, prog="stages/more.py", doc=__doc__ or "")
