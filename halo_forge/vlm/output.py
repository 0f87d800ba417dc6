"""Rows for a person or a program: a table on the screen, csv, json, Markdown, or Parquet."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from halo_forge import files
from halo_forge.errors import UserError

FORMATS = ("table", "csv", "json", "parquet", "md")
WIDEST = 60
"""Characters of a cell on the screen."""
DIGEST = re.compile(r"[0-9a-f]{64}")
"""An id; on the screen its first letters do, and vlm why takes them."""


def put(rows: pa.Table, form: str, path: str = "", most: int = 0) -> None:
    """Show `rows` in a format, or write them to `path`. `most`: rows of a table on the screen (0: all)."""
    if path:
        folder_of(path)
    if form == "parquet":
        with files.parquet(rows, Path(path)):
            pass
    else:
        text = written(rows, form, 0 if path else most)
        if path:
            with files.whole(Path(path)) as temporary:
                temporary.write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
            return
    print(f"{path}: {rows.num_rows} rows", file=sys.stderr)


def folder_of(path: str | Path) -> None:
    """Make the folder that a file goes to. Raises UserError where that cannot be."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UserError(f"cannot write {path}: {exc.strerror}; give another --output") from exc


def written(rows: pa.Table, form: str, most: int = 0) -> str:
    """`rows` as text in one of the formats but parquet."""
    names = rows.column_names
    if form == "table":
        shown = rows.slice(0, most) if most else rows
        lines = _grid(names, [[_cell(value) for value in row.values()] for row in _dicts(shown)], rows)
        if shown.num_rows < rows.num_rows:
            lines.append(f"… {shown.num_rows} of {rows.num_rows} rows; --rows 0 shows all, --output FILE keeps them")
        return "\n".join(lines) + "\n"
    if form == "json":
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in _dicts(rows)]
        return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        for row in _dicts(rows):
            writer.writerow([_flat(value) for value in row.values()])
        return out.getvalue()
    lines = [_line(names), _line(["---"] * len(names))]
    lines += [_line([_cell(value, 0) for value in row.values()]) for row in _dicts(rows)]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """Text of a dataset or a model for a terminal: no control characters that it would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def _dicts(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows as values that JSON knows; a column of the same name as another gets a number behind it."""
    names: list[str] = []
    for name in rows.column_names:
        names.append(name if name not in names else f"{name}_{names.count(name) + 1}")
    return [{key: _value(value) for key, value in row.items()} for row in rows.rename_columns(names).to_pylist()]


def _value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): _value(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(one) for one in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def _cell(value: Any, widest: int = WIDEST) -> str:
    if value is None:
        return "–"
    text = f"{value:.4g}" if isinstance(value, float) else plain(str(_flat(value)))
    if widest and DIGEST.fullmatch(text):
        return text[:12] + "…"
    return text if not widest or len(text) <= widest else text[: widest - 1] + "…"


def _grid(names: list[str], cells: list[list[str]], rows: pa.Table) -> list[str]:
    """Aligned columns, numbers to the right; plain, because a table library costs more than the query."""
    numbers = [pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in rows.schema]
    lines = [list(names), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    ]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells) + " |"
