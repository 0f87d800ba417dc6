"""Runs a row stage over tables on disk: part by part, resumable, written by one process in order.

The stage sees Arrow tables only; which parts are missing, where they go and what they are known by is decided
here and in the store, and in how many processes they are made in the pool.
"""

from __future__ import annotations

import dataclasses
import time
import typing
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from halo_forge import config as fields
from halo_forge import schema
from halo_forge.errors import UserError
from halo_forge.pool import Rows, Work, processes
from halo_forge.progress import Progress
from halo_forge.source import differ, source_digest
from halo_forge.stage import Stage
from halo_forge.store import Range, Table, Writer, ranges

__all__ = ["begin", "check_unchanged", "identity_of", "open_inputs", "payload_of", "run", "source_digest"]


def payload_of(
    name: str, version: int, config: Any, inputs: dict[str, Table], digests: dict[str, Any]
) -> dict[str, Any]:
    """The readable payload whose sha256 is the key of a stage's result."""
    return {
        "stage": name,
        "version": version,
        "params": identity_of(config),
        "inputs": {field: table.digest for field, table in inputs.items()},
        "loaded": digests,
    }


def identity_of(config: Any) -> dict[str, Any]:
    """The identity parameters of a config; whole numbers where the field is a float are floats, so that 1 and 1.0
    are one key."""
    kinds = typing.get_type_hints(type(config))
    return {name: _typed(value, kinds[name]) for name, value in fields.fields_of(config, "identity").items()}


def _typed(value: Any, kind: Any) -> Any:
    if float not in (kind, *typing.get_args(kind)):
        return value
    if isinstance(value, tuple | list):
        return [_typed(item, float) for item in value]
    return float(value) if type(value) is int else value


def begin(
    fn: Callable[..., Any],
    show: Progress,
    path: str | Path,
    name: str,
    payload: dict[str, Any],
    ranges: Sequence[Range] = ((0, 0),),
) -> Writer:
    """`Writer.begin` for a stage whose function is `fn`. When the code that made or began what stands there was
    another, one line of `show` says so; nothing is rebuilt for that."""
    source = source_digest(fn)
    writer = Writer.begin(path, name, payload, ranges, source)
    if differ(writer.made_by, source):
        show.note(
            f"{payload['stage']}: its code changed since {path} was {'made' if writer.finished else 'begun'}; "
            f"--force-from {payload['stage']} would make it anew"
        )
    return writer


def open_inputs(config: Any) -> dict[str, Table]:
    """The input tables that `config` names, opened and checked; fields left empty are left out."""
    return {
        f.name: _table(getattr(config, f.name), f.metadata["table"])
        for f in dataclasses.fields(config)
        if f.metadata.get("role") == "source" and getattr(config, f.name)
    }


def _table(places: str | Sequence[str], name: str) -> Table:
    """The table at one place, or at several whose rows follow each other."""
    first, *others = [places] if isinstance(places, str) else places
    for other in others:
        Table(other, name).open()
    return Table(first, name, tuple(others)).open()


def check_unchanged(stage: str, inputs: dict[str, Table], payload: dict[str, Any]) -> None:
    """Raises UserError when an input is another table than at the start: what was made of it is no one's result."""
    for name, table in inputs.items():
        if Table(table.path, table.name, table.also).open().digest != payload["inputs"][name]:
            raise UserError(
                f"{stage}: {table.path} was rewritten while it was read; run the command again when nothing writes it"
            )


def run(
    stage: Stage, config: Any, *, state: Any = None, progress: Progress | None = None, retry: bool = False
) -> Table:
    """Bring the table at `config.output` up to date and return it.

    Does nothing when it is finished under the same key; continues at the first missing part when it is not.
    With `retry`, rows of a finished part whose error is `transient` are tried again; no other row changes.
    `state` is what `stage.load` would return, for callers that keep a model loaded over several runs.
    Raises StaleError when a table of another key stands there.
    """
    inputs = open_inputs(config)
    rows = Rows(inputs[stage.rows], stage.select(config, inputs))
    payload = payload_of(stage.name, stage.version, config, inputs, stage.digests(config))
    show = progress or Progress()
    writer = begin(stage.fn, show, config.output, stage.output, payload, ranges(rows.count, stage.part_rows))
    owed = writer.owed() if retry else []
    if writer.finished and not owed:
        show.note(f"{stage.name}: finished before, nothing to do ({config.output})")
        return Table(str(config.output), stage.output)
    work = Work(stage.name, stage.fn, stage.load, stage.gather, config, rows, inputs, state)
    for number in owed:
        _try_again(stage, work, writer, number, show)
    missing = list(writer.missing())
    left = sum(stop - start for _, start, stop in missing)
    count = processes(stage, config, left, len(missing)) if work.loaded is None else 1
    with show.stage(stage.name, total=rows.count, unit="rows") as tick, closing(work.each(missing, count)) as parts:
        for number, start, stop in missing:
            if writer.vanished(number):
                show.note(f"{stage.name}: {writer.part(number)} is gone; making it again")
            began = time.time()
            made = next(parts)
            tokens = _tokens(made)
            writer.write(number, made, seconds=round(time.time() - began, 3), tokens=tokens)
            tick(stop - start, tokens, *_right(made))
    check_unchanged(stage.name, inputs, payload)
    return writer.finish()


def _try_again(stage: Stage, work: Work, writer: Writer, number: int, show: Progress) -> None:
    """Replace the rows of one part that failed for a passing reason by a new try."""
    part = schema.conform(pq.read_table(writer.part(number), partitioning=None), stage.output)
    key = part.column_names[0]
    failed = pc.fill_null(pc.equal(part["error_kind"], "transient"), False)
    wanted = pc.unique(part.filter(failed)[key])
    batch = work.rows.slice(*writer.ranges[number])
    batch = batch.filter(pc.is_in(batch[key], wanted))
    made = schema.conform(work.of(batch), stage.output)
    kept = part.filter(pc.invert(pc.is_in(part[key], made[key].combine_chunks())))
    place = {value: i for i, value in enumerate(dict.fromkeys(part[key].to_pylist()))}
    merged = pa.concat_tables([kept, made])
    order = sorted(range(merged.num_rows), key=lambda i: place[merged[key][i].as_py()])
    writer.write(number, merged.take(pa.array(order)), tokens=_tokens(merged))
    show.note(f"{stage.name}: tried {batch.num_rows} rows again that had failed")


def _right(made: pa.Table) -> tuple[int, int]:
    """Right rows and judged ones of a part, where it says."""
    if "correct" not in made.column_names:
        return 0, 0
    correct = made["correct"]
    return pc.sum(correct).as_py() or 0, len(correct) - correct.null_count


def _tokens(table: pa.Table) -> int:
    if "completion_tokens" not in table.column_names:
        return 0
    return pc.sum(table["completion_tokens"]).as_py() or 0
