"""What a cycle came to, in one line, and what looks wrong about it, a line each with what to do.

All figures are queries of `sql/watch/` over the run's tables, a few rows each. Nothing that a stage reads is written:
warnings are kept in `RUN/warnings.json` (of a rerun with a tag: `warnings_TAG.json`), {"warnings": [{"cycle",
"warning", "line"}, …]}, so that each is shown once per run and cycle.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_forge import schema, sql
from halo_forge.files import read_json, write_json
from halo_forge.progress import Progress
from halo_forge.vlm.run_dir import RunDir

if TYPE_CHECKING:
    from halo_forge.vlm.steps import Step
    from halo_forge.vlm.trainer import VLMRAFTTrainer

TABLES = {
    "cycle": {"completions": "completions", "rewards": "rewards", "sft": "sft"},
    "answers": {"scores": "scores"},
    "held_out": {"benchmark": "eval/benchmark"},
    "seen": {"evidence": "evidence"},
}
"""Query of `sql/watch/` to its views, and where in the run each is."""
EVERYTHING = 0.99
"""Share of right completions from which there is nothing to choose between."""
UP = 0.01
"""Rise of the mean reward that counts."""
FEWER = 0.7
"""Distinct answers, against the first cycle, at or below which the policy is narrowing."""
LONGER = 2.0
"""Mean tokens, against the first cycle, above which lengths explode."""
Row = dict[str, Any]
Stamps = dict[str, tuple[int, int, int]]


@dataclass(frozen=True)
class Figures:
    """A cycle beside the first one and the one before; rows of the queries of `sql/watch/`, empty where there are
    none."""

    now: Row
    before: Row
    first: Row
    answers: float | None
    """Distinct answers per completion, as a share of those of the first cycle."""
    held: dict[str, Row]
    """By split: greedy accuracy, and its paired change."""
    seen: list[Row]
    """By detector: images looked at, and those in which it found an object."""


def watched(trainer: VLMRAFTTrainer, steps: Iterable[Step]) -> Iterator[Step]:
    """`steps`, one by one; after the last of a cycle in which any table was made, tell what it came to."""
    before = _stamps(trainer.dir.root, "*")
    began: dict[int, float] = {}
    for step in steps:
        began.setdefault(step.cycle, time.monotonic())
        yield step
        if (
            step.cycle
            and step.name == "benchmark"
            and _stamps(trainer.dir.root, str(step.cycle)).items() - before.items()
        ):
            seconds = time.monotonic() - began[step.cycle]
            style = trainer.recipes.card.style
            tell(trainer.dir, step.cycle, style, seconds, trainer.progress.under(f"cycle {step.cycle}: "))


def _stamps(root: Path, cycle: str) -> Stamps:
    """The records of finished tables of a cycle (or *), each with what changes when it is written again."""
    found = {}
    for pattern in (f"*/cycle={cycle}/_stage.json", f"*/*/cycle={cycle}/_stage.json"):
        for file in root.glob(pattern):
            stat = file.stat()
            found[str(file)] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found


def tell(run: RunDir, cycle: int, style: str, seconds: float, show: Progress) -> None:
    """Note the line of a cycle and the warnings that were not shown for it before; keep those that hold."""
    figures = read(run, cycle, style)
    show.tell("cycle", line(figures, seconds), **{**figures.now, "cycle": cycle})
    path = kept_in(run)
    kept = [one for one in (read_json(path) or {}).get("warnings", []) if isinstance(one, dict)]
    shown = {one.get("warning") for one in kept if one.get("cycle") == cycle}
    found = [{"cycle": cycle, "warning": name, "line": text} for name, text in warnings(figures).items()]
    for one in found:
        if one["warning"] not in shown:
            show.tell("warning", f"warning: {one['line']}", cycle=cycle, warning=one["warning"])
    together = [*(one for one in kept if one.get("cycle") != cycle), *found]
    if together != kept or not path.exists():
        write_json(path, {"warnings": together})


def kept_in(run: RunDir) -> Path:
    """The file that keeps a run's warnings."""
    return run.root / (f"warnings_{run.tag}.json" if run.tag else "warnings.json")


