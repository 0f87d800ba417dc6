"""docs/cli.md: every command and stage with its flags, from the help pages themselves.

python -m halo_forge.cli.reference > docs/cli.md
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import sys
from collections.abc import Callable
from functools import partial

from halo_forge.cli import main
from halo_forge.cli.commands import COMMANDS

STAGES = ("prompts", "generate", "perceive", "verify", "reward", "more", "filter", "train", "benchmark")
FLAG = re.compile(r"  --(?P<flag>\S+)(?: (?P<kind>[A-Z]+))? +(?P<help>.*?) ?\((?:default (?P<default>.*)|required)\)")
KINDS = {"STR": "text", "INT": "number", "FLOAT": "number", "TUPLE": "list", "LIST": "list"}
DEFAULTS = {"''": "", "none": "", "False": "off", "True": "on"}
TOP = """# Commands and flags

Written by `python -m halo_forge.cli.reference`; a test fails when it is out of date. \
Lists are comma separated; a switch is turned off with `--no-…`. \
Exit codes: 0 done, 2 something to mend (one line says what), 130 stopped by Ctrl-C.
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [TOP]
    for group, commands in COMMANDS.items():
        parts += [section(f"halo-forge {group} {name}", said([group, name, "--help"])) for name in commands]
    for stage in STAGES:
        module = importlib.import_module(f"halo_forge.stages.{stage}")
        parts.append(section(f"stages/{stage}.py", said_by(partial(module.main, ["--help"]))))
    return "\n".join(parts)


def section(title: str, text: str) -> str:
    """One command: what it is and a table of its flags, or its help page as it is."""
    lines = text.strip().splitlines()
    flags = [found for line in lines if (found := FLAG.fullmatch(line))]
    other = [line for line in lines if not FLAG.fullmatch(line) and line not in ("", "flags:")]
    usage, about = other[0], other[1:]
    rows = [row(found) for found in flags]
    table = ["| flag | takes | what it does | default |", "|---|---|---|---|", *rows, ""] if rows else []
    return "\n".join([f"## {title}", "", f"`{usage.removeprefix('usage: ')}`", "", *paragraph(about), *table])


def paragraph(lines: list[str]) -> list[str]:
    return [*lines, ""] if lines else []


def row(found: re.Match[str]) -> str:
    """A line of the table; a bar would end its cell."""
    kind = found["kind"]
    given = found["default"]
    default = "required" if given is None else DEFAULTS.get(given, f"`{given}`")
    takes = KINDS.get(kind, kind.lower()) if kind else "switch"
    cells = (f"`--{found['flag']}`", takes, found["help"], default)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def said(words: list[str]) -> str:
    """What a command prints."""
    return said_by(lambda: main(words))


def said_by(run: Callable[[], int]) -> str:
    """What a function prints; it must end well."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run()
    if code:
        raise SystemExit(f"a help page ended with {code}")
    return out.getvalue()


if __name__ == "__main__":
    sys.stdout.write(page())
