"""What is told after a cycle: its line, and each warning exactly when its tables give cause."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import config, digests

from halo_forge import schema, sql
from halo_forge.files import read_json
from halo_forge.progress import Progress
from halo_forge.store import Table
from halo_forge.vlm import questions, watch
from halo_forge.vlm.run_dir import RunDir
from halo_forge.vlm.trainer import VLMRAFTTrainer
from tests.sql_run import put, small_run

__all__ = ["small_run"]
Rows = list[dict[str, Any]]
VALUES = {"cycle": 2, "style": "grounded", "sample": 200_000}


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    """A copy of the small run with a dev half: of its three held-out prompts, y and z."""
    place = tmp_path / "run"
    shutil.copytree(small_run, place)
    for cycle in (0, 1, 2):
        change(place, f"eval/benchmark/cycle={cycle}", "benchmark", lambda rows: [to_dev(row) for row in rows])
    return place


def to_dev(row: dict[str, Any]) -> dict[str, Any]:
    return row if row["image_id"] == "image-x" else {**row, "split": "dev"}


def change(run: Path, place: str, name: str, how: Callable[[Rows], Rows]) -> None:
    """Put other rows in the place of a table's."""
    rows = Table(str(run / place), name).read().to_pylist()
    shutil.rmtree(run / place)
    put(run / place, name, how(rows))


def every(run: Path, place: str, name: str, **given: Any) -> None:
    change(run, place, name, lambda rows: [{**row, **given} for row in rows])


def told(run: Path, capsys: pytest.CaptureFixture[str], cycle: int = 2) -> list[str]:
    capsys.readouterr()
    watch.tell(RunDir(run), cycle, "grounded", 12.4, Progress().under(f"cycle {cycle}: "))
    return capsys.readouterr().err.splitlines()


def nothing_passes(run: Path) -> None:
    every(run, "rewards/cycle=2", "rewards", correct=False)


def everything_passes(run: Path) -> None:
    every(run, "rewards/cycle=2", "rewards", correct=True)


def reward_up(run: Path) -> None:
    every(run, "rewards/cycle=2", "rewards", reward=0.99)
    every(run, "eval/benchmark/cycle=2", "benchmark", score=0.0)


def one_answer(run: Path) -> None:
    every(run, "scores/cycle=2", "scores", answer="2")


def long(run: Path) -> None:
    change(run, "completions/cycle=2", "completions", lambda rows: [longer(row) for row in rows])


def longer(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "completion_tokens": 2 * row["completion_tokens"] + 1}


def blind(run: Path) -> None:
    every(run, "evidence/cycle=1", "evidence", objects=[])


CAUSES = {
    "nothing passes": (nothing_passes, "none of 24 judged completions is right"),
    "everything passes": (everything_passes, "100.0 % of 24 judged completions are right"),
    "reward up, accuracy down": (reward_up, "held-out dev accuracy fell by 50.0 points"),
    "fewer distinct answers": (one_answer, "differ 33.3 % less"),
    "lengths explode": (long, "completions have 28 tokens, 2.1 times those of cycle 1"),
    "detector finds nothing": (blind, "given found no object in any of 6 images"),
}


