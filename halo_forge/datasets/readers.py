"""Raw rows out of files, one at a time: JSON lines, CSV, Parquet (local, or remote through fsspec).

A raw row is `(row_index, origin, dict | None, error | None)`. `only` names the row indexes that are wanted:
Parquet row groups without any of them are not read. Nothing holds more than a batch of rows.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from halo_forge.errors import UserError

Raw = tuple[int, str, dict[str, Any] | None, str | None]
Only = Collection[int] | None

BATCH = 16  # rows of images in memory at once
TEXT_BATCH = 1024  # rows without any
TRIES = 5  # per row group of a remote file
MAX_LINE = 64 * 2**20
"""Bytes of one JSON line; a longer one is passed over without being held in memory."""


def read_jsonl(path: Path, only: Only = None) -> Iterator[Raw]:
    """The objects of a JSON-lines file. `row_index` is the line number less one."""
    with path.open("rb") as lines:
        for index, line in enumerate(_lines(lines)):
            if only is None or index in only:
                row, error = _object(line)
                yield index, f"{path.name}:{index + 1}", row, error


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file, those above `MAX_LINE` cut there."""
    for line in iter(partial(file.readline, MAX_LINE + 1), b""):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)


def _object(line: bytes) -> tuple[dict[str, Any] | None, str | None]:
    """(row, None), or (None, why the line holds none)."""
    if len(line) > MAX_LINE:
        return None, f"line too long: at most {MAX_LINE // 2**20} MiB are read"
    if not line.strip():
        return None, "blank line"
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return None, f"not valid JSON: {' '.join(str(error).split())[:200]}"
    return (row, None) if isinstance(row, dict) else (None, "a line must be a JSON object")


def count_lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def read_csv(path: Path, only: Only = None) -> Iterator[Raw]:
    """The rows of a CSV file with a header line; a blank line is a row without anything. Empty cells are null."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as lines:
        reader = csv.reader(lines)
        names: list[str] | None = None
        index = -2
        while True:
            index += 1
            origin = f"{path.name}:{index + 2}"
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield max(index, 0), origin, None, f"not valid CSV: {error}"
                if names is None:
                    return
                continue
            if names is None:
                names = cells
            elif only is None or index in only:
                row = {name: cell or None for name, cell in zip(names, cells, strict=False)}
                yield (index, origin, row, None) if cells else (index, origin, None, "blank line")


def column_of_paths(files: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """The texts of the first of these columns that the files have, where it holds text or lists of it."""
    for name in files:
        with _open(name) as stream:
            file = _parquet(stream, name)
            schema = file.schema_arrow
            column = next((column for column in names if column in schema.names), None)
            if column is None or not _holds_text(schema.field(column).type):
                continue
            for batch in file.iter_batches(TEXT_BATCH, columns=[column]):
                for value in batch.column(0).to_pylist():
                    yield from (item for item in (value if isinstance(value, list) else [value]) if item is not None)


def _holds_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return pa.types.is_string(inner) or pa.types.is_large_string(inner)


class ParquetRows:
    """The rows of Parquet files in order, columns and row groups read as needed.

    `files` are local paths or fsspec URLs; `tops` are the top-level columns wanted (None: all). Raises
    UserError for a file that is not Parquet. Remote row groups are tried again when the connection breaks.
    """

    def __init__(self, files: list[str], tops: Collection[str] | None = None) -> None:
        self.files = files
        self.tops = tops
        self._counts: list[int] | None = None

    def counts(self) -> list[int]:
        """Rows of each file, from the footers."""
        if self._counts is None:
            self._counts = []
            for name in self.files:
                with _open(name) as stream:
                    self._counts.append(_parquet(stream, name).metadata.num_rows)
        return self._counts

    def total(self) -> int:
        return sum(self.counts())

    def columns(self) -> list[str]:
        """Top-level column names of the first file."""
        with _open(self.files[0]) as stream:
            return list(_parquet(stream, self.files[0]).schema_arrow.names)

    def rows(self, only: Only = None) -> Iterator[Raw]:
        start = 0
        for position, name in enumerate(self.files):
            if only is not None:
                end = start + self.counts()[position]
                if not any(start <= index < end for index in only):
                    start = end
                    continue
            try:
                start = yield from self._file(name, start, only)
            except (pa.ArrowException, OSError) as error:
                raise UserError(f"{name}: cannot be read (damaged, or the connection broke): {error}") from None

    def _file(self, name: str, start: int, only: Only) -> Generator[Raw, None, int]:
        short = name.rsplit("/", 1)[-1]
        with _open(name) as stream:
            file = _parquet(stream, name)
            names = file.schema_arrow.names
            tops = names if self.tops is None else [column for column in names if column in self.tops]
            first = start
            for group in range(file.metadata.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                wanted = [i for i in range(count) if only is None or first + i in only]
                if wanted:
                    yield from self._group(file, group, tops, first, wanted, short, start, remote="://" in name)
                first += count
        return first

    def _group(
        self,
        file: pq.ParquetFile,
        group: int,
        tops: list[str],
        first: int,
        wanted: list[int],
        short: str,
        start: int,
        remote: bool,
    ) -> Iterator[Raw]:
        position, keep, done = 0, set(wanted), 0
        for batch in _batches(file, group, tops, remote):
            size = batch.num_rows
            places = [place for place in range(size) if position + place in keep]
            if len(places) < size:
                batch = batch.take(pa.array(places, pa.int64()))
            for place, row in zip(places, batch.to_pylist(), strict=True):
                index = first + position + place
                yield index, f"{short}:{index - start + 1}", row, None
            done += len(places)
            position += size
            if done == len(keep):
                return


def _batches(file: pq.ParquetFile, group: int, tops: list[str], remote: bool) -> Iterator[pa.RecordBatch]:
    """A row group in small batches; a remote one is fetched whole, so that a broken connection can be
    retried."""
    size = BATCH if any(_holds_bytes(file.schema_arrow.field(name).type) for name in tops) else TEXT_BATCH
    if not remote:
        yield from file.iter_batches(size, row_groups=[group], columns=tops)
        return
    table = retry(lambda: file.read_row_group(group, columns=tops))
    yield from table.to_batches(max_chunksize=size)


def _holds_bytes(kind: pa.DataType) -> bool:
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or any(map(_holds_bytes, inner))


def retry(read: Callable[[], pa.Table], pause: float = 1.0) -> pa.Table:
    """The result of `read`, tried up to five times with doubling pauses when the connection breaks."""
    for attempt in range(TRIES):
        try:
            return read()
        except OSError:
            if attempt == TRIES - 1:
                raise
            time.sleep(pause * 2**attempt)
    raise AssertionError("unreachable")


def _open(name: str) -> IO[bytes]:
    try:
        if "://" not in name:
            return open(name, "rb")
        import fsspec

        system, path = fsspec.core.url_to_fs(name)
        stream: IO[bytes] = system.open(path, "rb")
        return stream
    except OSError as error:
        raise UserError(f"{name}: cannot be opened: {error}") from None


def _parquet(stream: IO[bytes], name: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{name}: not a readable Parquet file: {error}") from None
