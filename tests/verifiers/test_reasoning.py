"""Consistency, grounding, structure."""

from __future__ import annotations

from typing import Any

import pytest
from scenes import DOGS, OFFICE

from halo_forge.verifiers import Rollout, verify_completion


def scores(
    chain: str, answer: str = "yes", question: str = "What is going on here?", scene: Any = OFFICE
) -> dict[str, Any]:
    text = f"<think>{chain}</think><answer>{answer}</answer>"
    return verify_completion(Rollout(question, text, None), [scene])


@pytest.mark.parametrize(
    "chain",
    [
        "The plant is on the left. The plant is on the right.",
        "There is a clock. There is no clock.",
        "There are two dogs. There are three dogs.",
        "The cup is left of the person. The person is left of the cup.",
        "5 - 2 = 4",
        "A banana is there, so there is no fruit.",
        "The car is red. The car is blue.",
    ],
)
def test_conflicts(chain: str) -> None:
    assert scores(chain)["reasoning_consistency"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    "chain",
    [
        "One sign is red and another is green.",
        "At first I see two dogs. Wait, there are three dogs.",
        "The cup is left of the person. The person is right of the cup.",
        "2 * 4 = 8 and 19.95 + 7.05 = 27.00",
        "3 cows plus 1 horse makes 4 animals",
        "A boat is on the left and another boat is on the right.",
        "10 / 3 = 3.33",
        "The red car is left of the dog. The blue car is right of the dog.",
        "The red car is left of the blue car. The blue car is right of the red car.",
        "There are two red cars and one blue car.",
    ],
)
def test_no_conflicts(chain: str) -> None:
    assert scores(chain)["reasoning_consistency"] == 1.0


def test_conclusion_against_answer() -> None:
    assert scores("3 + 1 = 4", "5", "How many animals?")["reasoning_consistency"] == pytest.approx(0.2)
    assert scores("There are two dogs.", "3", "How many dogs are there?")["reasoning_consistency"] == pytest.approx(0.2)
    assert scores("The sign reads STADIUM.", "Station", "What does the sign say?")[
        "reasoning_consistency"
    ] == pytest.approx(0.2)


def test_reasoning_needs_a_chain() -> None:
    row = verify_completion(Rollout("Is there a clock?", "Yes, a clock.", None), [OFFICE])
    assert row["reasoning"] is None and row["reasoning_structure"] is None


def test_vacuous_below_bare_below_true_premise() -> None:
    vacuous = scores("Based on the image, therefore, step by step, I conclude.")["reasoning"]
    true = scores("The clock is above the person.")["reasoning"]
    false = scores("There is a giraffe.")["reasoning"]
    assert false < 0.5 and vacuous == pytest.approx(0.375) and true > 0.8


def test_question_words_earn_nothing() -> None:
    assert scores("The person is there.", question="What is the person doing?")["reasoning_grounding"] is None


def test_repetition_lowers_structure() -> None:
    once, often = scores("The clock is above the person."), scores("The clock is above the person. " * 20)
    assert often["reasoning_structure"] < once["reasoning_structure"]
    assert often["perception"] == once["perception"]


def test_broken_tags_and_cut_off_lower_structure() -> None:
    whole = scores("There is a clock.")["reasoning_structure"]
    nested = "<think><think>There is a clock.</think><answer>yes</answer>"
    assert verify_completion(Rollout("What?", nested, None), [OFFICE])["reasoning_structure"] < whole
    cut = Rollout("What?", "<think>There is a clock.</think><answer>yes</answer>", None, finish_reason="length")
    assert verify_completion(cut, [OFFICE])["reasoning_structure"] < whole


def test_irrelevant_lie_counts_in_perception_only() -> None:
    row = scores("The dog is on the bed. There is a zebra.", question="Where is the dog?", scene=DOGS)
    honest = scores("The dog is on the bed.", question="Where is the dog?", scene=DOGS)
    assert row["reasoning_grounding"] == honest["reasoning_grounding"]
    assert row["perception"] < honest["perception"]
