"""The images of one raw row: bytes as they are, or files below the folder of the rows. Nothing is fetched."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

MAX_IMAGES = 64
MAX_IMAGE_BYTES = 256 * 2**20
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://|data:", re.ASCII)


class RowError(ValueError):
    """Why a row cannot be used, in a few words."""


def images_of(value: Any, names: tuple[str, ...], root: Path | None) -> Iterator[bytes]:
    """The encoded bytes of each image in the value of an image column; `names`: the columns it was looked for
    in."""
    values = list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
    if not values:
        raise RowError(f"no image: looked for {', '.join(names)}")
    if len(values) > MAX_IMAGES:
        raise RowError(f"too many images: {len(values)}, at most {MAX_IMAGES} are read")
    for item in values:
        data = _image(item, root)
        if not data:
            raise RowError("empty image")
        yield data


def _image(value: Any, root: Path | None) -> bytes:
    """Encoded bytes from bytes, a struct<bytes, path>, or a path below `root`."""
    if isinstance(value, Mapping):
        data = value.get("bytes")
        value = value.get("path") if data is None else data
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str) or not value.strip():
        raise RowError(f"the image is {kind_of(value)}, not bytes or a path")
    if URL.match(value):
        raise RowError(f"the image is a URL, and URLs are not fetched (save it, then give its path): {value[:80]}")
    if root is None:
        raise RowError("the image is a path, and these rows have no folder to look in")
    return _read_below(root, value)


def _read_below(root: Path, name: str) -> bytes:
    """The bytes of a file under `root`; RowError when it is elsewhere, missing or too large."""
    try:
        path = _below(root, name)
        if path.stat().st_size > MAX_IMAGE_BYTES:
            raise RowError(f"image file larger than {MAX_IMAGE_BYTES // 2**20} MiB: {name[:200]!r}")
        return path.read_bytes()
    except OSError as error:
        raise RowError(f"image file cannot be read: {name[:200]!r}: {error}") from None


def _below(root: Path, name: str) -> Path:
    """The file `name` under `root`, links resolved; RowError when it is elsewhere or missing."""
    shown = name[:200]
    try:
        base = _resolved(root)
        path = (base / name).resolve()
        inside, there = path.is_relative_to(base), path.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, a NUL in it, a loop of links
        raise RowError(f"image file cannot be read: {shown!r}: {error}") from None
    if not inside:
        raise RowError(f"image path leaves the folder of the file: {shown!r}")
    if not there:
        raise RowError(f"missing image file: {shown!r}")
    return path


@lru_cache(maxsize=16)
def _resolved(root: Path) -> Path:
    return root.resolve()


def images_below(name: str, root: Path) -> Iterator[Path]:
    """The file that an image path points to, if it is there and may be read."""
    if not URL.match(name):
        with contextlib.suppress(RowError):  # told when the row is read
            yield _below(root, name)


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
