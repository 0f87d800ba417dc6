"""A digest of the code that makes a table, so that "its code changed since" can be said. Advice, never a key."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import halo_forge
from halo_forge.keys import DigestCache, sha256_json

PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
PLUMBING = frozenset(
    "cli config errors executor files keys locks parts pool progress".split()  # noqa: SIM905
    + "schema source sql stage stages store table vlm".split()  # noqa: SIM905
)
"""Modules that move rows and do not decide what is in them."""


@functools.cache
def source_digest(fn: Callable[..., Any]) -> str:
    """Digest of the module of `fn` and of the parts of halo_forge that it imports, whole packages of them.

    Comments, docstrings and layout do not count. It begins with the Python version, because each parses into a
    form of its own; "" where there is no source, as in a notebook.
    """
    try:
        file = Path(inspect.getfile(inspect.getmodule(fn) or fn))
        cache = DigestCache()
        digests = [cache.digest(part, _meaning, f"{PYTHON} ") for part in [file, *_files(file)]]
        cache.save()
    except (OSError, TypeError, SyntaxError):
        return ""
    return f"{PYTHON}:{sha256_json(digests)}"


def differ(made: str, now: str) -> bool:
    """Whether two digests say that the code is another; False where they cannot be compared."""
    version, _, digest = made.partition(":")
    here, _, current = now.partition(":")
    return version == here and digest != current


def _files(file: Path) -> list[Path]:
    """Files of the modules and packages of halo_forge that a module imports, wherever in it."""
    top = Path(halo_forge.__file__).parent
    found: set[Path] = set()
    for name in _imported(ast.parse(file.read_bytes())) - PLUMBING:
        found |= set((top / name).glob("*.py")) | ({top / f"{name}.py"} if (top / f"{name}.py").is_file() else set())
    return sorted(found)


def _imported(tree: ast.AST) -> set[str]:
    return {name.split(".")[1] for name in _names(tree) if name.startswith("halo_forge.")}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "halo_forge":
            yield from (f"halo_forge.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _meaning(file: Path) -> str:
    """Digest of the parsed code without the strings that stand alone."""
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [n for n in body if not _says_nothing(n)]  # type: ignore[attr-defined]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _says_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
