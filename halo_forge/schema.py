"""The Arrow schema of every table: the one contract between stages, SQL and other programs.

- `TABLES` maps a table's name to its schema (columns: `halo_forge.columns`); a stage's output is cast to it by
  `conform`.
- `duckdb_schema` states the same contract to `read_parquet(..., schema = MAP {...})`, so that SQL raises on
  drift instead of widening silently.
- `REQUIRED` names the columns a table of another program must have; the others may be missing (null).
"""

from __future__ import annotations

import json
from typing import Final

import pyarrow as pa

from halo_forge.columns import BOOL, COLUMNS, DOUBLE, FLOAT, INT32, INT64, REQUIRED, STRING
from halo_forge.errors import UserError

__all__ = ["REQUIRED", "TABLES", "arrow", "conform", "duckdb_columns", "duckdb_schema", "empty", "from_rows"]

TABLES: Final[dict[str, pa.Schema]] = {name: pa.schema(cols) for name, cols in COLUMNS.items()}


def arrow(name: str) -> pa.Schema:
    """The schema of table `name`; `images` carries the footer that lets `datasets` decode its column."""
    schema = TABLES[name]
    if name != "images":
        return schema
    features = {f.name: {"dtype": str(f.type), "_type": "Value"} for f in schema}
    features["image"] = {"_type": "Image"}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}}, sort_keys=True)})


def empty(name: str) -> pa.Table:
    """A table of `name` with no rows."""
    return arrow(name).empty_table()


def conform(table: pa.Table, name: str, where: str = "") -> pa.Table:
    """`table` with exactly the columns, order and types of `name`.

    Missing optional columns become null; unknown ones are dropped. Raises UserError when a required column is
    missing or a column cannot be cast.
    """
    schema = arrow(name)
    missing = [c for c in REQUIRED[name] if c not in table.column_names]
    if missing:
        raise UserError(
            f"{where or 'input'} is no {name} table: column {missing[0]} is missing "
            f"(it has {', '.join(table.column_names) or 'none'})"
        )
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        try:
            columns.append(table[field.name].cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
            raise UserError(
                f"{where or 'input'}: column {field.name} of a {name} table must be {field.type}, "
                f"it is {table[field.name].type} ({str(exc).splitlines()[0]})"
            ) from exc
    return pa.Table.from_arrays(columns, schema=schema)


def from_rows(rows: list[dict], name: str) -> pa.Table:
    """Rows as dicts to a table of `name`; keys that are not columns are an error, missing ones are null."""
    schema = arrow(name)
    unknown = {key for row in rows for key in row} - set(schema.names)
    if unknown:
        raise KeyError(f"no column {sorted(unknown)} in table {name}")
    return pa.Table.from_pylist(rows, schema=schema)


def _duckdb_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_duckdb_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        inner = ", ".join(f'"{f.name}" {_duckdb_type(f.type)}' for f in kind)
        return f"STRUCT({inner})"
    names = {
        STRING: "VARCHAR",
        INT32: "INTEGER",
        INT64: "BIGINT",
        DOUBLE: "DOUBLE",
        FLOAT: "FLOAT",
        BOOL: "BOOLEAN",
        pa.binary(): "BLOB",
    }
    return names[kind]


def duckdb_columns(name: str) -> dict[str, str]:
    """Column name to DuckDB type of table `name`, in the order of the schema."""
    return {field.name: _duckdb_type(field.type) for field in TABLES[name]}


def duckdb_schema(name: str) -> str:
    """The `MAP {...}` for `read_parquet(..., schema = MAP {...})`: by name, null when missing, raises on drift."""
    entries = (
        f"'{column}': {{name: '{column}', type: '{kind}', default_value: NULL}}"
        for column, kind in duckdb_columns(name).items()
    )
    return "MAP {" + ", ".join(entries) + "}"
