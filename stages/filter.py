"""filter: rewards (+ completions, prompts) → sft. One row in, one row out: kept or dropped, with the reason.

The choice is a SQL query: one shipped under `sql/filters/`, or your own file. It reads `rewards`, `completions`
and `prompts` and returns prompt_id, sample_index, cycle, keep and reason.

    python stages/filter.py --rewards R --completions C --prompts P --filter default --output T
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

from dataclasses import dataclass

import pyarrow as pa

from halo_forge import executor, sql
from halo_forge.config import identity, source, target
from halo_forge.errors import UserError
from halo_forge.keys import sha256_json
from halo_forge.progress import Progress
from halo_forge.schema import conform
from halo_forge.store import Table, Writer

VERSION = 1
DECISION = ("prompt_id", "sample_index", "cycle", "keep", "reason")


@dataclass(frozen=True)
class Config:
    """What to choose from, and by which query."""

    rewards: str = source("rewards")
    completions: str = source("completions")
    prompts: str = source("prompts")
    output: str = target(help="where the sft table goes")
    filter: str = identity("default", "a query of sql/filters/, or your own .sql file", path=True)
    max_per_prompt: int = identity(2, "right completions kept for one prompt")

    def __post_init__(self) -> None:
        if self.max_per_prompt < 1:
            raise UserError(f"--max-per-prompt takes a number from 1 up, not {self.max_per_prompt}")


def filter_rows(rewards: sql.Source, config: Config, *, completions: sql.Source, prompts: sql.Source) -> pa.Table:
    """The sft rows of `rewards` (rewards → sft, 1:1, ordered by cycle, prompt_id and sample_index)."""
    tables = {"rewards": rewards, "completions": completions, "prompts": prompts}
    chosen = sql.named_or_file("filters", config.filter)
    decided = sql.query(chosen, tables, max_per_prompt=config.max_per_prompt)
    missing = [name for name in DECISION if name not in decided.column_names]
    if missing:
        raise UserError(f"--filter {config.filter}: its result has no column {missing[0]}")
    return conform(sql.query(sql.text("sft/rows"), {**tables, "decided": decided}), "sft")


def run(config: Config, *, progress: Progress | None = None) -> Table:
    """Bring the table at `config.output` up to date and return it."""
    show = progress or Progress()
    inputs = executor.open_inputs(config)
    query = sha256_json(" ".join(sql.named_or_file("filters", config.filter).split()))
    payload = executor.payload_of("filter", VERSION, config, inputs, {"filter": query})
    payload["params"].pop("filter")  # the text of the query identifies it, not its name or path
    writer = Writer.begin(config.output, "sft", payload)
    if writer.finished:
        show.note(f"filter: finished before, nothing to do ({config.output})")
        return Table(config.output, "sft")
    with show.stage("filter", inputs["rewards"].rows) as tick:
        made = filter_rows(inputs["rewards"], config, completions=inputs["completions"], prompts=inputs["prompts"])
        if made.num_rows != inputs["rewards"].rows:
            raise UserError(
                f"--filter {config.filter} returned {made.num_rows} rows for {inputs['rewards'].rows} rewards: "
                "it must decide on every row once, with a reason"
            )
        writer.write(0, made)
        tick(made.num_rows, 0)
    return writer.finish(source=executor.source_digest(run))


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    from halo_forge.cli import stage_main

    return stage_main(Config, run, argv, prog="stages/filter.py", doc=__doc__ or "")