def test_a_healthy_cycle_is_one_line_without_a_warning(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewards = Table(str(run / "rewards/cycle=2"), "rewards").read()
    passed, mean = rewards["correct"].to_pylist(), rewards["reward"].to_pylist()
    kept = sum(Table(str(run / "sft/cycle=2"), "sft").read()["keep"].to_pylist())
    assert told(run, capsys) == [
        f"cycle 2: kept {kept} of 24, pass rate {100 * sum(passed) / 24:.1f} %, mean reward {sum(mean) / 24:.3f}, "
        "held-out greedy dev 100.0 %, test 100.0 %, 14 tokens per completion, 12 s"
    ]
    assert len(told(run, capsys, 1)) == 1
    assert read_json(run / "warnings.json") == {"warnings": []}


@pytest.mark.parametrize("name", CAUSES)
def test_each_warning_has_its_cause_and_is_shown_once(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil, words = CAUSES[name]
    spoil(run)
    before = digests(run)
    lines = told(run, capsys)
    kept = json.loads((run / "warnings.json").read_text())["warnings"]
    assert [(one["cycle"], one["warning"]) for one in kept] == [(2, name)]
    assert lines[1:] == [f"cycle 2: warning: {kept[0]['line']}"] and words in lines[1]
    assert len(told(run, capsys)) == 1 and digests(run) == before
    assert json.loads((run / "warnings.json").read_text())["warnings"] == kept


def test_a_warning_that_no_longer_holds_goes_and_other_cycles_stay(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind(run)
    everything_passes(run)
    assert [len(told(run, capsys, cycle)) for cycle in (1, 2)] == [2, 3]
    every(run, "rewards/cycle=2", "rewards", correct=False, error="no image")
    assert len(told(run, capsys)) == 1
    kept = json.loads((run / "warnings.json").read_text())["warnings"]
    assert [(one["cycle"], one["warning"]) for one in kept] == [(n, "detector finds nothing") for n in (1, 2)]


def test_no_ground_truth_no_detector_and_a_fall_by_chance_are_no_cause(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every(run, "rewards/cycle=2", "rewards", correct=None, reward=0.99)
    every(run, "evidence/cycle=1", "evidence", objects=[], detector="none")
    for cycle, right in ((1, "0110111"), (2, "1001101")):
        change(run, f"eval/benchmark/cycle={cycle}", "benchmark", lambda rows, right=right: dev_rows(rows[0], right))
    lines = told(run, capsys)
    assert len(lines) == 1 and "pass rate unknown" in lines[0] and "dev 57.1 %" in lines[0]


def dev_rows(row: dict[str, Any], right: str) -> Rows:
    return [{**row, "split": "dev", "prompt_id": f"p{n}", "score": float(one)} for n, one in enumerate(right)]


@pytest.mark.parametrize("name", watch.TABLES)
def test_columns_are_those_of_the_header(name: str, run: Path) -> None:
    asked = questions.read(name, "watch", sql.text(f"watch/{name}"))
    assert asked.purpose and "-- grain: " in asked.text and asked.tables == tuple(watch.TABLES[name])
    assert set(sql.parameters(asked.text)) == {parameter.name for parameter in asked.parameters}
    for rows in (True, False):
        found: dict[str, sql.Source] = {}
        for view, place in watch.TABLES[name].items():
            table = RunDir(run).tables(place, view)
            found[view] = table if rows and table is not None else schema.empty(view)
        connection = sql.connect(found)
        result = connection.sql(asked.text, params={one.name: VALUES[one.name] for one in asked.parameters})
        assert list(zip(result.columns, map(str, result.types), strict=True)) == questions.columns(asked.text)
        assert bool(result.fetchall()) is rows
        connection.close()


def test_every_query_is_used() -> None:
    assert {*watch.TABLES, "steps"} == set(sql.names("watch"))  # steps: see test_tracking.py


def test_the_loop_tells_what_it_made_and_nothing_of_what_stood(
    finished: Path, copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert (finished / "warnings.json").exists()
    kept = (copy / "warnings.json").read_bytes()
    for cycles, lines in ((2, []), (3, ["cycle 3: kept "])):
        trainer = VLMRAFTTrainer(config(copy, "--cycles", str(cycles), "--no-controls"))
        trainer.progress = Progress()
        trainer.train()
        summaries = [one for one in capfd.readouterr().err.splitlines() if "pass rate" in one or "warning:" in one]
        assert [one[: len("cycle 3: kept ")] for one in summaries if "warning:" not in one] == lines
        assert all(one.startswith("cycle 3: ") for one in summaries)
        assert cycles == 3 or (copy / "warnings.json").read_bytes() == kept
    before = digests(finished)
    assert {name: digest for name, digest in digests(copy).items() if name in before} == before
