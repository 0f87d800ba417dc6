"""filter: rewards (+ completions, prompts) → sft. One row in, one row out, kept or dropped with the reason; then more.

The choice is a SQL query: one shipped under `sql/filters/`, or your own file. It reads `candidates`
(sql/sft/candidates.sql), `rewards`, `completions` and `prompts` and returns prompt_id, sample_index, cycle, keep and
reason. With `--history` a share of what earlier cycles kept is replayed; with `--scores` and `--transfer` a verified
answer becomes a target of the direct prompt where only the grounded one was answered right (column `origin`). Of
prompts that were sampled further, all tables are given with a comma: `--rewards R,R2 --completions C,C2`.

    python stages/filter.py --rewards R --completions C --prompts P --filter default --output T
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from halo_forge import executor, sql
from halo_forge.config import identity, source, target
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.schema import conform, empty
from halo_forge.store import Table

VERSION = 2
DECISION = ("prompt_id", "sample_index", "cycle", "keep", "reason")
PART_ROWS = 8_192
LIMITS = sql.Limits(memory_gib=0.375, threads=1)
"""DuckDB sorts and joins within it, and beyond it on disk. Each thread pins blocks of its own: with sixteen of them
512 MiB were too little for a million rows, with one 256 MiB do for three million."""


@dataclass(frozen=True)
class Config:
    """What to choose from, and by which query."""

    rewards: tuple[str, ...] | str = source("rewards", help="the rewards tables, comma separated")
    completions: tuple[str, ...] | str = source("completions", help="the completions tables, comma separated")
    prompts: str = source("prompts")
    output: str = target(help="where the sft table goes")
    scores: tuple[str, ...] | str = source("scores", (), "the scores tables, for --transfer")
    history: tuple[str, ...] = source("sft", (), "sft tables of earlier cycles, for --replay")
    filter: str = identity("default", "a query of sql/filters/, or your own .sql file", path=True)
    max_per_prompt: int = identity(2, "right completions kept for one prompt")
    all_right_share: float = identity(0.25, "share of the all-right prompts of which one completion is kept")
    replay: float = identity(0.1, "rows replayed from earlier cycles, as a share of those kept in this one")
    transfer: bool = identity(False, "verified grounded answers also train the direct prompt")
    cycle: int = identity(1, "number of the cycle, written into replayed rows")
    seed: int = identity(0, "of the draws")

    def __post_init__(self) -> None:
        if self.max_per_prompt < 1:
            raise UserError(f"--max-per-prompt takes a number from 1 up, not {self.max_per_prompt}")
        for flag, share in (("--all-right-share", self.all_right_share), ("--replay", self.replay)):
            if not 0 <= share <= 1:
                raise UserError(f"{flag} takes a share from 0 to 1, not {share}")
        if self.transfer and not self.scores:
            raise UserError("--transfer needs the verified answers: give --scores with it")


def filter_rows(
    rewards: sql.Source,
    config: Config,
    *,
    completions: sql.Source,
    prompts: sql.Source,
    scores: sql.Source | None = None,
    history: sql.Source | None = None,
) -> pa.Table:
    """The sft rows of `rewards`: first one for each, ordered by cycle, prompt_id and sample_index, then those that
    are transferred and replayed."""
    made = filtered(rewards, config, completions=completions, prompts=prompts, scores=scores, history=history)
    return pa.concat_tables([empty("sft"), *made])


def filtered(
    rewards: sql.Source,
    config: Config,
    *,
    completions: sql.Source,
    prompts: sql.Source,
    scores: sql.Source | None = None,
    history: sql.Source | None = None,
) -> Iterator[pa.Table]:
    """What `filter_rows` returns, a few thousand rows at a time."""
    chosen = {name: getattr(config, name) for name in ("max_per_prompt", "all_right_share", "cycle", "seed")}
    tables: dict[str, sql.Source] = {"rewards": rewards, "completions": completions, "prompts": prompts}
    if config.transfer and scores is not None:
        tables["scores"] = scores
    if history is not None:
        tables["history"] = history
    with contextlib.closing(sql.connect(tables, limits=LIMITS)) as connection:
        sql.keep(connection, "candidates", sql.text("sft/candidates"), chosen)
        sql.decide(connection, "filters", config.filter, DECISION, chosen)
        kept = 0
        for query in ("sft/rows", "sft/transfer") if "scores" in tables else ("sft/rows",):
            for part in _read(connection, query, {}):
                kept += pc.sum(part["keep"]).as_py() or 0
                yield part
        if history is not None and config.replay:
            again = math.ceil(config.replay * kept)
            yield from _read(connection, "sft/replay", {"rows": again, "cycle": config.cycle, "seed": config.seed})


def _read(connection: Any, query: str, values: dict[str, Any]) -> Iterator[pa.Table]:
    """The rows of a query of ours as DuckDB gives them, never all at once."""
    for batch in connection.sql(sql.text(query), params=values).to_arrow_reader(PART_ROWS):
        yield conform(pa.Table.from_batches([batch]), "sft")


def _parts(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of `PART_ROWS`; one empty table where there are none."""
    held, rows, began = [empty("sft")], 0, False
    for table in tables:
        held.append(table)
        rows += table.num_rows
        while rows >= PART_ROWS:
            whole = pa.concat_tables(held)
            yield whole.slice(0, PART_ROWS)
            held, rows = [whole.slice(PART_ROWS)], rows - PART_ROWS
            began = True
    if rows or not began:
        yield pa.concat_tables(held)


def payload(config: Config, inputs: dict[str, Table]) -> dict[str, Any]:
    """What the table is known by; the text of the query identifies it, not its name or path."""
    query = {"filter": sql.known_by("filters", config.filter)}
    found = executor.payload_of("filter", VERSION, config, inputs, query)
    found["params"].pop("filter")
    return found


def run(config: Config, *, progress: Progress | None = None) -> Table:
    """Bring the table at `config.output` up to date and return it."""
    show = progress or Progress()
    inputs = executor.open_inputs(config)
    writer = executor.begin(run, show, config.output, "sft", payload(config, inputs))
    if writer.finished:
        show.note(f"filter: finished before, nothing to do ({config.output})")
        return Table(config.output, "sft")
    with show.stage("filter", inputs["rewards"].rows) as tick:
        more: dict[str, Any] = dict(inputs)
        count = decided = 0
        for number, part in enumerate(_parts(filtered(more.pop("rewards"), config, **more))):
            writer.write(number, part)
            count = number + 1
            decided += pc.sum(pc.equal(part["origin"], "sampled")).as_py() or 0
            tick(part.num_rows, 0)
        if decided != inputs["rewards"].rows:
            raise UserError(
                f"--filter {config.filter} returned {decided} rows for {inputs['rewards'].rows} rewards: "
                "it must decide on every row once, with a reason"
            )
    return writer.finish(count)


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    from halo_forge.cli import stage_main

    return stage_main(Config, run, argv, prog="stages/filter.py", doc=__doc__ or "")
