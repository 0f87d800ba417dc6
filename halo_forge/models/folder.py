"""A model folder that is there whole or not at all: written aside, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from halo_forge.files import flush
from halo_forge.models.resolve import RECORD


def aside(output: Path) -> Path:
    """An empty folder beside `output` to write to; `put` gives it its name."""
    folder = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, output: Path, record: dict[str, Any]) -> None:
    """Give `folder` its record and the name `output`; what had that name is gone then."""
    (folder / RECORD).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for file in folder.iterdir():
        flush(file)
    old = output.with_name(f".{output.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        os.replace(output, old)
    os.replace(folder, output)
    shutil.rmtree(old, ignore_errors=True)


def record_of(folder: Path) -> dict[str, Any] | None:
    """What was recorded beside a model that we made, None where there is no such record."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None
