"""What every command does with its words."""

from __future__ import annotations

from typing import Any


def wants_help(words: list[str]) -> bool:
    """Whether help is asked for instead."""
    return bool({"-h", "--help"} & set(words))


def print_table(rows: list[dict[str, Any]]) -> None:
    """Rows as an aligned text table; plain, because importing a table library costs more than this command."""
    names = list(rows[0])
    cells = [names, *[["–" if row[n] is None else str(row[n]) for n in names] for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
