"""Runs a row stage over tables on disk: part by part, resumable, one process.

The stage sees Arrow tables only; which parts are missing, where they go and what they are known by is decided
here and in the store.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from halo_forge import config as fields
from halo_forge import keys, schema
from halo_forge.progress import Progress
from halo_forge.stage import Stage
from halo_forge.store import Table, Writer, ranges

Prepare = Callable[[pa.Table], pa.Table]


def payload_of(
    name: str, version: int, config: Any, inputs: dict[str, Table], digests: dict[str, Any]
) -> dict[str, Any]:
    """The readable payload whose sha256 is the key of a stage's result."""
    return {
        "stage": name,
        "version": version,
        "params": fields.fields_of(config, "identity"),
        "inputs": {field: table.digest for field, table in inputs.items()},
        "loaded": digests,
    }


def source_digest(fn: Callable[..., Any]) -> str:
    """Digest of the stage module's source: advisory, recorded so that "code changed since" can be said."""
    module = inspect.getmodule(fn)
    source = inspect.getsource(module) if module else ""
    return keys.sha256_json(source)


def open_inputs(config: Any) -> dict[str, Table]:
    """The input tables that `config` names, opened and checked; fields left empty are left out."""
    import dataclasses

    return {
        f.name: Table(getattr(config, f.name), f.metadata["table"]).open()
        for f in dataclasses.fields(config)
        if f.metadata.get("role") == "source" and getattr(config, f.name)
    }


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
    rows = inputs[stage.rows]
    payload = payload_of(stage.name, stage.version, config, inputs, stage.digests(config))
    writer = Writer.begin(config.output, stage.output, payload, ranges(rows.rows, stage.part_rows))
    show = progress or Progress()
    owed = writer.owed() if retry else []
    if writer.finished and not owed:
        show.note(f"{stage.name}: finished before, nothing to do ({config.output})")
        return Table(str(config.output), stage.output)
    loaded = state
    for number in owed:
        loaded = stage.load(config) if loaded is None else loaded
        _try_again(stage, config, loaded, writer, number, inputs, show)
    with show.stage(stage.name, total=rows.rows, unit="rows") as tick:
        for number, start, stop in writer.missing():
            began = time.time()
            batch = rows.slice(start, stop)
            if loaded is None and batch.num_rows:
                loaded = stage.load(config)
            made = stage.fn(batch, config, loaded, **stage.gather(batch, inputs))
            tokens = _tokens(made)
            writer.write(number, made, seconds=round(time.time() - began, 3), tokens=tokens)
            tick(stop - start, tokens)
    return writer.finish(source=source_digest(stage.fn))


def _try_again(
    stage: Stage, config: Any, loaded: Any, writer: Writer, number: int, inputs: dict[str, Table], show: Progress
) -> None:
    """Replace the rows of one part that failed for a passing reason by a new try."""
    part = schema.conform(pq.read_table(writer.part(number)), stage.output)
    key = part.column_names[0]
    failed = pc.fill_null(pc.equal(part["error_kind"], "transient"), False)
    wanted = pc.unique(part.filter(failed)[key])
    batch = inputs[stage.rows].slice(*writer.ranges[number])
    batch = batch.filter(pc.is_in(batch[key], wanted))
    made = schema.conform(stage.fn(batch, config, loaded, **stage.gather(batch, inputs)), stage.output)
    kept = part.filter(pc.invert(pc.is_in(part[key], made[key].combine_chunks())))
    place = {value: i for i, value in enumerate(dict.fromkeys(part[key].to_pylist()))}
    merged = pa.concat_tables([kept, made])
    order = sorted(range(merged.num_rows), key=lambda i: place[merged[key][i].as_py()])
    writer.reopen(number)
    writer.write(number, merged.take(pa.array(order)), tokens=_tokens(merged))
    show.note(f"{stage.name}: tried {batch.num_rows} rows again that had failed")


def _tokens(table: pa.Table) -> int:
    if "completion_tokens" not in table.column_names:
        return 0
    return pc.sum(table["completion_tokens"]).as_py() or 0
