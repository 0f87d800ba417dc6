"""Tables on disk: versioned Parquet in parts, each with a record, so that nothing is lost and nothing is stale.

- A table is a directory of `part-00000.parquet …`. Someone else's table may also be one file or a glob.
- `_begin.json` is written first (key, readable payload, row ranges of the parts), `part-00000.json` after each
  part (rows, sha256), `_stage.json` last (rows, digest, seconds, versions). Without it a table is unfinished.
- Every file appears under a temporary name and is renamed: a reader never sees half of one.
- Same key and finished: nothing to do. Other key: `StaleError`, with what differs, field by field.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from halo_forge import __version__, keys, schema
from halo_forge.errors import UserError
from halo_forge.files import read_json, write_json, write_parquet

Range = tuple[int, int]


class StaleError(UserError):
    """A table of another key stands where this one would go."""


@dataclass
class Table:
    """A table to read: its part files in order, rows by range or by key. Opens nothing until asked.

    `path` is a directory of parts, one Parquet file, or a glob; `name` is the table's name in the schema.
    """

    path: str
    name: str
    _index: dict[str, dict[Any, list[int]]] = field(default_factory=dict, repr=False)
    _counts: list[int] | None = field(default=None, repr=False)

    @property
    def files(self) -> list[Path]:
        """The Parquet files of the table, in order. Raises UserError when there is none."""
        folder = Path(self.path)
        if folder.is_dir():
            found = sorted(folder.glob("part-*.parquet")) or sorted(folder.glob("**/*.parquet"))
        else:
            found = [Path(p) for p in sorted(glob.glob(self.path, recursive=True))]
        if not found:
            raise UserError(f"no {self.name} table at {self.path}: give a table directory, a Parquet file or a glob")
        return found

    def open(self) -> Table:
        """This table, checked: it exists, is finished, and has the columns it must have."""
        folder = Path(self.path)
        if (folder / "_begin.json").exists() and not (folder / "_stage.json").exists():
            raise UserError(f"the {self.name} table at {self.path} is unfinished: run its stage again to complete it")
        first = self.files[0]
        try:
            names = pq.read_schema(first).names
        except (pa.ArrowInvalid, OSError) as exc:
            raise UserError(f"{first} is not a readable Parquet file ({str(exc).splitlines()[0]})") from exc
        missing = [c for c in schema.REQUIRED[self.name] if c not in names]
        if missing:
            raise UserError(f"{first} is no {self.name} table: column {missing[0]} is missing")
        return self

    @property
    def record(self) -> dict[str, Any] | None:
        """The `_stage.json` of the table, None when unfinished or not ours."""
        return read_json(Path(self.path) / "_stage.json") if Path(self.path).is_dir() else None

    @property
    def digest(self) -> str:
        """Digest of the content: of the parts' digests in order."""
        record = self.record
        if record is not None:
            return record["digest"]
        cache = keys.DigestCache()
        digest = _digest_of([cache.digest(file) for file in self.files])
        cache.save()
        return digest

    @property
    def counts(self) -> list[int]:
        """Rows of each file."""
        if self._counts is None:
            self._counts = [pq.read_metadata(file).num_rows for file in self.files]
        return self._counts

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(self.counts)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole table, conformed to its schema, or only `columns` of it."""
        tables = [self._file(file, columns) for file in self.files]
        return pa.concat_tables(tables)

    def _file(self, file: Path, columns: Sequence[str] | None) -> pa.Table:
        if columns is None:
            return schema.conform(pq.read_table(file, partitioning=None), self.name, str(file))
        reader = pq.ParquetFile(file)
        present = [c for c in columns if c in reader.schema_arrow.names]
        table = reader.read(columns=present)
        want = schema.arrow(self.name)
        return pa.table(
            {
                c: table[c].cast(want.field(c).type) if c in present else pa.nulls(table.num_rows, want.field(c).type)
                for c in columns
            }
        )

    def slice(self, start: int, stop: int) -> pa.Table:
        """Rows `start` to `stop` (exclusive) in the table's order."""
        return self._take(range(start, stop))

    def _take(self, wanted: Sequence[int]) -> pa.Table:
        """The rows at the given positions, in that order, reading only the row groups that hold them."""
        position = {row: i for i, row in enumerate(wanted)}
        pieces, order, base = [], [], 0
        for file, count in zip(self.files, self.counts, strict=True):
            inside = sorted(row - base for row in position if base <= row < base + count)
            if inside:
                piece, rows = _take_groups(pq.ParquetFile(file), inside)
                pieces.append(schema.conform(piece, self.name, str(file)))
                order += [position[row + base] for row in rows]
            base += count
        if not pieces:
            return schema.empty(self.name)
        table = pa.concat_tables(pieces)
        back = sorted(range(len(order)), key=order.__getitem__)
        return table if back == list(range(len(order))) else table.take(pa.array(back))

    def where(self, column: str, values: Any) -> pa.Table:
        """The rows whose `column` is among `values` (a list or Arrow array), in the table's order."""
        if column not in self._index:
            index: dict[Any, list[int]] = {}
            for row, value in enumerate(self.read([column])[column].to_pylist()):
                index.setdefault(value, []).append(row)
            self._index[column] = index
        if isinstance(values, pa.Array | pa.ChunkedArray):
            values = pc.unique(values).to_pylist()
        found = {row for value in values for row in self._index[column].get(value, ())}
        return self._take(sorted(found))


