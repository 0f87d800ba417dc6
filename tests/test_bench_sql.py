"""The bench of SQL: its synthetic run answers every question that it asks, and its checks are silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halo_forge import bench_sql, sql
from halo_forge.vlm import questions, views


def test_every_question_has_an_answer_at_a_small_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = bench_sql.Config(rows=4000, folder=str(tmp_path / "run"))
    bench_sql.make(tmp_path / "run", config)
    tables = views.of_run(tmp_path / "run")
    found = sql.query(
        "SELECT cycle, count(*) AS n, avg(correct::INT) AS right FROM rewards GROUP BY ALL ORDER BY 1", tables
    )
    assert found["n"].to_pylist() == [800] * 5 and found["right"].to_pylist()[0] < found["right"].to_pylist()[4]
    names = bench_sql.asked_of(tmp_path / "run")
    assert {"agreement", "watch", "pass_rate", "scored", bench_sql.FILTER} <= set(names)
    for name in names:
        cost = bench_sql.ask(str(tmp_path / "run"), name, 1.0, 1)
        checked = name in questions.questions() and questions.question(name).kind == "checks"
        assert (cost["rows"] == 0) is checked or name in ("wrong_but_high", "kept_truncated"), name


def test_the_command_tells_what_each_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--rows",
        "400",
        "--threads",
        "1",
        "--only",
        f"solved,{bench_sql.FILTER}",
        "--json",
        str(tmp_path / "n.json"),
    ]
    assert bench_sql.main(words) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "400 completions, 1 threads, 4 GiB" and len(told) == 3
    costs = {one["name"]: one for one in json.loads((tmp_path / "n.json").read_text())}
    assert costs["solved"]["rows"] == 5 and 0 < costs["solved"]["seconds"] < costs["solved"]["wall"]
    assert bench_sql.main(["--rows", "3"]) == 2


def test_bin_bench_shows_the_slowest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_sql, "asked_of", lambda folder: ["reasons", bench_sql.FILTER])
    numbers = bench_sql.numbers(400)
    assert set(numbers) == set(bench_sql.GOALS) and min(numbers.values()) > 0