def read(run: RunDir, cycle: int, style: str) -> Figures:
    """The figures of a cycle, by SQL over the run's tables; a table that the run lacks has no rows."""
    rows = {name: _ask(run, name, cycle, style) for name in TABLES}
    cycles = {row["cycle"]: row for row in rows["cycle"]}
    distinct = {row["cycle"]: row["distinct_answers"] for row in rows["answers"]}
    answers = distinct[cycle] / distinct[1] if cycle in distinct and distinct.get(1) else None
    earlier = cycles.get(cycle - 1, {}), cycles.get(1, {})
    return Figures(
        cycles.get(cycle, {}), *earlier, answers, {row["split"]: row for row in rows["held_out"]}, rows["seen"]
    )


def _ask(run: RunDir, name: str, cycle: int, style: str) -> list[Row]:
    found: dict[str, sql.Source] = {}
    for view, place in TABLES[name].items():
        table = run.tables(place, view)
        found[view] = schema.empty(view) if table is None else table
    asked = {"cycle": cycle, "style": style, "sample": 200_000}
    return sql.query(sql.text(f"watch/{name}"), found, **asked).to_pylist()


def line(figures: Figures, seconds: float) -> str:
    """The summary of a cycle; `seconds` that it took in this run."""
    now = figures.now
    held = ", ".join(f"{split} {_percent(row['score'])}" for split, row in sorted(figures.held.items()))
    return (
        f"kept {now.get('kept', 0)} of {now.get('completions', 0)}, pass rate {_percent(now.get('pass_rate'))}, "
        f"mean reward {_number(now.get('reward'), 3)}, held-out greedy {held or 'none'}, "
        f"{_number(now.get('tokens'), 0)} tokens per completion, {seconds:.0f} s"
    )


def warnings(figures: Figures) -> dict[str, str]:
    """Name to line of what looks wrong: what it means, and what to do."""
    now, before, first = figures.now, figures.before, figures.first
    rate, tokens, short = now.get("pass_rate"), now.get("tokens"), first.get("tokens")
    dev = figures.held.get("dev", {})
    found = {}
    if rate == 0:
        found["nothing passes"] = (
            f"none of {now['judged']} judged completions is right, so the model learns from no right answer: raise "
            "--samples or --temperature, start from a better model, or see that --metric fits the answers"
        )
    if rate is not None and rate >= EVERYTHING:
        found["everything passes"] = (
            f"{_percent(rate)} of {now['judged']} judged completions are right, so there is nothing left to learn: "
            "give harder prompts, or stop here"
        )
    up = (now.get("reward") or 0.0) - (before.get("reward") or 0.0) if before else 0.0
    if up > UP and dev.get("pairs") and dev["change"] < -dev["error"]:
        found["reward up, accuracy down"] = (
            f"the mean reward rose by {up:.3f} while held-out dev accuracy fell by {-100 * dev['change']:.1f} points: "
            "the policy may be learning to please the verifiers; look with halo-forge vlm sql RUN watch, and raise "
            "--output-weight"
        )
    if figures.answers is not None and figures.answers <= FEWER + 1e-9:
        found["fewer distinct answers"] = (
            f"samples of one prompt differ {_percent(1 - figures.answers)} less in their answers than in cycle 1: the "
            "policy is narrowing; raise --temperature, lower --max-per-prompt, or train fewer steps"
        )
    if tokens and short and tokens > LONGER * short:
        found["lengths explode"] = (
            f"completions have {tokens:.0f} tokens, {tokens / short:.1f} times those of cycle 1: the policy may be "
            "talking for reward; look with halo-forge vlm sql RUN length_drift, and lower --max-new-tokens"
        )
    eyes = [row for row in figures.seen if row["detector"] != "none" and row["images"]]
    if eyes and not any(row["with_objects"] for row in eyes):
        images = sum(row["images"] for row in eyes)
        found["detector finds nothing"] = (
            f"{eyes[0]['detector']} found no object in any of {images} images, so claims about "
            "objects are judged without evidence: give a --detector that knows these images, or --detector none"
        )
    return found


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"
