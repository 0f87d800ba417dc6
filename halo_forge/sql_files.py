"""The file system that a query reads through: the files of its tables, and nothing can be written.

DuckDB's own lock (`enable_external_access = false` with allowed paths) also lets a query write what it may read, so
that one COPY could replace a table's part. Under this one a file is opened for reading only, and only when listed.
"""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem

PROTOCOL = "tables"
PREFIX = f"{PROTOCOL}://"


def address(file: Path) -> str:
    """What a query calls a file of its tables."""
    return PREFIX + str(file.resolve())


class Reader:
    """A file that several threads read at once: DuckDB seeks and then reads, each thread for itself, in one handle, so
    that every thread has its own place."""

    def __init__(self, file: str) -> None:
        self.handle = os.open(file, os.O_RDONLY)
        self.place = threading.local()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to `offset` from the start (or, as usual, from here or the end); the place."""
        start = 0
        if whence == os.SEEK_CUR:
            start = self.tell()
        elif whence == os.SEEK_END:
            start = os.fstat(self.handle).st_size
        self.place.at = start + offset
        return int(self.place.at)

    def tell(self) -> int:
        """The thread's place."""
        return int(getattr(self.place, "at", 0))

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes (negative: to the end) from the thread's place on; fewer only at the end."""
        at = self.tell()
        left = os.fstat(self.handle).st_size - at if size < 0 else size
        found: list[bytes] = []
        while left > 0:
            piece = os.pread(self.handle, left, at)
            if not piece:
                break
            found.append(piece)
            at, left = at + len(piece), left - len(piece)
        self.place.at = at
        return found[0] if len(found) == 1 else b"".join(found)

    def close(self) -> None:
        """Close the file; again is nothing."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def __del__(self) -> None:
        self.close()


class TableFiles(AbstractFileSystem):
    """Exactly the given local files, by `address`, for reading."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, files: Iterable[str]) -> None:
        super().__init__()
        self.files = {self._strip_protocol(file) for file in files}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(path).removeprefix(PREFIX)

    def _known(self, path: str) -> str:
        file = self._strip_protocol(path)
        if file not in self.files:
            raise FileNotFoundError(f"{file} is no file of the tables")
        return file

    def open(self, path: str, mode: str = "rb", **kwargs: Any) -> Reader:
        """The file, for reading. Raises PermissionError for any other mode."""
        if mode != "rb":
            raise PermissionError("the tables can only be read")
        return Reader(self._known(path))

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Name, size and time of a file, as fsspec wants them."""
        found = os.stat(self._known(path))
        return {"name": path, "size": found.st_size, "type": "file", "mtime": found.st_mtime}

    def modified(self, path: str) -> datetime.datetime:
        """When the file was written."""
        return datetime.datetime.fromtimestamp(self.info(path)["mtime"], tz=datetime.UTC)

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Whether it is one of the files and there."""
        file = self._strip_protocol(path)
        return file in self.files and os.path.exists(file)

    def glob(self, path: str, **kwargs: Any) -> list[str]:
        """The file itself: names are not patterns here."""
        return [path] if self.exists(path) else []
