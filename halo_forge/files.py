"""Files written whole or not at all: JSON records and Parquet parts, under a temporary name and then renamed.

A file is flushed to the disk before it gets its name, and its folder after: what a record says was written is
there after a power cut as well, not only after a killed process. A part takes minutes to make and milliseconds
to flush.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from halo_forge.errors import UserError

IMAGE_ROWS_PER_GROUP = 32  # a point read fetches a whole row group: 32 images are 1 to 15 MB
ROWS_PER_GROUP = 8192  # and a reader of single parts holds one: some 20 MB of completions with their tokens

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}
_NOTHING_FREE = 2**20
"""A disk with fewer bytes left is full: what failed to be written there was larger."""
_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}


@dataclass(frozen=True)
class Written:
    """A file that was written: its sha256 (hex) and its size in bytes."""

    sha256: str
    size: int


def reason(error: OSError) -> str:
    """Why a file could not be written, and what to do, as the end of a line."""
    why = error.strerror or " ".join(str(error).split())
    if error.errno in FULL:
        return f"{os.strerror(error.errno)}; free the disk and run the command again"
    if error.errno in CLOSED:
        return f"{os.strerror(error.errno)}; make it writable or give another --output"
    return f"{why}; run the command again"


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it gets the name `path` when the block ends well, else it is removed.

    Raises UserError when the disk is full, the folder is not writable or is gone.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        flush(temporary)
        os.replace(temporary, path)
        flush(path.parent)
    except BaseException as exc:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(exc, OSError):
            raise UserError(f"cannot write {path}: {reason(exc)}") from exc
        raise


@contextlib.contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Around a library that writes below `folder` in its own way: a full or closed disk is a UserError as well.

    safetensors tells the error number in its text, torch not at all: then the disk is asked.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as exc:
        told = re.search(r"os error (\d+)", str(exc))
        number = getattr(exc, "errno", None) or (int(told[1]) if told else 0)
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if number not in FULL | CLOSED and shutil.disk_usage(there).free >= _NOTHING_FREE:
            raise
        number = number if number in FULL | CLOSED else errno.ENOSPC
        raise UserError(f"cannot write below {folder}: {reason(OSError(number, ''))}") from exc


def flush(path: Path) -> None:
    """Force a file or folder to the disk, where the file system can."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as exc:
        if exc.errno not in _CANNOT_FLUSH:
            raise
    finally:
        os.close(handle)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` to `path` whole or not at all."""
    with whole(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True, ensure_ascii=False)


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object at `path`, or None when there is no such file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise UserError(f"cannot read {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UserError(f"{path} is not readable JSON ({exc}); delete it and run the command again") from exc
    if not isinstance(value, dict):
        raise UserError(f"{path} does not hold a record; delete it and run the command again")
    return value


def remove(path: Path) -> None:
    """Remove the file at `path`, if there is one."""
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        raise UserError(f"cannot remove {path}: {reason(exc)}") from exc


@contextlib.contextmanager
def parquet(table: pa.Table, path: Path) -> Iterator[Written]:
    """Write `table` aside and yield what was written; it gets the name `path` when the block ends well."""
    wide = "image" in table.column_names
    with whole(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=IMAGE_ROWS_PER_GROUP if wide else ROWS_PER_GROUP,
            compression="none" if wide else "zstd",
            use_dictionary=not wide,
        )
        with open(temporary, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
        yield Written(digest, size)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of killed processes. Only for who holds the folder's lock."""
    with contextlib.suppress(OSError):
        for leftover in folder.glob(".*.tmp"):
            if leftover.is_file():
                leftover.unlink(missing_ok=True)
