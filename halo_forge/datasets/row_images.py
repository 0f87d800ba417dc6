"""The images of one raw row: bytes as they are, files below the folder of the rows, URLs only where `fetch` is
given."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

MAX_IMAGES = 64
MAX_IMAGE_BYTES = 256 * 2**20
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://|data:", re.ASCII)


Fetch = Callable[[str], bytes]
"""The bytes behind a URL; raises RowError."""


class RowError(ValueError):
    """Why a row cannot be used, in a few words. kind: `data` (the row is at fault) or `transient` (try again)."""

    def __init__(self, message: str, kind: str = "data") -> None:
        super().__init__(message)
        self.kind = kind


def images_of(value: Any, names: tuple[str, ...], root: Path | None, fetch: Fetch | None = None) -> Iterator[bytes]:
    """The encoded bytes of each image in the value of an image column; `names`: the columns it was looked for
    in; `fetch`: how URLs are read (None: they are not)."""
    values = list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
    if not values:
        raise RowError(f"no image: looked for {', '.join(names)}")
    if len(values) > MAX_IMAGES:
        raise RowError(f"too many images: {len(values)}, at most {MAX_IMAGES} are read")
    for item in values:
        data = _image(item, root, fetch)
        if not data:
            raise RowError("empty image")
        yield data


def _image(value: Any, root: Path | None, fetch: Fetch | None) -> bytes:
    """Encoded bytes from bytes, a struct<bytes, path>, a path below `root`, or a URL."""
    if isinstance(value, Mapping):
        data = value.get("bytes")
        value = value.get("path") if data is None else data
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str) or not value.strip():
        raise RowError(f"the image is {kind_of(value)}, not bytes or a path")
    if URL.match(value):
        return _fetched(value, fetch)
    if root is None:
        raise RowError("the image is a path, and these rows have no folder to look in")
    return _read(locate(value, root), value)


def _fetched(url: str, fetch: Fetch | None) -> bytes:
    if not url.lower().startswith(("http://", "https://")):
        raise RowError(f"the image is a URL of a kind that is never fetched: {url[:80]!r}")
    if fetch is None:
        raise RowError(f"the image is a URL, and those are fetched only with --allow-urls: {url[:80]!r}")
    return fetch(url)


def _read(path: str, name: str) -> bytes:
    """The bytes of a file that was located; RowError when it cannot be read or is too large."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_IMAGE_BYTES:
                raise RowError(f"image file larger than {MAX_IMAGE_BYTES // 2**20} MiB: {name[:200]!r}")
            return file.read()
    except OSError as error:
        raise RowError(f"image file cannot be read: {name[:200]!r}: {error.strerror}") from None


def locate(name: str, root: Path) -> str:
    """The regular file `name` under `root`, links resolved; RowError when it is elsewhere or missing."""
    shown = repr(name[:200])
    try:
        base = _resolved(str(root))
        folder, file = os.path.split(os.path.join(base, name))
        # folders are few and files are many: only a file that is itself a link is resolved on its own
        path = os.path.join(_resolved(folder), file) if file not in ("", ".", "..") else _resolved(f"{folder}/{file}")
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            path = os.path.realpath(path)
            found = os.stat(path)
        there = stat.S_ISREG(found.st_mode)
    except FileNotFoundError:
        there = False
    except (OSError, ValueError) as error:  # a name too long, a NUL in it, a loop of links
        raise RowError(f"image file cannot be read: {shown}: {getattr(error, 'strerror', None) or error}") from None
    if path != base and not path.startswith(base.rstrip(os.sep) + os.sep):
        raise RowError(f"image path leaves the folder of the file: {shown}")
    if not there:
        raise RowError(f"missing image file: {shown}")
    return path


@lru_cache(maxsize=4096)
def _resolved(folder: str) -> str:
    return os.path.realpath(folder)


def kind_of(value: Any) -> str:
    """What a value is, in words for a person."""
    if value is None:
        return "null"
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        dict: "an object",
        list: "a list",
        str: "text",
    }
    return names.get(type(value), type(value).__name__)
