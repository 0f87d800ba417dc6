"""SQL: shipped queries, bound values, and a connection that sees only its tables."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from halo_forge import sql, store
from halo_forge.errors import UserError

STEPS = pa.table({"cycle": [1, 1], "step": [0, 1], "loss": [0.5, 0.25]})


def parquet(path: Path) -> store.Table:
    writer = store.Writer.begin(path, "training", {"stage": "x"})
    writer.write(0, STEPS)
    return writer.finish()


def test_every_query_has_a_header_and_the_words_of_the_house() -> None:
    for file in sorted(Path(str(sql._folder())).rglob("*.sql")):
        text = file.read_text()
        assert text.startswith("-- purpose: "), file
        if file.parent.name != "catalog":
            assert "-- tables: " in text and "-- columns: " in text, file
        assert "ORDER BY" in text or file.parent.name == "catalog", file


def test_values_are_bound(tmp_path: Path) -> None:
    query = "SELECT step FROM training WHERE loss < $limit ORDER BY step"
    assert sql.query(query, {"training": parquet(tmp_path / "t")}, limit=0.3, other=1)["step"].to_pylist() == [1]
    with pytest.raises(UserError, match=r"needs a value for \$limit"):
        sql.query(query, {"training": STEPS})
    evil = "0.3; DROP VIEW training"
    with pytest.raises(UserError, match="SQL:"):
        sql.query(query, {"training": STEPS}, limit=evil)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY training TO '/tmp/out.parquet'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "ATTACH '/tmp/x.db'",
    ],
)
def test_nothing_outside_the_tables(tmp_path: Path, statement: str) -> None:
    connection = sql.connect({"training": parquet(tmp_path / "t")})
    assert connection.sql("SELECT count(*) FROM training").fetchall() == [(2,)]
    with pytest.raises(duckdb.Error):
        connection.execute(statement).fetchall()


def test_unknown_query_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'default'"):
        sql.named_or_file("filters", "defualt")
    with pytest.raises(UserError, match="cannot read the query"):
        sql.named_or_file("filters", "mine.sql")


def test_mistake_in_sql_is_one_line() -> None:
    with pytest.raises(UserError, match=r"SQL: .*stepp") as caught:
        sql.query("SELECT stepp FROM training", {"training": STEPS})
    assert "\n" not in str(caught.value)
