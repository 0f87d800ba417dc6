"""SQL over tables: queries are files, values are bound, and a query sees only the tables it is given.

- `text(name)` is a query of `sql/`, such as "filters/default" or "benchmark/accuracy".
- `connect(run)` is a DuckDB connection with a view for each table of a run, of several runs, or of a mapping of
  tables, and with the macros of `sql/macros/`; locked: no other file, nothing written, no setting.
- `query(text, tables, **params)` is the result as an Arrow table.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.resources
import re
import tempfile
import uuid
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from halo_forge import schema
from halo_forge.errors import UserError, nearest
from halo_forge.keys import sha256_json
from halo_forge.sql_words import parameters, refuse_writing
from halo_forge.store import Table

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Marked:
    """Tables of one schema as one, each with columns that say where its rows are from, such as run."""

    tables: tuple[tuple[dict[str, str], Table], ...]


Source: TypeAlias = Table | Marked | pa.Table
Runs: TypeAlias = str | Path | Sequence[str | Path]
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_open: weakref.WeakSet[Any] = weakref.WeakSet()


def _folder() -> Any:
    return importlib.resources.files("halo_forge.queries")


def names(kind: str) -> list[str]:
    """The queries of a kind: the file names under `sql/<kind>/`, without ending."""
    return sorted(p.name[:-4] for p in (_folder() / kind).iterdir() if p.name.endswith(".sql"))


def text(name: str) -> str:
    """The text of a query of `sql/`, by its path without ending."""
    return (_folder() / f"{name}.sql").read_text(encoding="utf-8")


def from_file(path: str) -> str:
    """The text of the user's own `.sql` file."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise UserError(f"cannot read the query {path}: it is no UTF-8 text") from exc
    except OSError as exc:
        raise UserError(f"cannot read the query {path}: {exc.strerror}") from exc


def named_or_file(kind: str, name: str) -> str:
    """The text of a shipped query of a kind, or of the user's own `.sql` file."""
    if name.endswith(".sql"):
        return from_file(name)
    if name not in names(kind):
        raise UserError(f"no {kind[:-1]} '{name}': {nearest(name, names(kind))}, or give a .sql file")
    return text(f"{kind}/{name}")


@dataclass(frozen=True)
class Limits:
    """What a query may take: memory in GiB beyond which it spills to disk, and threads (0: DuckDB's own choice)."""

    memory_gib: float = 0
    threads: int = 0


NO_LIMITS = Limits()


