"""A catalogue of a run: a DuckDB file with a view for each table, for the DuckDB CLI and UI, Harlequin, a notebook. The
macros that queries of `sql/` share are in it, too, so that one of them that is pasted there runs.

The views name the run's Parquet files by pattern, so that cycles trained later are seen, too. The file holds no rows;
it is not locked: whoever opens it reads and writes what their own DuckDB may.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halo_forge import schema, sql
from halo_forge.errors import UserError
from halo_forge.files import whole
from halo_forge.store import Table
from halo_forge.vlm.output import folder_of
from halo_forge.vlm.views import place_of, views

NAME = "catalogue.duckdb"


def write(runs: Sequence[str], output: str = "", tag: str = "") -> list[str]:
    """Write the catalogue of the runs, into the first one unless `output` names a file; lines that say how to open
    it. A catalogue of before is replaced. Raises UserError where something else stands there."""
    import duckdb

    if not runs:
        raise UserError("--shell needs a run: vlm sql models/vlm_raft --shell")
    path = Path(output) if output else place_of(runs[0], tag).root / NAME
    if path.exists() and not _ours(path):
        raise UserError(f"{path} is no catalogue of ours: give another --output")
    tables = views(list(runs), tag)
    folder_of(path)
    with whole(path) as temporary, duckdb.connect(":memory:") as connection:
        try:
            connection.execute(sql.text("catalog/create").format(path=sql.quoted(str(temporary))))
            for name, source in tables.items():
                connection.execute(sql.view(name, [_select(*piece) for piece in sql.pieces(source)]))
            for macro in sql.macros():
                connection.execute(macro)
            connection.execute(sql.text("catalog/detach"))
        except duckdb.Error as exc:
            raise UserError(f"cannot write {path}: {' '.join(str(exc).split())[:300]}; give another --output") from exc
    place = path.resolve()
    return [
        f"{place}: {', '.join(tables)}",
        f"  duckdb -readonly {place}            (with -ui in the browser)",
        f"  harlequin -r {place}",
        f"  duckdb.connect({str(place)!r}, read_only=True)",
    ]


def _select(marks: dict[str, str], table: Table) -> str:
    columns = "".join(f'{sql.quoted(value)} AS "{column}", ' for column, value in marks.items())
    return sql.text("catalog/files").format(
        files=sql.quoted(patterns(table)), marks=columns, schema=schema.duckdb_schema(table.name)
    )


def patterns(table: Table) -> list[str]:
    """The parts of a table as patterns, one for each folder; cycle folders side by side as one."""
    folders = dict.fromkeys(file.resolve().parent for file in table.files)
    found = []
    for folder in folders:
        cycles = folder.name.startswith("cycle=")
        above = folder.parent
        alone = cycles and all(other.parent == above for other in folders)
        found.append(str(_escaped(above) / "cycle=*" / "part-*.parquet" if alone else _escaped(folder) / "*.parquet"))
    return list(dict.fromkeys(found))


def _escaped(folder: Path) -> Path:
    """A folder whose own name holds no pattern."""
    return Path("".join(f"[{c}]" if c in "*?[" else c for c in str(folder)))


def _ours(path: Path) -> bool:
    """Whether the file is a DuckDB file that holds views only."""
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return not connection.sql(sql.text("catalog/rows")).fetchall()
    except duckdb.Error:
        return False
