"""Tables on disk: versioned Parquet in parts, each with a record, so that nothing is lost and nothing is stale.

- A table is a directory of `part-00000.parquet …`. Someone else's table may also be one file or a glob.
- `_begin.json` is written first (key, readable payload, row ranges of the parts), `part-00000.json` after each
  part (rows, size, sha256), `_stage.json` last (rows, digest, seconds, versions). Without it a table is unfinished.
- Every file appears under a temporary name and is renamed: a reader never sees half of one.
- Same key and finished: nothing to do. Other key: `StaleError`, with what differs, field by field.
- Whoever writes holds the table's lock: a second process stops with one line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from halo_forge import __version__, files, keys, schema
from halo_forge.discarded import discard, remove_discarded
from halo_forge.errors import UserError
from halo_forge.files import read_json, write_json
from halo_forge.locks import Lock, hold
from halo_forge.parts import BEGUN, FINISHED, Part, digest_of, repair
from halo_forge.table import Table

__all__ = ["Range", "StaleError", "Table", "Writer", "discard", "ranges"]

Range = tuple[int, int]


class StaleError(UserError):
    """A table of another key stands where this one would go. `changes` says field by field what differs."""

    def __init__(self, message: str, changes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.changes = tuple(changes)


@dataclass
class Writer:
    """A table being written under a key. Use `Writer.begin`, write the missing parts, then `finish`.

    `source` is a digest of the code that writes, `made_by` that of the code that began what stands there; they
    are advice and never part of the key.
    """

    folder: Path
    name: str
    key: str
    payload: dict[str, Any]
    ranges: list[Range]
    finished: bool = False
    started: float = 0.0
    source: str = ""
    made_by: str = ""
    _lock: Lock | None = field(default=None, repr=False)

    @classmethod
    def begin(
        cls,
        path: str | Path,
        name: str,
        payload: dict[str, Any],
        ranges: Sequence[Range] = ((0, 0),),
        source: str = "",
    ) -> Writer:
        """Open the table at `path` for the result that `payload` identifies.

        `ranges` are the input rows of each part. An unfinished table of the same key keeps its ranges and its
        parts. Raises StaleError when another key's table, finished or not, stands there, and UserError when a
        part of the finished table is gone or has another size, or when another process is writing the table.
        """
        folder, payload = Path(path), keys.canonical(payload)
        writer = cls(folder, name, keys.sha256_json(payload), payload, list(ranges), started=time.time())
        writer.source = writer.made_by = source
        if not writer._found():
            writer._begin()
        return writer

    def _found(self) -> bool:
        """Take over the finished table that stands here. False where there is none of this key."""
        begun = _begun(self.folder)
        if begun is None:
            return False
        if begun["key"] != self.key:
            changes = keys.diff(begun["payload"], self.payload) or ["the payload's form"]
            raise StaleError(
                f"{self.folder} holds the {self.name} of another run: {'; '.join(changes)}. Continue with --force-from "
                f"{self.payload.get('stage', self.name)} to rebuild it and what follows, or give another --output",
                changes,
            )
        self.ranges = [(start, stop) for start, stop in begun["ranges"]]
        self.made_by = begun.get("source", "")
        self.finished = (self.folder / FINISHED).exists()
        if self.finished:
            Table(str(self.folder), self.name).check()
        return self.finished

    def _begin(self) -> None:
        """Take the lock, clean up after a killed process, and begin the table unless that has been done."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise UserError(f"cannot make {self.folder}: {files.reason(exc)}") from exc
        self._lock = hold(self.folder)
        if self._found():  # meanwhile, by the process that had the lock
            self._lock = None
            return
        files.remove_leftovers(self.folder)
        remove_discarded(self.folder)
        if _begun(self.folder) is not None:
            return
        if any(self.folder.glob("*.parquet")):
            raise UserError(f"{self.folder} holds Parquet files of another program: give another --output")
        begun = {"key": self.key, "payload": self.payload, "ranges": self.ranges, "source": self.source}
        write_json(self.folder / BEGUN, begun)

    def part(self, number: int) -> Path:
        """The Parquet file of part `number`."""
        return self.folder / f"part-{number:05d}.parquet"

    def missing(self) -> Iterator[tuple[int, int, int]]:
        """(number, start, stop) of each part that is not there yet, or not any more.

        Raises UserError at one that is there and is not what its record says.
        """
        for number, (start, stop) in enumerate(self.ranges):
            if self._record(number) is None:
                yield number, start, stop

    def vanished(self, number: int) -> bool:
        """Whether part `number` was written before and its file is gone."""
        return self.part(number).with_suffix(".json").exists() and not self.part(number).exists()

    def _record(self, number: int) -> dict[str, Any] | None:
        """The record of part `number` when the file beside it is the one recorded, None where one is missing."""
        part = self.part(number)
        record = _readable(part.with_suffix(".json"))
        if record is None or "sha256" not in record or not part.exists():
            return None
        if record.get("key", self.key) != self.key:
            raise UserError(f"{part} was written for another table; {repair(part)}")
        if "before" in record:  # stopped while the part was being replaced: which of the two is it?
            digest, candidates = keys.sha256_file(part), (record["before"], record)
            record = next((r for r in candidates if r["sha256"] == digest), None)
            if record is None:
                return None
            record.pop("before", None)
            write_json(part.with_suffix(".json"), record)
        Part(part, record["rows"], record.get("bytes"), record["sha256"]).check()
        return record

    def write(self, number: int, table: pa.Table, **facts: Any) -> None:
        """Write part `number`; its record follows the file, so a part with a record is whole.

        A part that is there already is replaced: the table is unfinished from then on, and a stop halfway leaves
        either the old part or the new one.
        """
        self._lock = self._lock or hold(self.folder)
        files.remove(self.folder / FINISHED)
        self.finished = False
        table, part = schema.conform(table, self.name), self.part(number)
        before = _readable(part.with_suffix(".json")) if part.exists() else None
        with files.parquet(table, part) as written:
            facts |= {"rows": table.num_rows, "bytes": written.size, "sha256": written.sha256}
            facts |= {"owed": _owed(table), "key": self.key}
            if before is not None:
                before.pop("before", None)
                write_json(part.with_suffix(".json"), {**facts, "before": before})
        write_json(part.with_suffix(".json"), facts)

    def owed(self) -> list[int]:
        """Numbers of the parts with rows that failed for a passing reason and may be tried again."""
        if self.finished and (_readable(self.folder / FINISHED) or {}).get("owed") == 0:
            return []
        records = ((number, self._record(number)) for number in range(len(self.ranges)))
        return [number for number, record in records if record and record.get("owed")]

    def finish(self, parts: int | None = None, **facts: Any) -> Table:
        """Close the table: `_stage.json` with rows, digests and how it came to be."""
        count = len(self.ranges) if parts is None else parts
        records = [self._record(number) for number in range(count)]
        whole = [record for record in records if record is not None]
        if len(whole) < count:
            raise RuntimeError(f"{self.folder}: finish() before every part was written")
        for stray in sorted(self.folder.glob("part-[0-9]*")):
            if stray.name[5:10] >= f"{count:05d}":
                files.remove(stray)
        write_json(
            self.folder / FINISHED,
            {
                "key": self.key,
                "rows": sum(r["rows"] for r in whole),
                "digest": digest_of([r["sha256"] for r in whole]),
                "parts": [r["sha256"] for r in whole],
                "part_rows": [r["rows"] for r in whole],
                "part_bytes": [r.get("bytes") for r in whole],
                "owed": sum(r.get("owed", 0) for r in whole),
                "seconds": round(time.time() - self.started, 3),
                "tokens": sum(r.get("tokens", 0) for r in whole),
                "version": __version__,
                "source": self.source,
                "argv": sys.argv,
                **facts,
            },
        )
        self.finished, self._lock = True, None
        return Table(str(self.folder), self.name)


def _begun(folder: Path) -> dict[str, Any] | None:
    """The `_begin.json` of a table; None where there is none, or a damaged one and no part to lose by it."""
    try:
        begun = read_json(folder / BEGUN)
        if begun is None or {"key", "payload", "ranges"} <= begun.keys():
            return begun
    except UserError:
        pass
    if not any(folder.glob("part-*")):
        return None
    raise UserError(
        f"{folder / BEGUN} is damaged, so nobody knows what the parts beside it are: move {folder} away and run the "
        "command again"
    )


def _readable(record: Path) -> dict[str, Any] | None:
    """The record of a part, None where there is none or only a damaged one: then the part is made anew."""
    try:
        return read_json(record)
    except UserError:
        return None


def _owed(table: pa.Table) -> int:
    if "error_kind" not in table.column_names:
        return 0
    return pc.sum(pc.fill_null(pc.equal(table["error_kind"], "transient"), False)).as_py() or 0


def ranges(rows: int, size: int) -> list[tuple[int, int]]:
    """`rows` cut into ranges of `size`; one empty range when there are no rows, so that an empty table exists."""
    return [(start, min(start + size, rows)) for start in range(0, rows, size)] or [(0, 0)]
