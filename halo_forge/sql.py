"""SQL over tables: queries are files, values are bound, and a query sees only the tables it is given.

- `text(name)` is a query of `sql/`, such as "filters/default" or "benchmark/accuracy".
- `connect(tables)` is a DuckDB connection with a view for each table, locked: no other file, no setting.
- `query(text, tables, **params)` is the result as an Arrow table.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from halo_forge import schema
from halo_forge.errors import UserError, nearest
from halo_forge.store import Table

if TYPE_CHECKING:
    import duckdb

Source: TypeAlias = Table | pa.Table
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def _folder() -> Any:
    return importlib.resources.files("halo_forge.queries")


def names(kind: str) -> list[str]:
    """The queries of a kind: the file names under `sql/<kind>/`, without ending."""
    return sorted(p.name[:-4] for p in (_folder() / kind).iterdir() if p.name.endswith(".sql"))


def text(name: str) -> str:
    """The text of a query of `sql/`, by its path without ending."""
    return (_folder() / f"{name}.sql").read_text(encoding="utf-8")


def named_or_file(kind: str, name: str) -> str:
    """The text of a shipped query of a kind, or of the user's own `.sql` file."""
    if name.endswith(".sql"):
        try:
            return Path(name).read_text(encoding="utf-8")
        except OSError as exc:
            raise UserError(f"cannot read the query {name}: {exc.strerror}") from exc
    if name not in names(kind):
        raise UserError(f"no {kind[:-1]} '{name}': {nearest(name, names(kind))}, or give a .sql file")
    return text(f"{kind}/{name}")


def connect(tables: Mapping[str, Source]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory with one view per table; nothing outside them can be read or written."""
    import duckdb

    connection = duckdb.connect(":memory:")
    folders: set[str] = set()
    for name, table in tables.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"'{name}' is no table name")
        if isinstance(table, pa.Table):
            connection.register(name, table)
            continue
        files = [str(file.resolve()) for file in table.files]
        folders |= {str(Path(file).parent) + "/" for file in files}
        connection.execute(text("catalog/files").format(table=name), {"files": files})
        connection.execute(text("catalog/view").format(table=name, schema=schema.duckdb_schema(table.name)))
    connection.execute(text("catalog/lock").format(folders=_list(sorted(folders))))
    return connection


def _list(values: list[str]) -> str:
    """A SQL list of strings: settings take no bound values."""
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


def query(statement: str, tables: Mapping[str, Source], **params: Any) -> pa.Table:
    """Run one query and return its rows. Parameters the query does not name are left out, so that several
    queries can share one set. A mistake in the SQL is a UserError with DuckDB's own words."""
    import duckdb

    named = set(re.findall(r"\$([a-z_][a-z0-9_]*)", re.sub(r"--[^\n]*", "", statement)))
    missing = sorted(named - set(params))
    if missing:
        raise UserError(f"the query needs a value for ${missing[0]}")
    connection = connect(tables)
    try:
        return connection.sql(statement, params={k: v for k, v in params.items() if k in named}).to_arrow_table()
    except duckdb.Error as exc:
        raise UserError(f"SQL: {' '.join(str(exc).split())[:400]}") from exc
    finally:
        connection.close()
