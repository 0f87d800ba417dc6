"""Files written whole or not at all: JSON records and Parquet parts, under a temporary name and then renamed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from halo_forge import keys
from halo_forge.errors import UserError

IMAGE_ROWS_PER_GROUP = 32  # a point read fetches a whole row group: 32 images are 1 to 15 MB


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` to `path` whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1, sort_keys=True, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {exc.strerror}; free the disk and run the command again") from exc


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object at `path`, or None when there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as exc:
        raise UserError(f"{path} is not readable JSON ({exc}); delete it and run the command again") from exc


def write_parquet(table: pa.Table, path: Path) -> str:
    """Write `table` to `path` whole or not at all; the sha256 of the file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    wide = "image" in table.column_names
    try:
        pq.write_table(
            table,
            temporary,
            row_group_size=IMAGE_ROWS_PER_GROUP if wide else 65_536,
            compression="none" if wide else "zstd",
            use_dictionary=not wide,
        )
        digest = keys.sha256_file(temporary)
        os.replace(temporary, path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {exc}; free the disk and run the command again") from exc
    return digest
