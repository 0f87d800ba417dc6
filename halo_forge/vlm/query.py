"""`vlm sql`: a question about one run or several, in SQL or by name.

halo-forge vlm sql models/vlm_raft "SELECT cycle, avg(reward) FROM rewards GROUP BY cycle"
halo-forge vlm sql models/vlm_raft pass_rate --min_n 4 --format csv --output rates.csv
halo-forge vlm sql models/vlm_raft --shell
halo-forge vlm sql --list
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from halo_forge import sql
from halo_forge.cli import flags
from halo_forge.config import execution, identity, target
from halo_forge.errors import UserError
from halo_forge.vlm import output, views
from halo_forge.vlm.questions import Question, question, questions, read


@dataclass(frozen=True)
class Config:
    """What is asked of which run, and how the answer is shown."""

    words: tuple[str, ...] = identity((), "run folders, then a SELECT, a query's name, or a .sql file", hidden=True)
    given: tuple[tuple[str, str], ...] = identity((), "the query's own parameters", hidden=True)
    format: str = execution("table", "table, csv, json, parquet or md", choices=output.FORMATS)
    output: str = target("", "a file that gets the rows (none: standard output)")
    tag: str = identity("", "the tables of a rerun that was kept with this tag, under their plain names")
    rows: int = execution(50, "rows that a table on the screen shows at most (0: all)")
    shell: bool = execution(False, "leave a catalogue that DuckDB, its UI, Harlequin or a notebook opens")


def from_words(words: list[str]) -> Config:
    """A command line: our own flags, the query's parameters as further flags, and what stands alone."""
    own = {flags.flag_of(f): f for f in dataclasses.fields(Config) if not f.metadata.get("hidden")}
    alone: list[str] = []
    ours: list[str] = []
    given: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or any(c.isspace() for c in word):
            alone.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        if name.replace("_", "-").removeprefix("no-") in own:
            ours.append(word)
            takes = own[name.replace("_", "-").removeprefix("no-")].type != "bool"
            ours += [rest.pop(0)] if takes and not equals and rest else []
            continue
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise UserError(f"--{name} needs a value")
            value = rest.pop(0)
        given[name.replace("-", "_")] = value
    return dataclasses.replace(flags.parse(Config, ours), words=tuple(alone), given=tuple(given.items()))


def run(config: Config) -> int:
    """Answer, list, or leave a catalogue; the exit code."""
    if config.shell:
        from halo_forge.vlm.catalogue import write

        print("\n".join(write(config.words, config.output, config.tag)))
        return 0
    *folders, asked = config.words or ("",)
    if not asked or Path(asked).is_dir():
        print("\n".join(listed()))
        return 0
    if not folders:
        raise UserError(f"vlm sql takes a run and a question: halo-forge vlm sql models/vlm_raft {shlex.quote(asked)}")
    if config.format == "parquet" and not config.output:
        raise UserError("--format parquet needs --output FILE")
    found = answer(folders, asked, dict(config.given), config.tag)
    output.put(found, config.format, config.output, config.rows)
    return 0


def listed() -> list[str]:
    """Every shipped query: its name, its parameters and what it is for."""
    lines = []
    for kind in dict.fromkeys(one.kind for one in questions().values()):
        lines.append(f"{kind}:")
        for one in questions().values():
            if one.kind == kind:
                lines.append(f"  {one.name} {one.usage()}".rstrip())
                lines.append(f"      {one.purpose}")
    return lines


def answer(folders: Sequence[str], asked: str, given: Mapping[str, str] | None = None, tag: str = "") -> pa.Table:
    """The rows that answer a question about runs: SQL, the name of a shipped query, or a .sql file.

    `given` are its parameters as text: typed by the query's header, else a number where it reads as one.
    """
    given = given or {}
    if len(asked.split()) == 1 and not asked.endswith(".sql"):
        return _named(folders, question(asked.strip()), given, tag)
    text = sql.from_file(asked) if asked.endswith(".sql") else asked
    return _own(folders, text, given, tag)


def _named(folders: Sequence[str], asked: Question, given: Mapping[str, str], tag: str) -> pa.Table:
    values = asked.values(given)
    if asked.together:
        return _answered(asked, views.views(folders, tag, mark=True), values, ", ".join(folders))
    answers = []
    for folder, label in zip(folders, views.labels(folders), strict=True):
        rows = _answered(asked, views.views(folder, tag), values, folder)
        if len(folders) > 1:
            rows = rows.add_column(0, "run", pa.array([label] * rows.num_rows, pa.string()))
        answers.append(rows)
    return pa.concat_tables(answers)


def _answered(asked: Question, there: Mapping[str, sql.Source], values: Mapping[str, Any], where: str) -> pa.Table:
    tables = {**views.empty(), **there} if asked.kind == "checks" else there
    missing = [name for name in asked.tables if name not in tables]
    if missing:
        raise UserError(f"{asked.name} reads {', '.join(asked.tables)}: {where} has no {missing[0]} yet")
    return sql.query(asked.text, {name: tables[name] for name in asked.tables}, **values)


def _own(folders: Sequence[str], statement: str, given: Mapping[str, str], tag: str) -> pa.Table:
    tables = views.views(folders if len(folders) > 1 else folders[0], tag)
    try:
        return sql.query(statement, tables, **_values(statement, given))
    except UserError as exc:
        if "Table with name" in str(exc):
            raise UserError(f"{str(exc).split(' Did you mean')[0]} There are: {', '.join(tables)}") from exc
        raise


def _values(statement: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Values for a query of the user's own: as its header types them, else whole number, number, or text."""
    declared = {one.name: one for one in read("", "", statement).parameters}
    named = sql.parameters(statement)
    for name in given:
        if name not in named:
            raise UserError(f"unknown flag --{name}: neither a flag of vlm sql nor a ${name} in the query")
    values = {name: one.value(given.get(name)) for name, one in declared.items() if name in named}
    return values | {name: _guessed(text) for name, text in given.items() if name not in declared}


def _guessed(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
