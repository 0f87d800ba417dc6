"""What a stage's result is known by: the sha256 of a canonical payload.

- In a payload: stage, VERSION, identity parameters, model digests, content digests of inputs.
- Never in it: paths, devices, process counts, log levels.
- A value that cannot be written down honestly (a callable, an object) is refused, never turned into text.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

_PLAIN = (str, int, bool, type(None))
_FRESH_S = 2.0
"""A file that changed less than this ago is not remembered: a second write within the clock's grain goes unseen."""
_DIGEST = re.compile(r'"[0-9a-f]{64}"')
Entry: TypeAlias = list[Any]


def canonical(value: Any, where: str = "payload") -> Any:
    """`value` as plain JSON data: dicts with string keys, lists, strings, numbers. Raises TypeError otherwise."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise TypeError(f"{where} is {value}: a key holds finite numbers only")
        return value
    if isinstance(value, list | tuple):
        return [canonical(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dict):
        found = {str(key): canonical(value[key], f"{where}.{key}") for key in sorted(value, key=str)}
        if len(found) < len(value):
            raise TypeError(f"{where} has two fields of the same name")
        return found
    raise TypeError(f"{where} is a {type(value).__name__}, which a key cannot hold")


def sha256_json(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of `value`."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_file(path: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash63(*parts: object) -> int:
    """A 63-bit integer from `parts`, for seeds: neighbouring inputs give unrelated streams."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _cache_file() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(root) / "halo_forge" / "digests.json"


class DigestCache:
    """Digests of large files, remembered by path, size and times of change, so that a second look reads nothing.

    The time of the last status change (ctime) is compared as well: copying another file of the same size over
    the first one can keep its modification time, but not that. A cache that cannot be read or written is only
    slower: it never changes a digest.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _cache_file()
        self._known: dict[str, Entry] | None = None
        self._added: dict[str, Entry] = {}

    @property
    def known(self) -> dict[str, Entry]:
        """(size, mtime in ns, ctime in ns, sha256) by absolute path; read at the first use."""
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> dict[str, Entry]:
        try:
            version = (str(self.path), *_look(self.path), os.stat(self.path).st_ino)
            return dict(_entries(version))
        except (OSError, ValueError, AttributeError):
            return {}

    def digest(self, path: Path, of: Callable[[Path], str] | None = None, kind: str = "") -> str:
        """sha256 (hex) of the file at `path`; or what `of` makes of it, remembered under its `kind`."""
        name, before = kind + os.path.abspath(path), _look(path)
        entry = self.known.get(name)
        if entry is not None and entry[:3] == before:
            return entry[3]
        began = time.time()
        digest = (of or sha256_file)(path)
        settled = abs(began - before[2] / 1e9) >= _FRESH_S  # a clock that was set back must not hash for ever
        if settled and _look(path) == before:
            self.known[name] = self._added[name] = [*before, digest]
        return digest

    def save(self) -> None:
        """Write what was added, atomically, beside what other processes have added meanwhile."""
        if not self._added:
            return
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._read() | self._added), encoding="utf-8")
            os.replace(temporary, self.path)
        except OSError:
            with contextlib.suppress(OSError):  # a read-only home costs time, not correctness
                temporary.unlink()
        self._added = {}


@functools.lru_cache(maxsize=2)
def _entries(version: tuple[Any, ...]) -> dict[str, Entry]:
    """The content of one version of a cache file: a process asks many times, and a large one takes a while."""
    found = json.loads(Path(version[0]).read_text(encoding="utf-8"))
    return {path: entry for path, entry in found.items() if isinstance(entry, list) and len(entry) == 4}


def _look(path: Path) -> list[int]:
    stat = os.stat(path)
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def diff(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """Field by field, how two payloads differ: lines such as "params.temperature: 0.7 -> 1.0"."""
    lines = []
    for key in sorted({*old, *new}):
        name, before, after = f"{prefix}{key}", old.get(key, _ABSENT), new.get(key, _ABSENT)
        if isinstance(before, dict) and isinstance(after, dict):
            lines += diff(before, after, f"{name}.")
        elif _text(before) != _text(after):
            lines.append(f"{name}: {_short(before)} -> {_short(after)}")
    return lines


_ABSENT: Any = object()


def _text(value: Any) -> str:
    return "absent" if value is _ABSENT else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def _short(value: Any) -> str:
    text = _text(value)
    if _DIGEST.fullmatch(text):
        return text[1:13] + "…"
    return text if len(text) <= 60 else f"{text[:57]}…"
