"""Verifiers of your own: a function in a file that you name, `my_rules.py:on_topic`.

    def on_topic(row: dict) -> float | None: ...     # a score in [0, 1]; None: nothing to judge

`row` holds the completion, its prompt (question, answers, choices, extra …), `evidence` (a list, one entry per
image) and the scores of the built-in verifiers with their claims. The file is imported only because the user
named it, and its digest is part of the key of the scores. What the function raises becomes the row's error.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.errors import UserError, nearest

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Custom:
    """A verifier of the user's: its name and function."""

    name: str
    fn: Callable[[Row], Any]

    def score(self, row: Row) -> float | None:
        """Its score of a row. Raises ValueError when that is no number in [0, 1]."""
        value = self.fn(row)
        if value is None:
            return None
        if not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ValueError(f"it returned {str(value)[:60]!r}: a number from 0 to 1 or None is needed")
        return float(value)


def split_spec(spec: str) -> tuple[Path, str]:
    """FILE.py:FUNCTION as its two parts. Raises UserError for anything else and for a missing file."""
    file, _, name = spec.rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        raise UserError(f"--verifier takes FILE.py:FUNCTION, not '{spec}'")
    path = Path(file)
    if not path.is_file():
        raise UserError(f"--verifier {spec}: there is no file {file}")
    return path, name


def digests(specs: Sequence[str]) -> dict[str, str]:
    """Name -> sha256 of the file it comes from: what the key of a table knows of it."""
    found = {}
    for spec in specs:
        path, name = split_spec(spec)
        if name in found:
            raise UserError(f"--verifier names {name} twice: columns need names of their own")
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def load(specs: Sequence[str]) -> tuple[Custom, ...]:
    """Import the named files and find their functions."""
    digests(specs)
    return tuple(_load(spec) for spec in specs)


def _load(spec: str) -> Custom:
    path, name = split_spec(spec)
    source = importlib.util.spec_from_file_location(f"halo_forge_custom_{path.stem}", path)
    if source is None or source.loader is None:
        raise UserError(f"--verifier {spec}: {path} cannot be imported")
    module = importlib.util.module_from_spec(source)
    try:
        source.loader.exec_module(module)
    except Exception as exc:  # whatever the user's file raises is one line, not a traceback
        raise UserError(f"--verifier {spec}: {path} fails on import: {type(exc).__name__}: {exc}") from exc
    fn = getattr(module, name, None)
    if not callable(fn):
        options = [n for n, value in vars(module).items() if callable(value) and not n.startswith("_")]
        raise UserError(f"--verifier {spec}: {path} has no function {name}: {nearest(name, options)}")
    return Custom(name, fn)


def judge(customs: Sequence[Custom], row: Row) -> tuple[list[dict[str, Any]], str | None]:
    """The `custom` column of a row, and an error when one of them failed."""
    found: list[dict[str, Any]] = []
    for custom in customs:
        try:
            found.append({"name": custom.name, "score": custom.score(row)})
        except Exception as exc:  # the row keeps the error; the run goes on
            return [], f"verifier {custom.name}: {type(exc).__name__}: {exc}"[:300]
    return found, None
