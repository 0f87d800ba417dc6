"""What is tracked of a run: named points, each step's from its finished tables alone, so the same ones at any time.

Names follow the tables: `train/loss` by optimizer step, counted on over the cycles; `cycle/reward`, `cycle/pass_rate`
and the like, `held_out/SPLIT/STYLE/DECODING` and `stage/STEP/seconds` by cycle; `warnings` are texts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from halo_forge import schema, sql
from halo_forge.config import fields_of
from halo_forge.files import read_json
from halo_forge.parts import FINISHED
from halo_forge.store import Table
from halo_forge.vlm.config import VLMRAFTConfig
from halo_forge.vlm.questions import ask
from halo_forge.vlm.run_dir import MAKER, RunDir

TABLE = {maker: table for table, maker in MAKER.items()} | {"prompts": "images"}
"""Step to the table whose record says that it is done."""
LOG = ("loss", "learning_rate", "grad_norm", "epoch", "tokens", "rows")
"""Columns of the training table that are tracked."""
SHORTEST = 0.05
"""Seconds below which a stage has no rate."""
VERIFIERS = ("perception", "reasoning", "output")
Value = float | int | str
Row = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """A value of a curve, or a text, at a step of its own axis."""

    name: str
    step: int
    value: Value


Points = tuple[Point, ...]


def digest(points: Sequence[Point]) -> str:
    """What a list of points is known by."""
    return hashlib.sha256(repr([(one.name, one.step, one.value) for one in points]).encode()).hexdigest()


def settings(config: VLMRAFTConfig) -> dict[str, Value]:
    """The hyperparameters of a run: every setting that changes its result and is not empty."""
    found = {"model": config.model_name, **fields_of(config, "identity")}
    shown = {name: ",".join(map(str, value)) if isinstance(value, tuple) else value for name, value in found.items()}
    return {name: value for name, value in sorted(shown.items()) if value is not None and value != ""}


def made_from(run: RunDir, step: str, cycle: int) -> str:
    """Digest of the records that a step's points hang on; empty while it is not finished. Reads a few small files."""
    record = _record(run, step, cycle)
    if not record.exists():
        return ""
    earlier = [_record(run, step, before) for before in range(1, cycle)] if step == "train" else []
    found = [one.read_bytes() for one in (*earlier, record) if one.exists()]
    return hashlib.sha256(b"\n".join(found)).hexdigest()


def _record(run: RunDir, step: str, cycle: int) -> Path:
    return Path(run.table(TABLE[step], None if step == "prompts" else cycle)) / FINISHED


def of(run: RunDir, step: str, cycle: int) -> Points:
    """The points of a finished step of a cycle, one step of the axis after the other."""
    found = [*_cost(_record(run, step, cycle), step, cycle)]
    if step == "filter":
        found += _cycle(run, cycle)
    if step == "train":
        found += training(run, cycle)
    if step == "benchmark":
        found += _held_out(run, cycle)
    return tuple(found)


def warned(about: Path) -> Points:
    """The lines of a warnings.json, by cycle."""
    kept = [one for one in (read_json(about) or {}).get("warnings", []) if isinstance(one, dict)]
    lines = sorted((int(one.get("cycle", 0)), str(one.get("line", ""))) for one in kept)
    return tuple(Point("warnings", cycle, text) for cycle, text in lines)


def _cost(record: Path, step: str, cycle: int) -> Iterator[Point]:
    """Seconds of work, and what was done in one: by the parts, because the table's own record knows the time of the
    process that finished it only."""
    whole = read_json(record) or {}
    parts = [one for file in record.parent.glob("part-*.json") if "seconds" in (one := read_json(file) or {})]
    told = parts or [whole]
    seconds, rows, tokens = (float(sum(one.get(name) or 0 for one in told)) for name in ("seconds", "rows", "tokens"))
    yield Point(f"stage/{step}/seconds", cycle, seconds)
    unit = "steps" if step == "train" else "rows"
    for name, done in ((f"{unit}_per_second", rows), ("tokens_per_second", tokens)):
        if done and seconds >= SHORTEST:
            yield Point(f"stage/{step}/{name}", cycle, done / seconds)


def training(run: RunDir, cycle: int, log: Iterable[Row] | None = None) -> Points:
    """The training log of a cycle by the run's step: of its table, or of one under way the `log` so far."""
    found = run.tables("training", "training")
    table = schema.empty("training") if found is None else found.read()
    if log is not None:
        rows = [{"cycle": cycle, **{name: one.get(name) for name in ("step", *LOG)}} for one in log]
        before = table.filter(pc.less(table["cycle"], cycle))
        table = pa.concat_tables([before, schema.from_rows(rows, "training")])
    steps = sql.query(sql.text("watch/steps"), {"training": table}, cycle=cycle).to_pylist()
    return tuple(one for row in steps for one in _named("train", row["step"], {name: row[name] for name in LOG}))


def _cycle(run: RunDir, cycle: int) -> Iterator[Point]:
    """What a cycle sampled, how it was judged, and what was kept."""
    found: dict[str, sql.Source] = {"sft": Table(run.table("sft", cycle), "sft")}
    for name in ("completions", "scores", "rewards"):
        first, *others = run.places(name, cycle)
        found[name] = Table(first, name, tuple(others))
    with closing(sql.connect(found)) as connection:
        for row in ask(connection, "watch/cycle", cycle=cycle):
            names = ("completions", "judged", "kept", "pass_rate", "reward", "tokens")
            yield from _named("cycle", cycle, {name: row[name] for name in names})
        for row in ask(connection, "reward/by_verifier"):
            if row["verifier"] in VERIFIERS:
                told = {"": row["mean"], "_abstained": 1 - row["judged"]}
                yield from _named("cycle", cycle, {f"{row['verifier']}{end}": value for end, value in told.items()})
        for row in ask(connection, "policy/diversity"):
            shares = ("distinct_answers", "distinct_completions", "mixed")
            yield from _named("cycle", cycle, {name: row[name] for name in shares})


def _held_out(run: RunDir, cycle: int) -> Iterator[Point]:
    """Accuracy on the held-out rows by split, style and decoding."""
    table = Table(run.table("eval/benchmark", cycle), "benchmark")
    with closing(sql.connect({"benchmark": table})) as connection:
        for row in ask(connection, "benchmark/accuracy"):
            name = "/".join(re.sub(r"[^\w.-]", "_", str(row[part] or "any")) for part in ("split", "style", "decoding"))
            yield Point(f"held_out/{name}", cycle, row["score"])


def _named(group: str, step: int, values: Row) -> Iterator[Point]:
    """A point for each value that is there."""
    for name, value in values.items():
        if value is not None:
            yield Point(f"{group}/{name}", step, value)
