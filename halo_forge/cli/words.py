"""What every command does with its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Config = TypeVar("Config")


def wants_help(words: list[str]) -> bool:
    """Whether help is asked for instead."""
    return bool({"-h", "--help"} & set(words))


def configured(
    words: list[str], config: type[Config], run: Callable[[Config], int], usage: str, doc: str, *positional: str
) -> int:
    """A command whose words are the flags of `config`, those of the fields `positional` without one: run it, or
    print its help page."""
    from halo_forge.cli import flags

    if wants_help(words):
        print(flags.usage(config, f"halo-forge vlm {usage}", doc))
        return 0
    return run(flags.parse(config, words, positional))


def print_table(rows: list[dict[str, Any]]) -> None:
    """Rows as an aligned text table; plain, because importing a table library costs more than this command."""
    names = list(rows[0])
    cells = [names, *[["–" if row[n] is None else str(row[n]) for n in names] for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
