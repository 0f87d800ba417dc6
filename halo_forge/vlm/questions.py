"""The questions that `sql/` answers about a run: queries with a header that says what they are for.

A header's lines are `-- purpose:`, `-- parameters:`, `-- tables:`, `-- grain:`, `-- columns:`. A parameter reads
`$min_n INTEGER = 4 (what it means)`; without a default it has to be given. `-- runs: together` marks a query that
compares runs and reads their column `run`; any other is answered for each run on its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from halo_forge import sql
from halo_forge.errors import UserError, nearest

KINDS = ("reward", "prompts", "kept", "hacking", "policy", "benchmark", "checks")
"""The folders of `sql/` whose queries need nothing but the tables of a run."""
INNER = ("overall", "rows", "best")
"""Queries of these folders that answer no question by themselves: parts of `vlm benchmark` and `vlm train`."""
_PARAMETER = re.compile(r"\$([a-z_]+) ([A-Z]+)(?: = ('[^']*'|[^\s,()]+))?(?: \(([^()]*)\))?")
_KINDS = {"INTEGER": int, "BIGINT": int, "DOUBLE": float, "VARCHAR": str}


@dataclass(frozen=True)
class Parameter:
    """A value that a query takes; `default` None: it has to be given."""

    name: str
    type: str
    default: str | None
    help: str

    def value(self, text: str | None) -> Any:
        """`text`, or the default, as a value of the parameter's type."""
        given = self.default if text is None else text
        if given is None:
            about = f": {self.help}" if self.help else ""
            raise UserError(f"the query needs --{self.name} ({self.type}{about})")
        try:
            return _KINDS[self.type](given.strip("'") if text is None else given)
        except ValueError as exc:
            raise UserError(f"--{self.name} takes a value of type {self.type}, not '{given}'") from exc


@dataclass(frozen=True)
class Question:
    """A shipped query about a run."""

    name: str
    kind: str
    text: str
    purpose: str
    tables: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    together: bool

    def values(self, given: Mapping[str, str]) -> dict[str, Any]:
        """What is bound: given values and defaults, typed. Raises UserError for a name the query does not take."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                takes = nearest(name, known) if known else "it takes none"
                raise UserError(f"{self.name} has no parameter --{name}: {takes}")
        return {name: parameter.value(given.get(name)) for name, parameter in known.items()}

    def usage(self) -> str:
        """The parameters as flags, for a list."""
        return " ".join(
            f"--{p.name} {p.type}" if p.default is None else f"[--{p.name} {p.default.strip(chr(39)) or repr('')}]"
            for p in self.parameters
        )


def header(text: str) -> dict[str, str]:
    """The entries of a query's header."""
    found: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        begun = re.match(r"-- ([a-z]+): (.*)", line)
        if begun:
            key = begun[1]
            found[key] = begun[2].strip()
        elif line.startswith("--  ") and key:
            found[key] += " " + line[2:].strip()
        else:
            key = ""
    return found


@cache
def questions() -> dict[str, Question]:
    """Every question by name."""
    found: dict[str, Question] = {}
    for kind in KINDS:
        for name in sql.names(kind):
            if name in INNER:
                continue
            if name in found:
                raise ValueError(f"two queries are called {name}")
            found[name] = read(name, kind, sql.text(f"{kind}/{name}"))
    return found


def read(name: str, kind: str, text: str) -> Question:
    """A query from its text; what its header does not say is empty."""
    said = header(text)
    given = tuple(
        Parameter(match[1], match[2], match[3], match[4] or "")
        for match in _PARAMETER.finditer(said.get("parameters", ""))
    )
    tables = tuple(re.findall(r"[a-z_]+", _without_asides(said.get("tables", ""))))
    return Question(name, kind, text, said.get("purpose", ""), tables, given, said.get("runs") == "together")


def ask(connection: Any, name: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of a query of `sql/` by its path, of any kind, with its header's defaults for what is not given."""
    asked = read(name, "", sql.text(name))
    defaults = {one.name: one.value(None) for one in asked.parameters if one.default is not None}
    return sql.fetch(connection, asked.text, defaults | values).to_pylist()


def columns(text: str) -> list[tuple[str, str]]:
    """(name, type) of each column that a query's header promises."""
    return re.findall(r"([a-z_0-9]+) ([A-Z]+(?:\[\])?)", _without_asides(header(text).get("columns", "")))


def _without_asides(text: str) -> str:
    return re.sub(r"\([^()]*\)", "", text)


def question(name: str) -> Question:
    """The question called `name`, also as folder/name. Raises UserError naming the nearest."""
    plain = name.rsplit("/", 1)[-1]
    if plain not in questions() or (name != plain and name != f"{questions()[plain].kind}/{plain}"):
        near = nearest(plain, questions())
        every = f" All: {', '.join(sorted(questions()))}" if near.startswith("did you mean") else ""
        raise UserError(f"no query '{name}': {near}{every}")
    return questions()[plain]
