"""Tables thrown away: first renamed, then removed, so that no half of one is ever taken for a table."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from halo_forge import files
from halo_forge.errors import UserError
from halo_forge.locks import hold
from halo_forge.parts import BEGUN


def discard(path: str | Path) -> None:
    """Remove a table's directory, first by renaming it, so that no half of it is ever taken for a table.

    Raises UserError when another process is writing it.
    """
    folder = Path(path)
    remove_discarded(folder)
    if not folder.exists():
        return
    lock = hold(folder) if (folder / BEGUN).exists() else None
    doomed = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        os.replace(folder, doomed)
    except OSError as exc:
        raise UserError(f"cannot remove {folder}: {files.reason(exc)}") from exc
    del lock
    shutil.rmtree(doomed, ignore_errors=True)


def remove_discarded(folder: Path) -> None:
    """Remove what earlier processes, killed in the act, left of this table."""
    if folder.parent.is_dir():
        for path in folder.parent.iterdir():
            if path.name.startswith(f".{folder.name}.") and path.name.endswith(".old"):
                shutil.rmtree(path, ignore_errors=True)
