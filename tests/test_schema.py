"""The table contract: casting, missing columns, and the same contract for DuckDB."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from halo_forge import schema
from halo_forge.errors import UserError


def test_missing_optional_columns_become_null() -> None:
    table = pa.table({"prompt_id": ["p"], "sample_index": [0], "completion": ["yes"], "unknown": [1]})
    made = schema.conform(table, "completions")
    assert made.schema == schema.TABLES["completions"]
    assert made["error"].to_pylist() == [None]
    assert made["sample_index"].type == pa.int32()


def test_missing_required_column_is_named() -> None:
    with pytest.raises(UserError, match="column completion is missing"):
        schema.conform(pa.table({"prompt_id": ["p"], "sample_index": [0]}), "completions", "x.parquet")


def test_wrong_type_is_named() -> None:
    table = pa.table({"prompt_id": ["p"], "sample_index": ["first"], "completion": ["yes"]})
    with pytest.raises(UserError, match="column sample_index of a completions table must be int32"):
        schema.conform(table, "completions")


@pytest.mark.parametrize("name", schema.TABLES)
def test_duckdb_reads_every_table_with_the_same_types(name: str, tmp_path: object) -> None:
    import pyarrow.parquet as pq

    path = f"{tmp_path}/t.parquet"
    pq.write_table(schema.empty(name), path)
    connection = duckdb.connect()
    read = connection.sql(f"SELECT * FROM read_parquet('{path}', schema = {schema.duckdb_schema(name)})")
    assert read.columns == schema.TABLES[name].names
    assert [str(t) for t in read.types] == [str(duckdb.sqltype(t)) for t in schema.duckdb_columns(name).values()]


def test_duckdb_raises_on_drift(tmp_path: object) -> None:
    import pyarrow.parquet as pq

    path = f"{tmp_path}/t.parquet"
    pq.write_table(pa.table({"cycle": ["not a number"], "step": [1], "loss": [0.5]}), path)
    with pytest.raises(duckdb.ConversionException):
        duckdb.sql(f"SELECT * FROM read_parquet('{path}', schema = {schema.duckdb_schema('training')})").fetchall()


def test_images_open_as_image_feature_of_datasets(tmp_path: object) -> None:
    import datasets
    import pyarrow.parquet as pq

    from tests.tiny import picture

    table = schema.from_rows(
        [{"image_id": "a", "image": {"bytes": picture(1), "path": "a.png"}, "width": 56, "height": 56}], "images"
    )
    pq.write_table(table, f"{tmp_path}/t.parquet")
    read = datasets.load_dataset(
        "parquet", data_files=f"{tmp_path}/t.parquet", split="train", cache_dir=f"{tmp_path}/c"
    )
    assert isinstance(read.features["image"], datasets.Image)
    assert read[0]["image"].size == (56, 56)
