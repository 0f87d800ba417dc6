"""The Arrow schema of every table: the one contract between stages, SQL and other programs.

- `TABLES` maps a table's name to its schema; a stage's output is cast to it by `conform`.
- `duckdb_schema` states the same contract to `read_parquet(..., schema = MAP {...})`, so that SQL raises on
  drift instead of widening silently.
- `required` names the columns a table of another program must have; the others may be missing (null).
"""

from __future__ import annotations

import json
from typing import Final

import pyarrow as pa

from halo_forge.errors import UserError

STRING, INT32, INT64, DOUBLE, FLOAT, BOOL = (
    pa.string(),
    pa.int32(),
    pa.int64(),
    pa.float64(),
    pa.float32(),
    pa.bool_(),
)
STRINGS = pa.list_(STRING)
_BOX = [("x1", FLOAT), ("y1", FLOAT), ("x2", FLOAT), ("y2", FLOAT)]
OBJECTS = pa.list_(pa.struct([("label", STRING), ("confidence", FLOAT), *_BOX]))
TEXTS = pa.list_(pa.struct([("text", STRING), ("confidence", FLOAT), *_BOX]))
IMAGE = pa.struct([("bytes", pa.binary()), ("path", STRING)])
CLAIMS = pa.list_(
    pa.struct(
        [
            ("kind", STRING),
            ("source", STRING),
            ("start", INT32),
            ("end", INT32),
            ("claim", STRING),
            ("verdict", STRING),
            ("p", DOUBLE),
            ("evidence", STRING),
        ]
    )
)
CUSTOM = pa.list_(pa.struct([("name", STRING), ("score", DOUBLE)]))
_KEYS = [("prompt_id", STRING), ("sample_index", INT32), ("cycle", INT32)]
_ERROR = [("error", STRING), ("error_kind", STRING)]

_COLUMNS: Final[dict[str, list[tuple[str, pa.DataType]]]] = {
    "images": [
        ("image_id", STRING),
        ("image", IMAGE),
        ("width", INT32),
        ("height", INT32),
        ("format", STRING),
        ("error", STRING),
    ],
    "prompts": [
        ("prompt_id", STRING),
        ("question_id", STRING),
        ("image_ids", STRINGS),
        ("dataset", STRING),
        ("split", STRING),
        ("row_index", INT64),
        ("question", STRING),
        ("style", STRING),
        ("prompt", STRING),
        ("answers", STRINGS),
        ("choices", STRINGS),
        ("answer_type", STRING),
        ("metric", STRING),
        ("extra", STRING),
        *_ERROR,
    ],
    "completions": [
        *_KEYS,
        ("model", STRING),
        ("model_digest", STRING),
        ("temperature", DOUBLE),
        ("completion", STRING),
        ("finish_reason", STRING),
        ("prompt_tokens", INT32),
        ("completion_tokens", INT32),
        ("token_ids", pa.list_(INT32)),
        ("logprobs", pa.list_(FLOAT)),
        ("seed", INT64),
        *_ERROR,
    ],
    "evidence": [
        ("image_id", STRING),
        ("cycle", INT32),
        ("width", INT32),
        ("height", INT32),
        ("detector", STRING),
        ("vocabulary", STRINGS),
        ("objects", OBJECTS),
        ("ocr", STRING),
        ("texts", TEXTS),
        *_ERROR,
    ],
    "scores": [
        *_KEYS,
        ("answer", STRING),
        ("correct", BOOL),
        ("perception_objects", DOUBLE),
        ("perception_text", DOUBLE),
        ("perception_spatial", DOUBLE),
        ("perception_counting", DOUBLE),
        ("perception", DOUBLE),
        ("reasoning_structure", DOUBLE),
        ("reasoning_consistency", DOUBLE),
        ("reasoning_grounding", DOUBLE),
        ("reasoning", DOUBLE),
        ("output_exact", DOUBLE),
        ("output_fuzzy", DOUBLE),
        ("output_semantic", DOUBLE),
        ("output", DOUBLE),
        ("threshold", DOUBLE),
        ("finish_reason", STRING),
        ("claims", CLAIMS),
        ("custom", CUSTOM),
        ("error", STRING),
    ],
    "rewards": [
        *_KEYS,
        ("perception", DOUBLE),
        ("reasoning", DOUBLE),
        ("output", DOUBLE),
        ("correct", BOOL),
        ("gated", BOOL),
        ("finish_reason", STRING),
        ("reward", DOUBLE),
        ("error", STRING),
    ],
    "sft": [
        *_KEYS,
        ("keep", BOOL),
        ("reason", STRING),
        ("origin", STRING),
        ("from_cycle", INT32),
        ("reward", DOUBLE),
        ("prompt", STRING),
        ("completion", STRING),
        ("token_ids", pa.list_(INT32)),
        ("logprobs", pa.list_(FLOAT)),
    ],
    "training": [
        ("cycle", INT32),
        ("step", INT32),
        ("epoch", DOUBLE),
        ("loss", DOUBLE),
        ("learning_rate", DOUBLE),
        ("grad_norm", DOUBLE),
        ("tokens", INT64),
        ("rows", INT64),
    ],
    "benchmark": [
        *_KEYS,
        ("model", STRING),
        ("dataset", STRING),
        ("split", STRING),
        ("style", STRING),
        ("temperature", DOUBLE),
        ("image_id", STRING),
        ("category", STRING),
        ("metric", STRING),
        ("prediction", STRING),
        ("score", DOUBLE),
        ("correct", BOOL),
        ("finish_reason", STRING),
        ("error", STRING),
    ],
}

TABLES: Final[dict[str, pa.Schema]] = {name: pa.schema(cols) for name, cols in _COLUMNS.items()}

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "images": ("image_id", "image"),
    "prompts": ("prompt_id", "image_ids", "question", "prompt"),
    "completions": ("prompt_id", "sample_index", "completion"),
    "evidence": ("image_id", "width", "height", "objects"),
    "scores": ("prompt_id", "sample_index", "perception", "reasoning", "output", "correct"),
    "rewards": ("prompt_id", "sample_index", "reward", "correct"),
    "sft": ("prompt_id", "sample_index", "keep", "completion"),
    "training": ("cycle", "step", "loss"),
    "benchmark": ("prompt_id", "model", "score"),
}


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