def connect(
    tables: Mapping[str, Source] | Runs, tag: str = "", limits: Limits = NO_LIMITS
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory with one view per table; nothing outside them can be read, nothing written.

    `tables` maps view names to tables, or is the folder of a run, or several of them: then every view has a column
    `run`. `tag`: the tables of that rerun under the plain names (`scores`), where it has its own.
    """
    import duckdb

    from halo_forge.sql_files import TableFiles, address

    if not isinstance(tables, Mapping):
        from halo_forge.vlm.views import views

        tables = views(tables, tag)
    connection = duckdb.connect(":memory:")
    limit(connection, limits)
    files: list[str] = []
    statements: list[str] = []
    for name, table in tables.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"'{name}' is no table name")
        if isinstance(table, pa.Table):
            connection.register(name, table)
            continue
        selects = []
        for number, (marks, piece) in enumerate(pieces(table)):
            own = [address(file) for file in piece.files]
            files += own
            selects.append(_select(connection, f"{name}_{number}", marks, piece.name, own))
        statements.append(view(name, selects))
    connection.register_filesystem(TableFiles(files))
    for statement in (*statements, *macros()):
        connection.execute(statement)
    spill = str(Path(tempfile.gettempdir()).resolve() / f"halo_forge_sql_{uuid.uuid4().hex}")
    connection.execute(text("catalog/lock").format(files=quoted(files), spill=quoted(spill)))
    _open.add(connection)
    return connection


def limit(connection: duckdb.DuckDBPyConnection, limits: Limits) -> None:
    """Give a connection its limits."""
    if limits.memory_gib:
        connection.execute(text("catalog/memory").format(memory=quoted(f"{limits.memory_gib:g}GiB")))
    if limits.threads:
        connection.execute(text("catalog/threads").format(threads=int(limits.threads)))


def pieces(table: Source) -> Sequence[tuple[dict[str, str], Table]]:
    """The tables on disk that one view is made of, each with its marks."""
    if isinstance(table, pa.Table):
        raise TypeError("rows in memory are no table on disk")
    return table.tables if isinstance(table, Marked) else [({}, table)]


def _select(connection: Any, variable: str, marks: dict[str, str], name: str, files: list[str]) -> str:
    """The rows of one table, its files and marks in variables of the connection."""
    columns = ""
    for place, (column, value) in enumerate(marks.items()):
        _remember(connection, f"{variable}_{place}_mark", value)
        columns += f"getvariable('{variable}_{place}_mark')::VARCHAR AS \"{column}\", "
    _remember(connection, f"{variable}_files", files)
    source = f"getvariable('{variable}_files')"
    return text("catalog/files").format(files=source, marks=columns, schema=schema.duckdb_schema(name))


def view(name: str, selects: Sequence[str]) -> str:
    """The statement that makes one view of a table's pieces."""
    return text("catalog/view").format(name=name, rows=" UNION ALL ".join(selects))


@cache
def macros() -> tuple[str, ...]:
    """The statements that make what queries share, of `sql/macros/`: each takes its tables by name, so that it can be
    made before they are there. By name, so that one stands after those that it is made of."""
    return tuple(text(f"macros/{name}") for name in names("macros"))


def _remember(connection: Any, name: str, value: Any) -> None:
    connection.execute(text("catalog/variable").format(name=name), {"value": value})


def quoted(value: str | Sequence[str]) -> str:
    """A SQL string, or list of strings: settings and stored views take no bound values."""
    if not isinstance(value, str):
        return "[" + ", ".join(quoted(one) for one in value) + "]"
    return "'" + value.replace("'", "''") + "'"


@atexit.register
def _close_all() -> None:
    """DuckDB warns on standard error about a connection with a file system that outlives the interpreter."""
    for connection in list(_open):
        with contextlib.suppress(Exception):
            connection.close()


def query(
    statement: str, tables: Mapping[str, Source] | Runs, limits: Limits = NO_LIMITS, /, **params: Any
) -> pa.Table:
    """Run one query and return its rows. Parameters the query does not name are left out, so that several
    queries can share one set. A mistake in the SQL is a UserError with DuckDB's own words."""
    connection = connect(tables, limits=limits)
    try:
        return fetch(connection, statement, params)
    finally:
        connection.close()


def fetch(connection: duckdb.DuckDBPyConnection, statement: str, params: Mapping[str, Any]) -> pa.Table:
    """The rows of one statement that reads. Raises UserError, in DuckDB's own words where it is DuckDB's."""
    with _in_one_line():
        return connection.sql(statement, params=_bound(connection, statement, params)).to_arrow_table()


def keep(connection: duckdb.DuckDBPyConnection, name: str, statement: str, params: Mapping[str, Any]) -> list[str]:
    """Keep the rows of one statement that reads as a table of the connection, for the statements after it; its
    columns. It is in DuckDB's memory, compressed, and goes to disk where it is too large. Raises as `fetch` does."""
    with _in_one_line():
        bound = _bound(connection, statement, params)
        plain = statement.rstrip().removesuffix(";")
        connection.execute(text("catalog/keep").format(name=name, statement=plain), bound)
        return list(connection.table(name).columns)


def decide(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, needed: Sequence[str], params: Mapping[str, Any]
) -> None:
    """Keep what a query of a kind decides, or the user's own, as the table `decided`. Raises UserError where its result
    lacks a column that is needed."""
    columns = keep(connection, "decided", named_or_file(kind, name), params)
    missing = [column for column in needed if column not in columns]
    if missing:
        raise UserError(f"the query {name}: its result has no column {missing[0]}")


def known_by(kind: str, name: str) -> str:
    """What identifies such a query: its text, not its name or path."""
    return sha256_json(" ".join(named_or_file(kind, name).split()))


def _bound(connection: duckdb.DuckDBPyConnection, statement: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a statement names. Raises UserError where one is missing, or it does not only read."""
    named = parameters(statement)
    missing = sorted(set(named) - set(params))
    if missing:
        raise UserError(f"the query needs a value for ${missing[0]}")
    refuse_writing(connection, statement)
    return {name: params[name] for name in named}


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """A mistake in the SQL as one line. DuckDB's Python door raises ValueError for kinds of statement that it does not
    know by name."""
    import duckdb

    try:
        yield
    except (duckdb.Error, ValueError) as exc:
        raise UserError(f"SQL: {' '.join(str(exc).split())[:400]}") from exc
