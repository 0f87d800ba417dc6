"""What a stage's result is known by: the sha256 of a canonical payload.

- In a payload: stage, VERSION, identity parameters, model digests, content digests of inputs.
- Never in it: paths, devices, process counts, log levels.
- A value that cannot be written down honestly (a callable, an object) is refused, never turned into text.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

_PLAIN = (str, int, bool, type(None))


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
        return {str(key): canonical(value[key], f"{where}.{key}") for key in sorted(value, key=str)}
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
    """Digests of large files, remembered by (path, size, mtime in ns), so that a second look reads nothing.

    A cache that cannot be read or written is only slower: it never changes a digest.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _cache_file()
        try:
            self.known: dict[str, str] = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self.known = {}
        self.added = False

    def digest(self, path: Path) -> str:
        """sha256 (hex) of the file at `path`."""
        stat = path.stat()
        name = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if name not in self.known:
            self.known[name] = sha256_file(path)
            self.added = True
        return self.known[name]

    def save(self) -> None:
        """Write what was added, atomically."""
        if not self.added:
            return
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self.known))
            os.replace(temporary, self.path)
        except OSError:
            temporary.unlink(missing_ok=True)  # a read-only home costs time, not correctness


def diff(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[str]:
    """Field by field, how two payloads differ: lines such as "params.temperature: 0.7 -> 1.0"."""
    lines = []
    for key in sorted({*old, *new}):
        name, before, after = f"{prefix}{key}", old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines += diff(before, after, f"{name}.")
        elif before != after:
            lines.append(f"{name}: {_short(before)} -> {_short(after)}")
    return lines


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
