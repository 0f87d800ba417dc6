"""The output verifier: the dataset's metric behind guards, and what truncation and missing answers mean."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_forge.metrics import METRICS
from halo_forge.verifiers.output import judge_output
from halo_forge.verifiers.rollout import Rollout


def rollout(completion: str, answers: tuple[str, ...] | None = ("3",), **more: Any) -> Rollout:
    return Rollout(question=more.pop("question", "How many?"), completion=completion, answers=answers, **more)


def test_right_and_wrong_with_their_columns() -> None:
    right = judge_output(rollout("<think>Three cows.</think><answer>three cows</answer>"))
    assert (right.answer, right.exact, right.output, right.correct) == ("three cows", 1.0, 1.0, True)
    assert (right.start, right.end) == (34, 44)
    wrong = judge_output(rollout("<answer>4</answer>"))
    assert (wrong.answer, wrong.exact, wrong.fuzzy, wrong.output, wrong.correct) == (
        "4",
        0.0,
        0.0,
        0.0,
        False,
    )
    assert wrong.semantic is None


@pytest.mark.parametrize("answers", [None, (), ("", " ")])
def test_without_ground_truth_nothing_is_judged(answers: tuple[str, ...] | None) -> None:
    said = judge_output(rollout("<answer>4</answer>", answers))
    assert said.answer == "4"
    assert (said.exact, said.fuzzy, said.semantic, said.output, said.correct) == (None,) * 5


@pytest.mark.parametrize("metric", METRICS)
def test_no_answer_is_wrong_under_every_metric(metric: str) -> None:
    choices = ("3", "a longer option") if metric == "mathvista" else None
    said = judge_output(rollout("<think>Three cows", ("3",), metric=metric, choices=choices))
    assert (said.answer, said.output, said.correct) == (None, 0.0, False)


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("<answer>3</answer> and then", "3"),
        (r"\boxed{3} since", "3"),
        ("The answer is 3", None),
        ("<answer>3", None),
        ("3", None),
        ("<think>one, two, three", None),
    ],
)
def test_a_cut_off_completion_answers_only_in_a_closed_form(completion: str, answer: str | None) -> None:
    said = judge_output(rollout(completion, finish_reason="length"))
    assert said.answer == answer
    assert said.correct is (answer is not None)


def test_unreadable_gold_is_null_with_or_without_an_answer() -> None:
    for completion in ("<answer>3</answer>", ""):
        said = judge_output(rollout(completion, ("many",), metric="mathvista", answer_type="integer"))
        assert (said.output, said.correct) == (None, None)


def test_several_different_answers_earn_nothing() -> None:
    said = judge_output(rollout("<answer>4</answer><answer>3</answer>"))
    assert (said.answer, said.hedged, said.output, said.correct) == ("3", True, 0.0, False)
    same = judge_output(rollout("<answer>three</answer><answer>3</answer>"))
    assert (same.hedged, same.correct) == (False, True)
    corrected = judge_output(rollout("The answer is 4. Wait, the answer is 3."))
    assert (corrected.hedged, corrected.correct) == (False, True)


GUARDED = [
    ("anls", "12345678", "12345679", 0.0),
    ("anls", "speed limit 25", "speed limit 35", 0.0),
    ("anls", "not approved", "approved", 0.0),
    ("anls", "Hazel Chemicl Co.", "Hazel Chemical Co.", 17 / 18),
    ("anls", "open or closed", "open", 0.0),
    ("relaxed_accuracy", "96", "100", 1.0),
    ("relaxed_accuracy", "2008", "2010", 1.0),
    ("vqa_accuracy", "two", "2", 1.0),
    ("realworldqa", "A or B", "A", 0.0),
    ("realworldqa", "(A)", "A", 1.0),
    ("match", "4 or 5", "4", 0.0),
]


@pytest.mark.parametrize(("metric", "said", "gold", "expected"), GUARDED)
def test_guards_take_away_only_what_the_dataset_does_not_grant(
    metric: str, said: str, gold: str, expected: float
) -> None:
    judged = judge_output(rollout(f"<answer>{said}</answer>", (gold,) * 10, metric=metric))
    assert judged.output == pytest.approx(expected, abs=1e-9)


def test_the_nearest_option_must_nearly_have_been_said() -> None:
    def output(said: str) -> float | None:
        choices = ("No", "larger than")
        return judge_output(rollout(f"<answer>{said}</answer>", ("No",), metric="mathvista", choices=choices)).output

    assert [output(s) for s in ("No", "no.", "A", "(A)", "B", "juniper", "A or B")] == [1, 1, 1, 1, 0, 0, 0]


def test_an_options_text_counts_for_its_letter() -> None:
    said = judge_output(
        rollout("Based on the image, it is smaller.", ("B",), metric="realworldqa", choices=("Larger", "Smaller"))
    )
    assert (said.answer, said.output, said.exact) == ("B", 1.0, 1.0)


def test_threshold_decides_correct() -> None:
    answers = ("stop", "stop", *(f"other {i}" for i in range(8)))
    said = rollout("<answer>stop</answer>", answers, metric="vqa_accuracy", threshold=0.6)
    assert judge_output(said).correct is True
    assert judge_output(replace(said, threshold=0.61)).correct is False


class Encoder:
    """Every text the same direction: whatever passes the guards is fully alike."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: list[str]) -> list[list[float]]:
        self.seen += texts
        return [[1.0, 0.0] for _ in texts]


def test_semantic_is_asked_last_guarded_and_capped() -> None:
    encoder = Encoder()
    close = judge_output(rollout("<answer>a dog runs fast</answer>", ("the dog sprints quickly",)), encoder)
    assert close.semantic == pytest.approx(0.8)
    assert len(encoder.seen) == 2
    for said, gold in [("red", "blue"), ("25 miles away", "35 miles away"), ("not open today", "open today")]:
        assert judge_output(rollout(f"<answer>{said}</answer>", (gold,)), encoder).semantic is None
    assert len(encoder.seen) == 2


def test_order_of_answers_does_not_matter() -> None:
    forward = judge_output(rollout("<answer>grey car</answer>", ("silver car", "gray car", "car")))
    backward = judge_output(rollout("<answer>grey car</answer>", ("car", "gray car", "silver car")))
    assert forward == backward


@given(st.text(max_size=80), st.lists(st.text(max_size=20), max_size=3), st.sampled_from(METRICS))
def test_any_text_is_judged_within_bounds(completion: str, answers: list[str], metric: str) -> None:
    said = judge_output(rollout(completion, tuple(answers), metric=metric))
    values = (said.exact, said.fuzzy, said.output)
    assert all(v is None or 0.0 <= v <= 1.0 for v in values)
    assert (said.output is None) == (said.correct is None)
    assert 0 <= said.start <= said.end <= len(completion)


@pytest.mark.parametrize("piece", ["\n", "a", "<answer>3", "<answer>3</answer>", "1:00 ", "4, ", "not ", '"', "- "])
def test_time_grows_with_length(piece: str) -> None:
    def cost(chars: int) -> float:
        said = rollout("3 " + piece * (chars // len(piece)), ("12 red dogs on the table",))
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            judge_output(said)
            best = min(best, time.perf_counter() - start)
        return best

    assert cost(16_000) < 25 * cost(2_000) + 0.005
