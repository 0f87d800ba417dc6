"""vlm sql: questions in SQL, by name and from a file, over one run and several, in every format, and the catalogue."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from halo_forge import sql
from halo_forge.cli import main
from halo_forge.errors import UserError
from halo_forge.vlm import output, query, questions, views
from tests.sql_run import completion, put

BY_CYCLE = "SELECT cycle, avg(reward) AS reward FROM rewards GROUP BY cycle ORDER BY cycle"


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["vlm", "sql", *words]) == code
    out, err = capsys.readouterr()
    if code:
        assert not out and err.startswith("error: ") and err.count("\n") == 1
    return out if code == 0 else err


def test_a_select_and_a_named_query(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(small_run)
    lines = told(capsys, run, "SELECT cycle, avg(reward) FROM rewards GROUP BY cycle").splitlines()
    assert lines[0].split() == ["cycle", "avg(reward)"] and len(lines) == 3
    lines = told(capsys, run, "pass_rate", "--min_n", "4").splitlines()
    assert (
        lines[0].split() == ["cycle", "prompt_id", "n", "right_ones", "pass_rate", "best_reward"] and len(lines) == 13
    )
    assert told(capsys, run, "pass_rate", "--min-n=5").count("\n") == 1
    assert told(capsys, run, "prompts/pass_rate") == told(capsys, run, "pass_rate")
    assert told(capsys, run, "SELECT count(*) AS n FROM rewards WHERE cycle = $cycle", "--cycle", "2").split() == [
        "n",
        "24",
    ]


def test_a_file_with_and_without_a_header(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.sql"
    file.write_text(
        "-- parameters: $least DOUBLE = 0.5 (reward)\nSELECT count(*) AS n FROM rewards WHERE reward > $least"
    )
    assert told(capsys, str(small_run), str(file)).split() == ["n", "22"]
    assert told(capsys, str(small_run), str(file), "--least", "2").split() == ["n", "0"]
    file.write_text("SELECT $name AS name, $number + 1 AS number")
    assert told(capsys, str(small_run), str(file), "--name", "a b", "--number", "2").split() == [
        "name",
        "number",
        "a",
        "b",
        "3",
    ]


def test_a_run_alone_lists_the_queries(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = told(capsys, str(small_run))
    assert "  pass_rate [--min_n 1]\n      how often each prompt was answered right" in listed
    assert listed == told(capsys)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("RUN", "pas_rate"), "no query 'pas_rate': did you mean 'pass_rate'? All: accuracy, "),
        (("RUN", "pass_rate", "--min_m", "4"), "pass_rate has no parameter --min_m: did you mean 'min_n'?"),
        (("RUN", "pass_rate", "--min_n", "x"), "--min_n takes a value of type INTEGER, not 'x'"),
        (("RUN", "pass_rate", "--min_n"), "--min_n needs a value"),
        (("RUN", "pass_rate", "--min_n", "--rows", "4"), "--min_n needs a value"),
        (("RUN", "gain"), "the query needs --cycle (INTEGER)"),
        (("RUN", "SELECT 1", "--formt", "csv"), "unknown flag --formt"),
        (("RUN", "SELECT $x"), "the query needs a value for $x"),
        (("RUN", "pass_rate", "--format", "cvs"), "--format cvs is not known: did you mean 'csv'?"),
        (("RUN", "pass_rate", "--format", "parquet"), "--format parquet needs --output FILE"),
        (("RUN", "pass_rate", "--output", "/proc/no/x.csv"), "cannot write /proc/no/x.csv: No such file"),
        (("RUN", "--shell", "--output", "/proc/no/x.duckdb"), "cannot write /proc/no/x.duckdb: No such file"),
        (("RUN", "pass_rate", "--tag", "lax"), "--tag lax: RUN has strict"),
        (("RUN@lax", "pass_rate"), "--tag lax: RUN has strict"),
        (("RUN/nothing", "pass_rate"), "RUN/nothing is no folder"),
        (("RUN/scores", "pass_rate"), "RUN/scores holds no table of a run"),
        (("RUN", "SELECT * FROM reward"), "Table with name reward does not exist! There are: images, prompts, "),
        (("RUN", "nowhere.sql"), "cannot read the query nowhere.sql: No such file"),
        (("pass_rate",), "vlm sql takes a run and a question"),
        (("RUN", "COPY rewards TO 'x.csv'"), "SQL: one SELECT is taken, and this is COPY"),
        (("RUN", "SELECT * FROM read_text('/etc/passwd')"), "SQL: Permission Error"),
    ],
)
def test_mistakes_are_one_line(
    words: tuple[str, ...], line: str, small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    err = told(capsys, *(word.replace("RUN", str(small_run)) for word in words), code=2)
    assert line in err.replace(str(small_run), "RUN")


def test_a_run_without_a_table_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "run/completions/cycle=1", "completions", [completion("a", 0, 1, "2")])
    assert "pass_rate reads rewards: " in told(capsys, str(tmp_path / "run"), "pass_rate", code=2)
    assert told(capsys, str(tmp_path / "run"), "unique_keys").count("\n") == 1


def test_every_format_holds_the_same_rows(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(small_run)
    found = query.answer([run], BY_CYCLE)
    rows = found.to_pylist()
    assert [row["cycle"] for row in rows] == [1, 2]
    assert json.loads(told(capsys, run, BY_CYCLE, "--format", "json")) == rows
    read = list(csv.DictReader(io.StringIO(told(capsys, run, BY_CYCLE, "--format", "csv"))))
    assert [{"cycle": int(row["cycle"]), "reward": float(row["reward"])} for row in read] == rows
    assert told(capsys, run, BY_CYCLE, "--format", "md").startswith("| cycle | reward |\n| --- | --- |\n| 1 | 0.38")
    for name in ("csv", "json", "md", "table"):
        assert told(capsys, run, BY_CYCLE, "--format", name, "--output", str(tmp_path / f"out.{name}")) == ""
        shown = (tmp_path / f"out.{name}").read_text()
        assert shown == told(capsys, run, BY_CYCLE, "--format", name)
    assert told(capsys, run, BY_CYCLE, "--format", "parquet", "--output", str(tmp_path / "new/out.parquet")) == ""
    assert pq.read_table(tmp_path / "new/out.parquet").equals(found)


def test_odd_values_survive_every_format() -> None:
    rows = pa.table(
        {
            "text": ["a|b\n\x1b[31m\\", None],
            "list": [[1, 2], None],
            "number": [float("nan"), 0.1],
            "bytes": [b"\xff", None],
        }
    )
    assert json.loads(output.written(rows, "json"))[0] == {
        "text": "a|b\n\x1b[31m\\", "list": [1, 2], "number": None, "bytes": "/w=="
    }  # fmt: skip
    read = list(csv.reader(io.StringIO(output.written(rows, "csv"))))
    assert read[1] == ["a|b\n\x1b[31m\\", "[1, 2]", "", "/w=="] and read[2] == ["", "", "0.1", ""]
    for form in ("table", "md"):
        assert "\x1b" not in output.written(rows, form) and output.written(rows, form).count("\n") == (
            3 if form == "table" else 4
        )
    assert "a\\|b" in output.written(rows, "md")
    assert output.written(rows.slice(0, 0), "json") == "[]\n"


def test_a_long_table_is_cut_on_the_screen_only(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = "SELECT i FROM range(120) AS r(i) ORDER BY i"
    assert told(capsys, str(small_run), many).splitlines()[-1].startswith("… 50 of 120 rows")
    assert told(capsys, str(small_run), many, "--rows", "0").count("\n") == 121
    assert told(capsys, str(small_run), many, "--format", "csv").count("\n") == 121


def test_several_runs_and_reruns_side_by_side(small_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(small_run, other)
    shutil.rmtree(other / "rewards/cycle=2")
    runs = [str(small_run), str(other)]
    rows = query.answer(runs, "SELECT run, count(*) AS n FROM rewards GROUP BY run ORDER BY run DESC").to_pylist()
    assert rows == [{"run": "small", "n": 48}, {"run": "other", "n": 24}]
    assert query.answer(runs, "by_cycle")["run"].to_pylist() == ["small", "small", "other"]
    assert set(query.answer(runs, "by_model")["run"].to_pylist()) == {"small", "other"}
    assert query.answer(runs[:1], "paired").num_rows == 3 and query.answer(runs, "paired").num_rows == 15
    joined = "rewards AS r JOIN rewards_strict AS s USING (prompt_id, sample_index, cycle)"
    found = query.answer(runs[:1], f"SELECT count(*) AS n FROM {joined} WHERE r.reward <> s.reward")
    assert found["n"].to_pylist()[0] > 0
    strict = [f"{small_run}@strict"]
    assert query.answer(strict, "by_cycle").equals(query.answer(runs[:1], "by_cycle", tag="strict"))
    both = query.answer([*strict, *runs[:1]], "by_cycle").to_pylist()
    rewards = {(row["run"], row["cycle"]): row["reward"] for row in both}
    assert rewards["small@strict", 1] == rewards["small", 1] and rewards["small@strict", 2] > rewards["small", 2]


def test_runs_of_one_name_are_called_by_their_path(tmp_path: Path) -> None:
    assert views.labels([tmp_path / "a/run", tmp_path / "b/run"]) == [f"{tmp_path}/a/run", f"{tmp_path}/b/run"]


def test_a_benchmark_folder_is_a_run_too(small_run: Path, tmp_path: Path) -> None:
    shutil.copytree(small_run / "eval/benchmark/cycle=0", tmp_path / "mine/benchmark")
    assert query.answer([str(tmp_path / "mine")], "accuracy").num_rows == 1
    found = query.answer([str(tmp_path / "mine"), str(small_run)], "by_model", {"split": "test"})
    assert found["run"].to_pylist() == ["mine", "small", "small", "small"]


def test_connect_takes_a_run(small_run: Path) -> None:
    connection = sql.connect(small_run)
    assert connection.sql("SELECT count(*) FROM rewards").fetchall() == [(48,)]
    with pytest.raises(duckdb.Error):
        connection.sql("SELECT * FROM read_text('/etc/passwd')").fetchall()
    connection.close()
    with pytest.raises(UserError, match="is no folder"):
        sql.connect(small_run / "nothing")


def test_the_catalogue_opens_in_one_line(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "it's [a] *run*"
    shutil.copytree(small_run, run)
    shutil.move(run / "rewards/cycle=2", tmp_path / "later")
    lines = told(capsys, str(run), "--shell").splitlines()
    place = run / "catalogue.duckdb"
    assert (
        lines[0].startswith(f"{place}: images, prompts, ")
        and f"duckdb.connect({str(place)!r}, read_only=True)" in lines[3]
    )
    with duckdb.connect(str(place), read_only=True) as connection:
        assert connection.sql("SELECT count(*) FROM rewards").fetchall() == [(24,)]
        assert connection.sql("SELECT count(*) FROM rewards_strict").fetchall() == [(48,)]
        shutil.move(tmp_path / "later", run / "rewards/cycle=2")
        assert connection.sql("SELECT count(*) FROM rewards").fetchall() == [(48,)]
        assert connection.sql("SELECT count(*) FROM images").fetchall() == [(9,)]
        for name in ("agreement", "calibration", "pass_at_k", "kept_wrong"):
            pasted = connection.sql(questions.question(name).text).to_arrow_table()
            assert pasted.equals(query.answer([str(run)], name)), name
    assert told(capsys, str(run), "--shell").splitlines() == lines
    told(capsys, f"{run}@strict", "--shell")
    with duckdb.connect(str(place), read_only=True) as connection:
        assert connection.sql("SELECT max(reward) FROM rewards").fetchall() == [(1.0,)]
    both = tmp_path / "both.duckdb"
    told(capsys, str(run), str(small_run), "--shell", "--output", str(both))
    with duckdb.connect(str(both), read_only=True) as connection:
        assert connection.sql("SELECT DISTINCT run FROM prompts ORDER BY run").fetchall() == [(run.name,), ("small",)]
    both.write_text("my notes")
    assert "is no catalogue of ours" in told(capsys, str(run), "--shell", "--output", str(both), code=2)
    assert both.read_text() == "my notes"
