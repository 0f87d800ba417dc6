"""SQL: shipped queries, bound values, and a connection that reads its tables and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from halo_forge import sql, store
from halo_forge.errors import UserError
from halo_forge.schema import from_rows
from halo_forge.stages import filter

STEPS = pa.table({"cycle": [1, 1], "step": [0, 1], "loss": [0.5, 0.25]})
OUT = "'{out}/out'"


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
        assert "ORDER BY" in text or file.parent.name in ("catalog", "macros"), file


def test_values_are_bound(tmp_path: Path) -> None:
    query = "SELECT step FROM training WHERE loss < $limit ORDER BY step"
    assert sql.query(query, {"training": parquet(tmp_path / "t")}, limit=0.3, other=1)["step"].to_pylist() == [1]
    with pytest.raises(UserError, match=r"needs a value for \$limit"):
        sql.query(query, {"training": STEPS})
    evil = "0.3; DROP VIEW training"
    with pytest.raises(UserError, match="SQL:"):
        sql.query(query, {"training": STEPS}, limit=evil)


def test_parameters_are_not_looked_for_in_texts_and_comments() -> None:
    statement = """
        SELECT $min_n, '$no', "$no", $$ $no $$, $t$ $no $t$ -- $no
        /* $no */ FROM t WHERE é = $a AND b = $A1
    """
    assert sql.parameters(statement) == ["A1", "a", "min_n"]


HOSTILE = [
    f"COPY training TO {OUT}",
    "COPY training TO '{part}'",
    f"COPY (PIVOT training ON step USING sum(loss)) TO {OUT}",
    f"WITH x AS (COPY (SELECT 1) TO {OUT}) SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1) TO '{part}') SELECT * FROM x",
    "WITH x AS (COPY (SELECT 1) TO (current_setting('temp_directory') || '.csv')) SELECT * FROM x",
    "WITH x AS /* */ MATERIALIZED (-- \n copy (SELECT 1) TO '{spill}/x') SELECT * FROM x",
    "WITH x AS (INSERT INTO kept VALUES (1) RETURNING *) SELECT * FROM x",
    f"EXPLAIN ANALYZE COPY (SELECT 1) TO {OUT}",
    "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
    f"EXPORT DATABASE {OUT}",
    f"IMPORT DATABASE {OUT}",
    f"ATTACH {OUT}",
    "ATTACH ':memory:' AS other",
    "DETACH memory",
    "USE memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    f"LOAD {OUT}",
    "SET enable_external_access = true",
    "SET memory_limit = '1GB'",
    "SET VARIABLE training_0_files = ['/etc/passwd']",
    "RESET lock_configuration",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CALL enable_logging()",
    f"FROM enable_logging(storage = 'file', storage_path = {OUT})",
    f"FROM enable_profiling(save_location = {OUT})",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TABLE x AS PIVOT training ON step USING sum(loss)",
    "CREATE OR REPLACE VIEW training AS SELECT 1",
    "CREATE MACRO training() AS 1",
    "CREATE SECRET (TYPE s3)",
    "DROP VIEW training",
    "ALTER VIEW training RENAME TO x",
    "INSERT INTO training VALUES (1)",
    "INSERT INTO kept VALUES (1)",
    "UPDATE kept SET n = 2",
    "DELETE FROM kept",
    "VACUUM",
    "CHECKPOINT",
    "BEGIN",
    "PREPARE x AS SELECT 1",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP VIEW training",
    "",
    "-- nothing",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_csv('{outside}')",
    "SELECT * FROM read_csv('file://{outside}')",
    "SELECT * FROM read_csv('tables://{outside}')",
    "SELECT * FROM read_parquet('{part}')",
    "SELECT * FROM read_json('{outside}')",
    "SELECT * FROM '{outside}'",
    "SELECT * FROM sniff_csv('{outside}')",
    "SELECT * FROM read_duckdb('{outside}')",
    "SELECT * FROM parquet_metadata('{outside}')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_csv('https://localhost/x.csv')",
    "SELECT getenv('HOME')",
    f"SELECT * FROM query('COPY (SELECT 1) TO '{OUT}')",
    "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''/etc/passwd'')'))",
    "SELECT * FROM os",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_statement_reads_its_tables_and_nothing_else(tmp_path: Path, statement: str) -> None:
    table = parquet(tmp_path / "t")
    (tmp_path / "outside.csv").write_text("a,b\n1,2\n")
    connection = sql.connect({"training": table})
    sql.keep(connection, "kept", "SELECT 1 AS n", {})
    spill = connection.sql("SELECT current_setting('temp_directory')").fetchall()[0][0]
    os.mkdir(spill)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places = {
        "out": tmp_path, "outside": tmp_path / "outside.csv", "part": table.files[0], "folder": tmp_path, "spill": spill
    }  # fmt: skip
    with pytest.raises(UserError) as caught:
        sql.fetch(connection, statement.format_map(places), {})
    assert "\n" not in str(caught.value) and str(caught.value).startswith("SQL: ")
    with pytest.raises(UserError):
        sql.keep(connection, "more", statement.format_map(places), {})
    assert connection.sql("FROM kept").fetchall() == [(1,)]
    assert connection.sql("SELECT sum(loss) FROM training").fetchall() == [(0.75,)]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert os.listdir(spill) == [] and not os.path.exists(f"{spill}.csv")
    os.rmdir(spill)


@pytest.mark.parametrize("written", ["out.csv", "t/part-00000.parquet"])
def test_not_even_the_bare_connection_writes(tmp_path: Path, written: str) -> None:
    parquet(tmp_path / "t")
    before = (tmp_path / "t/part-00000.parquet").read_bytes()
    connection = sql.connect({"training": store.Table(str(tmp_path / "t"), "training")})
    for address in (tmp_path / written, f"tables://{tmp_path / written}"):
        for options in ("", " (USE_TMP_FILE false)"):
            with pytest.raises((duckdb.Error, PermissionError)):
                connection.execute(f"COPY (SELECT 1 AS a) TO '{address}'{options}")
    assert STEPS.num_rows  # a variable of this file
    for statement in ("FROM STEPS", "INSTALL httpfs", "SET enable_external_access = true", f"ATTACH '{tmp_path}/x.db'"):
        with pytest.raises(duckdb.Error):
            connection.execute(statement)
    assert (tmp_path / "t/part-00000.parquet").read_bytes() == before and not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "FROM training",
        "VALUES (1)",
        "TABLE training",
        "SHOW TABLES",
        "DESCRIBE training",
        "SUMMARIZE training",
        "PIVOT training ON step USING sum(loss)",
        "FROM (PIVOT training ON step USING sum(loss) GROUP BY cycle)",
        "WITH x AS (FROM training) PIVOT x ON step USING sum(loss)",
        "WITH copy AS (SELECT 1 AS copy) SELECT copy FROM copy WHERE (copy = 1) -- COPY x TO y",
        "SELECT 'AS (COPY x TO y)' AS text;",
    ],
)
def test_whatever_reads_is_taken(statement: str) -> None:
    assert sql.query(statement, {"training": STEPS}).num_rows > 0


NOWHERE = dict.fromkeys(("rewards", "completions", "prompts", "output"), "")


def test_kept_rows_are_a_table_of_the_connection() -> None:
    connection = sql.connect({"training": STEPS})
    statement = "-- the last\nSELECT step,\n  loss -- of the step\nFROM training WHERE step > $least\n;  "
    assert sql.keep(connection, "late", statement, {"least": 0, "other": 1}) == ["step", "loss"]
    assert sql.fetch(connection, "FROM late", {}).to_pylist() == [{"step": 1, "loss": 0.25}]


SPY = "SELECT prompt_id, sample_index, cycle, true AS keep, 'x' AS reason FROM candidates"


@pytest.mark.parametrize(
    "evil",
    [
        "COPY (SELECT 1) TO '{out}'",
        "EXPORT DATABASE '{out}'",
        "ATTACH '{out}' AS other",
        "INSTALL httpfs",
        f"WITH x AS (COPY (SELECT 1) TO '{{out}}') {SPY}",
        f"{SPY}; COPY (SELECT 1) TO '{{out}}'",
        SPY.replace("'x'", "(SELECT content FROM read_text('/etc/passwd'))"),
        SPY.replace("'x'", "(SELECT string_agg(file) FROM glob('/etc/*'))"),
        SPY.replace("candidates", "read_parquet('{outside}')"),
    ],
)
def test_a_filter_of_somebody_else_only_chooses(tmp_path: Path, evil: str) -> None:
    rewards, said, asked = candidates()
    places = {"out": tmp_path / "out", "outside": parquet(tmp_path / "t").files[0]}
    (tmp_path / "evil.sql").write_text(evil.format_map(places))
    config = filter.Config(**NOWHERE, filter=str(tmp_path / "evil.sql"))
    with pytest.raises(UserError, match=r"^SQL: ") as caught:
        filter.filter_rows(rewards, config, completions=said, prompts=asked)
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()
    (tmp_path / "good.sql").write_text(SPY)
    config = filter.Config(**NOWHERE, filter=str(tmp_path / "good.sql"))
    assert filter.filter_rows(rewards, config, completions=said, prompts=asked)["keep"].to_pylist() == [True]


def candidates() -> tuple[pa.Table, pa.Table, pa.Table]:
    key: dict[str, Any] = {"prompt_id": "a", "sample_index": 0, "cycle": 1}
    return (
        from_rows([{**key, "reward": 1.0, "correct": True, "output": 1.0}], "rewards"),
        from_rows([{**key, "completion": "yes", "finish_reason": "stop"}], "completions"),
        from_rows([{"prompt_id": "a", "image_ids": ["i"], "question": "q", "prompt": "q"}], "prompts"),
    )


def test_a_query_that_needs_more_memory_than_there_is_spills_and_cleans_up(tmp_path: Path) -> None:
    connection = sql.connect({"training": STEPS}, limits=sql.Limits(memory_gib=0.02, threads=1))
    spill = connection.sql("SELECT current_setting('temp_directory')").fetchall()[0][0]
    many = "SELECT i, hash(i) AS h FROM range(3000000) AS r(i) ORDER BY h"
    assert sql.fetch(connection, f"SELECT count(*) AS n FROM ({many} LIMIT 2000000)", {})["n"].to_pylist() == [2000000]
    connection.close()
    assert not os.path.exists(spill)


def test_unknown_query_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'default'"):
        sql.named_or_file("filters", "defualt")
    with pytest.raises(UserError, match="cannot read the query"):
        sql.named_or_file("filters", "mine.sql")
    (tmp_path / "odd.sql").write_bytes(b"SELECT '\xff'")
    with pytest.raises(UserError, match=r"odd.sql: it is no UTF-8 text"):
        sql.from_file(str(tmp_path / "odd.sql"))


def test_mistake_in_sql_is_one_line() -> None:
    with pytest.raises(UserError, match=r"SQL: .*stepp") as caught:
        sql.query("SELECT stepp FROM training", {"training": STEPS})
    assert "\n" not in str(caught.value)
