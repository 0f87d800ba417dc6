"""Tables to read: rows by range or by key, from a table directory, a glob of such, or another program's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from halo_forge import keys, schema
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.parts import FINISHED, UNREADABLE, Part, digest_of, find, refuse_unfinished, unreadable


@dataclass
class Table:
    """A table to read: its part files in order, rows by range or by key. Opens nothing until asked.

    `path` is a directory of parts, one Parquet file, or a glob; `name` is the table's name in the schema; `also`
    are further such places whose rows follow.
    """

    path: str
    name: str
    also: tuple[str, ...] = ()
    _columns: dict[str, pa.ChunkedArray] = field(default_factory=dict, repr=False)
    _group: tuple[tuple[Path, int], pa.Table] | None = field(default=None, repr=False)

    @cached_property
    def parts(self) -> list[Part]:
        """The parts of the table, in order. Raises UserError when there is none."""
        return [part for place in (self.path, *self.also) for part in self._at(place)]

    def _at(self, place: str) -> list[Part]:
        found = find(place)
        if not found:
            raise UserError(f"no {self.name} table at {place}: give a table directory, a Parquet file or a glob")
        return found

    @property
    def files(self) -> list[Path]:
        """The Parquet files of the table, in order. Raises UserError when there is none."""
        return [part.path for part in self.parts]

    def open(self) -> Table:
        """This table, checked: it exists, is finished, its parts are there in their size, and it has the columns
        it must have. Reads no rows; `vlm check` compares every byte."""
        refuse_unfinished(Path(self.path), self.name)
        for folder in {part.path.parent for part in self.parts}:
            refuse_unfinished(folder, self.name)
        self.check()
        first = self.parts[0]
        names = first.reader().schema_arrow.names
        missing = [c for c in schema.REQUIRED[self.name] if c not in names]
        if missing:
            raise UserError(f"{first.path} is no {self.name} table: column {missing[0]} is missing")
        return self

    def check(self) -> None:
        """Raises UserError naming the first part that is gone or has another size than its record says."""
        for part in self.parts:
            part.check()

    @property
    def record(self) -> dict[str, Any] | None:
        """The `_stage.json` of the table, None when unfinished or not ours."""
        return None if self.also or not Path(self.path).is_dir() else read_json(Path(self.path) / FINISHED)

    @property
    def digest(self) -> str:
        """Digest of the content: of the parts' digests in order."""
        cache = keys.DigestCache()
        digests = []
        for part in self.parts:
            try:
                digests.append(part.sha256 or cache.digest(part.path))
            except OSError as exc:
                raise unreadable(part.path, exc) from exc
        cache.save()
        return digest_of(digests)

    @cached_property
    def counts(self) -> list[int]:
        """Rows of each file."""
        return [part.reader().metadata.num_rows if part.rows is None else part.rows for part in self.parts]

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(self.counts)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole table, conformed to its schema, or only `columns` of it."""
        return pa.concat_tables([self._file(part, columns) for part in self.parts])

    def _file(self, part: Part, columns: Sequence[str] | None) -> pa.Table:
        reader = part.reader()
        there = reader.schema_arrow.names
        try:
            table = reader.read(columns=None if columns is None else [c for c in columns if c in there])
        except UNREADABLE as exc:
            raise unreadable(part.path, exc) from exc
        if columns is None:
            return schema.conform(table, self.name, str(part.path))
        want = schema.arrow(self.name)
        return pa.table(
            {
                c: table[c].cast(want.field(c).type) if c in there else pa.nulls(table.num_rows, want.field(c).type)
                for c in columns
            }
        )

    def slice(self, start: int, stop: int) -> pa.Table:
        """Rows `start` to `stop` (exclusive) in the table's order."""
        return self.take(np.arange(start, min(stop, self.rows)))

    def where(self, column: str, values: Any) -> pa.Table:
        """The rows whose `column` is among `values` (a list or Arrow array), in the table's order.

        The column stays in memory as Arrow data from the first call on. A look-up passes over it once, which
        takes half a millisecond for 50,000 keys.
        """
        if column not in self._columns:
            self._columns[column] = self.read([column])[column]
        held = self._columns[column]
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        wanted = values.cast(held.type) if isinstance(values, pa.Array) else pa.array(list(values), held.type)
        return self.take(np.flatnonzero(pc.is_in(held, value_set=wanted).to_numpy()))

    def take(self, rows: np.ndarray) -> pa.Table:
        """The rows at the given ascending positions, reading only the row groups that hold them."""
        pieces = []
        for number, inside in _split(rows, self.counts):
            part = self.parts[number]
            reader = part.reader()
            groups = [reader.metadata.row_group(g).num_rows for g in range(reader.num_row_groups)]
            for group, places in _split(inside, groups):
                piece = _picked(self._read_group(part.path, reader, group), places)
                pieces.append(schema.conform(piece, self.name, str(part.path)))
        return pa.concat_tables(pieces) if pieces else schema.empty(self.name)

    def _read_group(self, path: Path, reader: pq.ParquetFile, group: int) -> pa.Table:
        """One row group; the last one is kept, because rows are mostly asked for in order."""
        if self._group is None or self._group[0] != (path, group):
            self._group = None  # not two in memory
            try:
                self._group = ((path, group), reader.read_row_group(group))
            except UNREADABLE as exc:
                raise unreadable(path, exc) from exc
        return self._group[1]


def _split(rows: np.ndarray, sizes: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """Ascending positions in things laid end to end: (number of the thing, positions inside it)."""
    if not len(rows):
        return
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    number, done = int(np.searchsorted(bounds, rows[0], side="right")) - 1, 0
    while done < len(rows):
        stop = int(np.searchsorted(rows, bounds[number + 1]))
        if stop > done:
            yield number, rows[done:stop] - bounds[number]
        number, done = number + 1, stop


def _picked(table: pa.Table, places: np.ndarray) -> pa.Table:
    first, count = int(places[0]), len(places)
    if int(places[-1]) - first + 1 == count:
        return table.slice(first, count)
    return table.take(pa.array(places))
