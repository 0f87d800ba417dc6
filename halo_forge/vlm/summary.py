"""What a run shows: what was kept, which cycle is best, what it gained, and whether its invariants hold."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from halo_forge import sql
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.store import Table
from halo_forge.vlm.run_dir import RunDir

CHECKS = tuple(sql.names("checks"))
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """The figures at the end of a run. Accuracies are shares in [0, 1] of the metric on held-out rows."""

    run: str
    best: int
    model: str
    """Folder of the best cycle's adapter."""
    cycles: int
    accuracy: Rows
    """By cycle, split, style and decoding, with 95 % intervals (sql/benchmark/accuracy.sql)."""
    gain: Rows
    """Of the best cycle over the base on the test half, paired (sql/benchmark/gain.sql)."""
    rewards: Rows
    """By cycle (sql/reward/by_cycle.sql)."""
    controls: dict[str, Rows]
    """Name of a control to its gain over the base on the test half."""


def show_kept(sft: Table, show: Progress) -> int:
    """Tell what the filter kept and dropped, and why; the number kept."""
    rows = sql.query(sql.text("sft/reasons"), {"sft": sft}).to_pylist()
    kept = sum(row["completions"] for row in rows if row["keep"])
    dropped = ", ".join(f"{row['completions']} {row['reason']}" for row in rows if not row["keep"])
    show.note(f"filter: kept {kept} of {sum(row['completions'] for row in rows)}; dropped: {dropped or 'none'}")
    return kept


def best_cycle(scored: Table | None, cycles: int, style: str) -> int:
    """The cycle whose greedy score on the dev half is best; the last one where there is no dev half."""
    if scored is None:
        return cycles
    rows = sql.query(sql.text("benchmark/best"), {"benchmark": scored}, style=style, cycles=cycles).to_pylist()
    return rows[0]["cycle"] if rows else cycles


def gain(scored: sql.Source, cycle: int, baseline: int = 0, split: str = "test") -> Rows:
    """The paired gain of `cycle` over `baseline` on one split."""
    return sql.query(
        sql.text("benchmark/gain"), {"benchmark": scored}, cycle=cycle, baseline=baseline, split=split
    ).to_pylist()


def outcome(run: RunDir, best: int, cycles: int) -> Outcome:
    """Read a run's figures from its tables."""
    scored, rewards = run.tables("eval/benchmark", "benchmark"), run.tables("rewards", "rewards", further=False)
    if scored is None or rewards is None:
        raise UserError(f"{run.root} has no evaluated cycle yet: run halo-forge vlm train --output {run.root}")
    return Outcome(
        run=str(run.root),
        best=best,
        model=str(run.model(best)) if best else "",
        cycles=cycles,
        accuracy=sql.query(sql.text("benchmark/accuracy"), {"benchmark": scored}).to_pylist(),
        gain=gain(scored, best),
        rewards=sql.query(sql.text("reward/by_cycle"), {"rewards": rewards}).to_pylist(),
        controls=_controls(run, cycles),
    )


def _controls(run: RunDir, cycles: int) -> dict[str, Rows]:
    found = {}
    base = Table(run.table("eval/benchmark", 0), "benchmark").read()
    for folder in sorted(Path(run.table("controls")).glob(f"*/benchmark/cycle={cycles}")):
        control = Table(str(folder), "benchmark").read()
        found[folder.parent.parent.name] = gain(pa.concat_tables([base, control]), cycles)
    return found


def check(run: RunDir) -> None:
    """Run the checks of `sql/checks/`; rows they return break an invariant and are an error."""
    from halo_forge.vlm import questions, views

    tables = {**views.empty(), **views.tables_of(run)}
    for name in CHECKS:
        asked = questions.question(name)
        rows = sql.query(asked.text, {view: tables[view] for view in asked.tables})
        if rows.num_rows:
            raise UserError(f"check {name} failed on {rows.num_rows} rows of {run.root}, first: {rows.to_pylist()[0]}")


def print_outcome(outcome: Outcome) -> None:
    """The figures as tables on standard output."""
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 110)
    grid = Grid(title="held-out accuracy (95 % interval)", title_justify="left")
    for name in ("cycle", "split", "style", "decoding", "n", "score", "interval"):
        grid.add_column(name)
    for row in outcome.accuracy:
        interval = f"{100 * row['low']:.1f} – {100 * row['high']:.1f}"
        cells = [row["cycle"], row["split"], row["style"], row["decoding"], row["n"], f"{100 * row['score']:.1f}"]
        grid.add_row(*map(str, cells), interval)
    console.print(grid)
    grid = Grid(title="reward by cycle", title_justify="left")
    names = ("cycle", "completions", "reward", "correct", "perception", "reasoning", "output", "prompts_solved")
    for name in names:
        grid.add_column(name)
    for row in outcome.rewards:
        grid.add_row(*(f"{row[n]:.3f}" if isinstance(row[n], float) else str(row[n]) for n in names))
    console.print(grid)
    grid = Grid(title="gain over the base on the test half, paired (points, 95 % interval)", title_justify="left")
    for name in ("policy", "style", "decoding", "n", "before", "after", "gain", "interval"):
        grid.add_column(name)
    for policy, rows in {f"best: cycle {outcome.best}": outcome.gain, **_named(outcome.controls)}.items():
        for row in rows:
            grid.add_row(
                policy,
                row["style"],
                row["decoding"],
                str(row["n"]),
                f"{100 * row['before']:.1f}",
                f"{100 * row['after']:.1f}",
                f"{100 * row['gain']:+.1f}",
                f"{100 * row['low']:+.1f} – {100 * row['high']:+.1f}",
            )
    console.print(grid)
    console.print(f"model: {outcome.model}")


def _named(controls: dict[str, Rows]) -> dict[str, Rows]:
    return {f"control: {name}": rows for name, rows in controls.items()}
