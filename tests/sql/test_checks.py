"""The checks of sql/checks/: silent on a good run (test_questions.py), and each speaks about the row that breaks it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from halo_forge import schema, sql
from halo_forge.errors import UserError
from halo_forge.vlm import summary, views
from halo_forge.vlm.questions import question
from halo_forge.vlm.run_dir import RunDir
from tests.sql_run import identity, put

Rows = list[dict[str, Any]]
A, B = identity("a"), identity("b")
CHOSEN = {"prompt_id": A, "cycle": 1, "samples": 4, "judged": 4, "right_ones": 1, "asked": 8, "reason": "one is right"}
"""A row of `more`, which the small run has not."""


def first(rows: Rows, prompt_id: str, **wanted: Any) -> dict[str, Any]:
    return next(r for r in rows if r["prompt_id"] == prompt_id and all(r[k] == v for k, v in wanted.items()))


def keep_wrong(tables: dict[str, Rows]) -> None:
    first(tables["sft"], B, cycle=1)["keep"] = True


def keep_truncated(tables: dict[str, Rows]) -> None:
    kept = next(row for row in tables["sft"] if row["keep"])
    first(tables["completions"], kept["prompt_id"], sample_index=kept["sample_index"], cycle=kept["cycle"])[
        "finish_reason"
    ] = "length"


def keep_replayed_truncated(tables: dict[str, Rows]) -> None:
    kept = next(row for row in tables["sft"] if row["keep"])
    tables["sft"].append({**kept, "cycle": 2, "from_cycle": 1, "origin": "replayed"})
    first(tables["completions"], kept["prompt_id"], sample_index=kept["sample_index"], cycle=1)["finish_reason"] = (
        "length"
    )


def no_reason(tables: dict[str, Rows]) -> None:
    first(tables["sft"], A)["reason"] = " "


def too_high(tables: dict[str, Rows]) -> None:
    first(tables["rewards"], A, sample_index=2, cycle=1)["reward"] = 1.01


def not_a_number(tables: dict[str, Rows]) -> None:
    first(tables["rewards"], A, sample_index=2, cycle=1)["reward"] = float("nan")


def no_score(tables: dict[str, Rows]) -> None:
    tables["scores"].remove(first(tables["scores"], A))


def no_reward(tables: dict[str, Rows]) -> None:
    tables["rewards"].remove(first(tables["rewards"], A, cycle=2))


def no_completion(tables: dict[str, Rows]) -> None:
    tables["completions"].remove(first(tables["completions"], A, cycle=2))


def swapped_score(tables: dict[str, Rows]) -> None:
    first(tables["scores"], A, cycle=2, sample_index=3)["sample_index"] = 9


def shared_image(tables: dict[str, Rows]) -> None:
    tables["eval_prompts"][0]["image_ids"] = ["image-a"]


def wrong_above_right(tables: dict[str, Rows]) -> None:
    row = next(row for row in tables["rewards"] if row["prompt_id"] == identity("c") and row["correct"] is False)
    row["reward"] = 1.0


def twice(name: str) -> Callable[[dict[str, Rows]], None]:
    def add(tables: dict[str, Rows]) -> None:
        row = (tables[name] or [CHOSEN])[0]
        tables[name] += [dict(row), dict(row)]

    return add


def replayed_twice(tables: dict[str, Rows]) -> None:
    again = {**tables["sft"][0], "origin": "replayed", "cycle": 2}
    tables["sft"] += [again, dict(again)]


BROKEN = [
    ("kept_wrong", keep_wrong, 1),
    ("kept_truncated", keep_truncated, 1),
    ("kept_truncated", keep_replayed_truncated, 2),
    ("reasons", no_reason, 1),
    ("reward_range", too_high, 1),
    ("reward_range", not_a_number, 1),
    ("scored", no_score, 1),
    ("scored", no_reward, 1),
    ("scored", no_completion, 1),
    ("scored", swapped_score, 2),
    ("shared_images", shared_image, 1),
    ("wrong_outranks_right", wrong_above_right, 1),
    ("unique_keys", replayed_twice, 1),
    *(("unique_keys", twice(name), 1) for name in sorted(set(views.PLACES) - {"training"})),
]


def rows_of(run: Path, name: str) -> dict[str, Rows]:
    tables = {**views.empty(), **views.views(str(run))}
    return {
        view: sql.query(f'SELECT * FROM "{view}"', {view: tables[view]}).to_pylist() for view in question(name).tables
    }


def broken(name: str, tables: dict[str, Rows]) -> int:
    """The rows that a check returns."""
    given: dict[str, sql.Source] = {view: schema.from_rows(r, views.schema_of(view)) for view, r in tables.items()}
    return sql.query(question(name).text, given).num_rows


@pytest.mark.parametrize(("name", "damage", "rows"), BROKEN)
def test_a_broken_table_is_told(name: str, damage: Callable[..., None], rows: int, small_run: Path) -> None:
    tables = rows_of(small_run, name)
    damage(tables)
    assert broken(name, tables) == rows


def test_every_check_is_broken_by_a_test() -> None:
    assert {name for name, _, _ in BROKEN} == set(summary.CHECKS) == set(sql.names("checks"))


def test_a_replayed_row_is_no_second_key(small_run: Path) -> None:
    tables = rows_of(small_run, "unique_keys")
    tables["sft"].append({**tables["sft"][0], "origin": "replayed", "cycle": 2})
    assert broken("unique_keys", tables) == 0


@pytest.mark.parametrize("name", ["kept_wrong", "kept_truncated"])
def test_a_transferred_row_is_not_judged_as_a_rollout_of_its_prompt(name: str, small_run: Path) -> None:
    """Its completion is another prompt's; the rollout of the same number is wrong and cut off. Replayed as well."""
    tables = rows_of(small_run, name)
    wrong = first(tables["sft"], B, cycle=1)
    moved = {**wrong, "keep": True, "origin": "transferred", "completion": "2"}
    tables["sft"] += [moved, {**moved, "origin": "replayed", "cycle": 2}]
    for row in tables.get("completions", []) + tables.get("rewards", []):
        if (row["prompt_id"], row["cycle"]) == (B, 1):
            row["finish_reason"] = "length"
    assert broken(name, tables) == 0
    tables["sft"].append({**wrong, "keep": True, "completion": "2"})
    assert broken(name, tables) == 1