def _take_groups(reader: pq.ParquetFile, rows: list[int]) -> tuple[pa.Table, list[int]]:
    pieces, taken, base = [], [], 0
    for group in range(reader.num_row_groups):
        count = reader.metadata.row_group(group).num_rows
        inside = [row - base for row in rows if base <= row < base + count]
        if inside:
            piece = reader.read_row_group(group)
            pieces.append(piece if len(inside) == count else piece.take(pa.array(inside)))
            taken += [row + base for row in inside]
        base += count
    return pa.concat_tables(pieces), taken


def _digest_of(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass
class Writer:
    """A table being written under a key. Use `Writer.begin`, write the missing parts, then `finish`."""

    folder: Path
    name: str
    key: str
    payload: dict[str, Any]
    ranges: list[Range]
    finished: bool = False
    started: float = 0.0

    @classmethod
    def begin(cls, path: str | Path, name: str, payload: dict[str, Any], ranges: Sequence[Range] = ((0, 0),)) -> Writer:
        """Open the table at `path` for the result that `payload` identifies.

        `ranges` are the input rows of each part. An unfinished table of the same key keeps its ranges and its
        parts. Raises StaleError when another key's table, finished or not, stands there.
        """
        folder, key = Path(path), keys.sha256_json(payload)
        writer = cls(
            folder, name, key, keys.canonical(payload), [(start, stop) for start, stop in ranges], started=time.time()
        )
        begun = read_json(folder / "_begin.json")
        if begun is not None and begun["key"] != key:
            changes = "; ".join(keys.diff(begun["payload"], writer.payload)) or "the payload's form"
            raise StaleError(
                f"{folder} holds the {name} of another run: {changes}. Continue with --force-from "
                f"{payload.get('stage', name)} to rebuild it and what follows, or give another --output"
            )
        if begun is not None:
            writer.ranges = [(start, stop) for start, stop in begun["ranges"]]
            writer.finished = (folder / "_stage.json").exists()
            return writer
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise UserError(f"cannot make {folder}: {exc.strerror}; give another --output") from exc
        if any(folder.glob("*.parquet")):
            raise UserError(f"{folder} holds Parquet files of another program: give another --output")
        write_json(folder / "_begin.json", {"key": key, "payload": writer.payload, "ranges": writer.ranges})
        return writer

    def part(self, number: int) -> Path:
        """The Parquet file of part `number`."""
        return self.folder / f"part-{number:05d}.parquet"

    def missing(self) -> Iterator[tuple[int, int, int]]:
        """(number, start, stop) of each part that is not there yet."""
        for number, (start, stop) in enumerate(self.ranges):
            if not self.part(number).with_suffix(".json").exists():
                yield number, start, stop

    def write(self, number: int, table: pa.Table, **facts: Any) -> None:
        """Write part `number`; its record follows the file, so a part with a record is whole."""
        table = schema.conform(table, self.name)
        digest = write_parquet(table, self.part(number))
        facts["owed"] = _owed(table)
        write_json(self.part(number).with_suffix(".json"), {"rows": table.num_rows, "sha256": digest, **facts})

    def owed(self) -> list[int]:
        """Numbers of the parts with rows that failed for a passing reason and may be tried again."""
        records = ((n, read_json(self.part(n).with_suffix(".json"))) for n in range(len(self.ranges)))
        return [number for number, record in records if record and record.get("owed")]

    def reopen(self, number: int) -> None:
        """Take back part `number` of a finished table, so that a stop halfway leaves it unfinished, not wrong."""
        (self.folder / "_stage.json").unlink(missing_ok=True)
        self.part(number).with_suffix(".json").unlink(missing_ok=True)
        self.finished = False

    def finish(self, parts: int | None = None, **facts: Any) -> Table:
        """Close the table: `_stage.json` with rows, digests and how it came to be."""
        count = len(self.ranges) if parts is None else parts
        records = [read_json(self.part(i).with_suffix(".json")) for i in range(count)]
        if any(record is None for record in records):
            raise RuntimeError(f"{self.folder}: finish() before every part was written")
        whole = [record for record in records if record is not None]
        write_json(
            self.folder / "_stage.json",
            {
                "key": self.key,
                "rows": sum(r["rows"] for r in whole),
                "digest": _digest_of([r["sha256"] for r in whole]),
                "parts": [r["sha256"] for r in whole],
                "seconds": round(time.time() - self.started, 3),
                "tokens": sum(r.get("tokens", 0) for r in whole),
                "version": __version__,
                "argv": sys.argv,
                **facts,
            },
        )
        self.finished = True
        return Table(str(self.folder), self.name)


def _owed(table: pa.Table) -> int:
    if "error_kind" not in table.column_names:
        return 0
    return pc.sum(pc.fill_null(pc.equal(table["error_kind"], "transient"), False)).as_py() or 0


def ranges(rows: int, size: int) -> list[tuple[int, int]]:
    """`rows` cut into ranges of `size`; one empty range when there are no rows, so that an empty table exists."""
    return [(start, min(start + size, rows)) for start in range(0, rows, size)] or [(0, 0)]


def discard(path: str | Path) -> None:
    """Remove a table's directory, first by renaming it, so that no half of it is ever taken for a table."""
    folder = Path(path)
    if not folder.exists():
        return
    doomed = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    os.replace(folder, doomed)
    shutil.rmtree(doomed)
