"""Small tables for the tests of the store."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from halo_forge import store

PAYLOAD = {"stage": "train", "version": 1, "params": {"rank": 16}, "inputs": {}}


def steps(start: int, stop: int) -> pa.Table:
    return pa.table({"cycle": [1] * (stop - start), "step": list(range(start, stop)), "loss": [0.5] * (stop - start)})


def begun(path: Path, rows: int = 10, size: int = 4) -> store.Writer:
    return store.Writer.begin(path, "training", PAYLOAD, store.ranges(rows, size))


def written(path: Path, rows: int = 10, size: int = 4) -> store.Table:
    writer = begun(path, rows, size)
    for number, start, stop in writer.missing():
        writer.write(number, steps(start, stop))
    return writer.finish()
