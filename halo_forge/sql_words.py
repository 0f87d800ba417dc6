"""What a SQL statement is, before it runs: its parameters, and whether it only reads.

DuckDB says what kind a statement is. Two kinds need a second look: a SELECT may hold a COPY or an INSERT in a WITH, and
what PIVOT becomes is MULTI, a CREATE TABLE around it as well.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from halo_forge.errors import UserError

if TYPE_CHECKING:
    import duckdb

READING = ("SELECT", "MULTI")
BEGIN = ("SELECT", "FROM", "WITH", "PIVOT", "PIVOT_WIDER", "UNPIVOT", "PIVOT_LONGER", "(")
"""Words that a MULTI which reads begins with."""
WRITING = ("COPY", "INSERT", "UPDATE", "DELETE", "MERGE")
"""Words that the body of a WITH begins with where it writes."""


def tokens(statement: str) -> list[str]:
    """Words, signs and quoted texts in order, comments left out."""
    import duckdb

    text = statement.encode()
    found = duckdb.tokenize(statement)
    ends = [start for start, _ in found[1:]] + [len(text)]
    return [
        text[start:end].decode().strip()
        for (start, kind), end in zip(found, ends, strict=True)
        if kind != duckdb.token_type.comment
    ]


def parameters(statement: str) -> list[str]:
    """The names behind $ in a statement, sorted; comments and quoted text left out."""
    pairs = itertools.pairwise(tokens(statement))
    return sorted({name for sign, name in pairs if sign == "$" and name.isidentifier()})


def refuse_writing(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    """Raise UserError unless this is one statement and it only reads. duckdb.Error where it is no SQL."""
    kinds = [one.type.name for one in connection.extract_statements(statement)]
    if len(kinds) != 1:
        raise UserError(f"SQL: one SELECT is taken, and these are {len(kinds)} statements: tables are only read")
    words = [word.upper() for word in tokens(statement)]
    kind = kinds[0] if kinds[0] != "MULTI" or words[0] in BEGIN else words[0]
    if kind not in READING:
        raise UserError(f"SQL: one SELECT is taken, and this is {kind}: tables are only read")
    for before, sign, word in zip(words, words[1:], words[2:], strict=False):
        if sign == "(" and word in WRITING and before in ("AS", "MATERIALIZED"):
            raise UserError(f"SQL: one SELECT is taken, and there is {word} in its WITH: tables are only read")
