"""Where weights come from, for detectors and text readers: the bundle, a cache, a path the user names."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

from halo_forge.errors import UserError
from halo_forge.keys import sha256_file

INSTALL = "pip install 'halo-forge[perception]'"
"""Command that installs the optional packages (ultralytics, easyocr)."""


def cache_dir() -> Path:
    """Folder of downloaded weights: $HALO_FORGE_CACHE, else halo_forge in $XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("HALO_FORGE_CACHE")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "halo_forge"


def require(package: str, needed_for: str, install: str = INSTALL) -> Path:
    """Folder of an installed package, found without importing it; else UserError with the install command."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"{needed_for} needs the package {package}, which is not installed: run {install}")
    return Path(spec.origin).parent


def folder_digest(folder: Path, patterns: tuple[str, ...]) -> str:
    """sha256 (hex) over names and contents of the files in `folder` that match a pattern, in name order."""
    files = sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})
    lines = "".join(f"{file.name} {sha256_file(file)}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def one_line(error: BaseException) -> str:
    """The message of another library's error on one line, bounded."""
    return " ".join(str(error).split())[:200] or type(error).__name__
