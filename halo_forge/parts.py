"""The part files of a table: where they are, what the table's record says of them, and what to do about a bad one."""

from __future__ import annotations

import fnmatch
import glob
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from halo_forge import keys
from halo_forge.errors import UserError
from halo_forge.files import read_json

BEGUN, FINISHED = "_begin.json", "_stage.json"
UNREADABLE = (pa.ArrowInvalid, OSError)


@dataclass(frozen=True)
class Part:
    """A Parquet file of a table, and what the record of its table says of it (None: no record)."""

    path: Path
    rows: int | None = None
    size: int | None = None
    sha256: str | None = None

    def check(self) -> None:
        """Raises UserError when the file is gone or has another size than recorded. Costs one `stat`."""
        if self.sha256 is None:
            return
        try:
            size = self.path.stat().st_size
        except OSError as exc:
            raise UserError(f"{self.path} is missing; {repair(self.path)}") from exc
        if self.size not in (None, size):
            raise changed(self.path, f"{size} bytes, its record says {self.size}")

    def reader(self) -> pq.ParquetFile:
        """The open file. Raises UserError when it cannot be read or has other rows than recorded."""
        try:
            reader = pq.ParquetFile(self.path)
        except UNREADABLE as exc:
            raise unreadable(self.path, exc) from exc
        if self.rows not in (None, reader.metadata.num_rows):
            raise changed(self.path, f"{reader.metadata.num_rows} rows, its record says {self.rows}")
        return reader


def digest_of(digests: Sequence[str]) -> str:
    """Digest of a table's content: of its parts' digests in order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def parts_of(folder: Path) -> list[Part]:
    """The parts of one table directory: those of its record, or every part file where there is none."""
    record = read_json(folder / FINISHED) or {}
    digests = record.get("parts")
    if not digests:
        return [Part(path) for path in sorted(folder.glob("part-*.parquet"))]
    rows = record.get("part_rows", [None] * len(digests))
    sizes = record.get("part_bytes", [None] * len(digests))
    names = (folder / f"part-{number:05d}.parquet" for number in range(len(digests)))
    return [Part(*facts) for facts in zip(names, rows, sizes, digests, strict=True)]


def find(path: str) -> list[Part]:
    """The parts that `path` means, in order: a table directory, a folder of such, a Parquet file, or a glob.

    Nothing hidden is a table (a discarded one is, until it is gone), nor is a part that the record of its
    folder does not list.
    """
    folder = Path(path)
    if not folder.is_dir():
        return _gathered([Path(p) for p in sorted(glob.glob(path, recursive=True))], folder.name)
    own = parts_of(folder)
    if own:
        return own
    below = (p for p in sorted(folder.glob("**/*.parquet")) if not _hidden(p.relative_to(folder)))
    return _gathered(list(below), "*")


def tables(root: Path) -> list[Path]:
    """Every table directory below `root`, finished or not; a discarded one, which is hidden, is none."""
    return sorted(b.parent for b in root.rglob(BEGUN) if not _hidden(b.relative_to(root)))


def verify(folder: Path) -> int:
    """Read every byte of the table at `folder`; how many parts it has. Raises UserError naming the first part that
    is gone or not what was written. Of an unfinished table the parts with a record are read."""
    finished = (folder / FINISHED).exists()
    found = parts_of(folder) if finished else [_recorded(file) for file in sorted(folder.glob("part-*.json"))]
    for part in found:
        part.check()
        if keys.sha256_file(part.path) != part.sha256:
            raise changed(part.path, "its digest differs from its record")
    return len(found)


def _recorded(file: Path) -> Part:
    """A part by its own record; where the part was just being replaced, by the record that it fits."""
    record, path = read_json(file) or {}, file.with_suffix(".parquet")
    before = record.get("before")
    if before and path.exists() and keys.sha256_file(path) == before.get("sha256"):
        record = before
    return Part(path, record.get("rows"), record.get("bytes"), record.get("sha256", ""))


def _hidden(path: Path) -> bool:
    return any(name.startswith(".") for name in path.parts)


def _gathered(paths: Sequence[Path], pattern: str) -> list[Part]:
    """Parts of files and folders; of a folder with a record all listed parts whose names fit `pattern`, so that a
    missing one is missed."""
    found: list[Part] = []
    seen: set[Path] = set()
    for path in paths:
        above = path if path.is_dir() else path.parent
        if above in seen or path.name.startswith(("_", ".")) or path.suffix == ".json":
            continue
        if path.is_dir() or (above / FINISHED).exists():
            seen.add(above)
            found += [p for p in parts_of(above) if path.is_dir() or fnmatch.fnmatchcase(p.path.name, pattern)]
        else:
            found.append(Part(path))
    return found


def repair(part: Path) -> str:
    """What to do about a part that is not as it was written, as the end of a line."""
    try:
        begun = read_json(part.parent / BEGUN) or {}
        stage = begun["payload"]["stage"]
    except (UserError, KeyError, TypeError):
        return "write that table again"
    return (
        f"delete {part.with_suffix('.json')} and the {FINISHED} beside it and run the command again to make this "
        f"part anew, or rebuild the table and what follows with --force-from {stage}"
    )


def changed(part: Path, how: str) -> UserError:
    """The error for a part whose file does not fit its record."""
    return UserError(f"{part} is not what was written ({how}); {repair(part)}")


def unreadable(part: Path, error: BaseException) -> UserError:
    """The error for a part that Parquet cannot read."""
    why = "it is gone" if isinstance(error, FileNotFoundError) else " ".join(str(error).split())[:200]
    return UserError(f"{part} is not a readable Parquet file ({why}); {repair(part)}")


def refuse_unfinished(folder: Path, name: str) -> None:
    """Raises UserError when the table at `folder` was begun and not finished."""
    if (folder / BEGUN).exists() and not (folder / FINISHED).exists():
        raise UserError(f"the {name} table at {folder} is unfinished: run its stage again to complete it")