def test_an_image_that_failed_in_passing_may_be_looked_at_again(small_run: Path) -> None:
    tables = rows_of(small_run, "unique_keys")
    tables["evidence"].append({**tables["evidence"][0], "cycle": 2, "error": "no memory", "error_kind": "transient"})
    assert broken("unique_keys", tables) == 0


def test_a_row_of_training_twice() -> None:
    tables: dict[str, sql.Source] = {**views.empty()}
    tables["training"] = schema.from_rows([{"cycle": 1, "step": 3, "loss": 0.5}] * 2, "training")
    found = sql.query(question("unique_keys").text, {view: tables[view] for view in question("unique_keys").tables})
    assert found.to_pylist() == [{"name": "training", "key": "1 3", "rows_": 2}]


def test_a_run_is_checked_with_its_reruns(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    for place in views.place_of(run), views.place_of(run, "strict"):
        summary.check(place)
    name = run / "sft_strict/cycle=2"
    rows = sql.query("SELECT * FROM sft WHERE cycle = 2 ORDER BY ALL", views.views(run, "strict")).to_pylist()
    rows[0]["reason"] = ""
    shutil.rmtree(name)
    put(name, "sft", rows)
    summary.check(RunDir(run))
    with pytest.raises(UserError, match=f"check reasons failed on 1 rows of {run}, first: .*{rows[0]['prompt_id']}"):
        summary.check(views.place_of(run, "strict"))


def test_checks_of_a_run_without_rows_say_nothing() -> None:
    assert isinstance(views.empty()["sft"], pa.Table)
    for name in summary.CHECKS:
        assert not sql.query(
            question(name).text, {view: views.empty()[view] for view in question(name).tables}
        ).num_rows
