"""Our metrics against the public scorers on 500 predictions of each benchmark, and extraction before them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from halo_forge.answers import by_letter, extract
from halo_forge.metrics import score
from halo_forge.verifiers.output import judge_output
from halo_forge.verifiers.rollout import Rollout

GOLDEN = Path(__file__).parent.parent / "golden"
SETS = {
    "textvqa": "vqa_accuracy",
    "docvqa": "anls",
    "chartqa": "relaxed_accuracy",
    "realworldqa": "realworldqa",
    "mathvista": "mathvista",
}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (GOLDEN / f"{name}_dev.jsonl").read_text().splitlines()]


def scored(name: str, prediction: str | None, row: dict[str, Any]) -> float | None:
    extra = {key: row.get(key) for key in ("choices", "answer_type", "question_type", "precision")}
    return score(SETS[name], prediction, row["answers"], **extra)


def near(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and abs(a - b) <= 1e-9


@pytest.mark.parametrize("name", SETS)
def test_equal_to_the_published_scorer_on_every_row(name: str) -> None:
    table = rows(name)
    assert len(table) == 500
    assert [r["id"] for r in table if not near(scored(name, r["prediction"], r), r["score"])] == []


@pytest.mark.parametrize("name", SETS)
def test_extraction_then_metric_reaches_the_bare_score(name: str) -> None:
    chains = [r for r in rows(name) if not r["bare"]]
    missed = []
    for row in chains:
        found = extract(row["prediction"], choices=row.get("choices"))
        if not near(scored(name, found.text, row), row["score_on_bare"]):
            missed.append(row["id"])
    assert len(chains) >= 50
    assert len(missed) <= 0.01 * len(chains), missed


@pytest.mark.parametrize("name", ["realworldqa", "mathvista"])
def test_options_as_plain_texts_lose_nothing(name: str) -> None:
    """The prompts table stores option texts without letters."""
    chains = [r for r in rows(name) if not r["bare"]]
    missed = []
    for row in chains:
        choices = row.get("choices")
        listed = tuple(choices.values()) if isinstance(choices, dict) else choices
        found = extract(row["prediction"], choices=by_letter(listed, row["answers"]))
        missed += [] if near(scored(name, found.text, row), row["score_on_bare"]) else [row["id"]]
    assert missed == []


@pytest.mark.parametrize("name", SETS)
def test_guards_only_take_away_and_never_from_an_equal_answer(name: str) -> None:
    for row in rows(name):
        choices = row.get("choices") or ()
        listed = tuple(choices.values()) if isinstance(choices, dict) else tuple(choices)
        rollout = Rollout(
            question="",
            completion=f"<answer>{row['answers'][0]}</answer>",
            answers=tuple(row["answers"]),
            metric=SETS[name],
            choices=listed or None,
            answer_type=row.get("answer_type"),
            extra={key: row.get(key) for key in ("question_type", "precision")},
        )
        said = judge_output(rollout)
        plain = scored(name, said.answer, row)
        assert plain is not None
        assert said.output is not None
        assert said.output == pytest.approx(plain, abs=1e-9), row["id"]


def test_golden_rows_hold_both_right_and_wrong_answers() -> None:
    for name in SETS:
        values = {row["score"] for row in rows(name)}
        assert {0.0, 1.0} <= values
