"""vlm validate: gold answers score full, what does not is listed with its reason, unreadable gold is null."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from halo_forge import schema
from halo_forge.errors import UserError
from halo_forge.store import Writer
from halo_forge.vlm import validate


def prompt(answers: list[str] | None, **more: Any) -> dict[str, Any]:
    row = {
        "prompt_id": "p",
        "image_ids": ["i"],
        "question": "What?",
        "prompt": "",
        "metric": "match",
        "style": "grounded",
    }
    return {**row, "answers": answers, **more}


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (prompt(["a dog"]), "full"),
        (prompt(["2", "two"]), "full"),
        (prompt(["3:59"], style="direct"), "full"),
        (prompt(["yes"] * 2 + ["no"] * 8, metric="vqa_accuracy"), "full"),
        (prompt(["a", "a", "b", "c", "d", "e", "f", "g", "h", "i"], metric="vqa_accuracy"), "partial"),
        (prompt(list("abcdefghij"), metric="vqa_accuracy"), "failing"),
        (prompt(None), "null"),
        (prompt(["", " "]), "null"),
        (prompt(["seven"], metric="mathvista", answer_type="integer"), "null"),
        (prompt(["…"]), "failing"),
        (prompt(["B"], choices=["red", "blue"]), "full"),
    ],
)
def test_status_of_a_gold_answer(row: dict[str, Any], status: str) -> None:
    found = validate.examine(row)
    assert found.status == status
    assert bool(found.reason) == (status != "full")
    assert (found.score is None) == (status == "null")


def table(tmp_path: Path, *rows: dict[str, Any]) -> str:
    writer = Writer.begin(tmp_path / "prompts", "prompts", {"stage": "prompts"}, [(0, len(rows))])
    named = [{**row, "prompt_id": str(i)} for i, row in enumerate(rows)]
    writer.write(0, schema.from_rows(named, "prompts"))
    writer.finish()
    return str(tmp_path / "prompts")


def test_a_table_with_unwinnable_rows_fails_and_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, prompt(["dog"]), prompt(list("abcdefghij"), metric="vqa_accuracy"), prompt(None))
    assert validate.run(validate.Config(prompts=path)) == 1
    shown = capsys.readouterr().out
    assert "failing: 1" in shown and "annotators disagree" in shown
    assert "full           1 of 3" in shown and "null           1 of 3" in shown


def test_json_lists_every_row_that_is_not_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = table(tmp_path, prompt(["dog"]), prompt(None))
    assert validate.run(validate.Config(prompts=path, json=True)) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["prompt_id"], row["status"], row["score"]) for row in rows] == [("1", "null", None)]


def test_a_dataset_is_read_without_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate.run(validate.Config(dataset="shapes", limit=8, quiet=True)) == 0
    assert "full          16 of 16" in capsys.readouterr().out


def test_one_source_is_needed() -> None:
    for config in (validate.Config(), validate.Config(dataset="shapes", prompts="x")):
        with pytest.raises(UserError, match="one of them"):
            validate.run(config)
