"""Ways of saying: comparisons, orders, groups, compounds, text denied, numbers with labels, colours in labels."""

from __future__ import annotations

import pytest
from scenes import DOGS, OFFICE, verdicts

from halo_forge.verifiers import Box, Line, Rollout, Scene, verify_completion

SHAPES = Scene(
    84, 84,
    (
        Box("red circle", 0.95, 2, 2, 25, 25), Box("blue square", 0.94, 58, 30, 80, 55),
        Box("red square", 0.93, 30, 58, 50, 80),
    ),
    (
        Line("West 35", 0.95, 0, 0, 80, 20), Line("East 60", 0.95, 0, 60, 80, 80),
        Line("Platform 9", 0.95, 0, 30, 80, 40),
    ),
    frozenset(f"{colour} {shape}" for colour in ("red", "blue", "green") for shape in ("circle", "square", "triangle")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "claim", "verdict"),
    [
        ("There are more dogs than cars.", "dog more than car", "supported"),
        ("There are fewer dogs than cars.", "dog fewer than car", "contradicted"),
        ("From left to right: a bed, a car.", "bed left car", "supported"),
        ("From left to right: a car, a bed.", "car left bed", "contradicted"),
        ("The leftmost animal is a dog.", "dog", "supported"),
        ("A group of seven dogs is here.", "7 dog", "contradicted"),
        ("Between one and three dogs are here.", "1 to 3 dog", "supported"),
        ("It has a dog rather than a bed.", "not: bed", "unknown"),
        ("It is raining cats and dogs.", "cat", None),
        ("The oven clock is broken.", "oven", None),
        ("The bus driver waves.", "person", "contradicted"),
        ("The bus driver waves.", "bus", None),
    ],
)
def test_things(text: str, claim: str, verdict: str | None) -> None:
    assert verdicts(text, DOGS).get(claim) == verdict


@pytest.mark.parametrize(
    ("text", "claim", "verdict"),
    [
        ("I see a red circle.", "red circle", "supported"),
        ("I see a green circle.", "green circle", "contradicted"),
        ("The circle is red.", "circle is red", "supported"),
        ("The circle is blue.", "circle is blue", "contradicted"),
        ("There are two squares.", "2 square", "supported"),
        ("There are three squares.", "3 square", "contradicted"),
        ("There is a triangle.", "triangle", "contradicted"),
        ("The circle is on the left.", "circle at left", "supported"),
        ("The leftmost square is a red square.", "red square is the leftmost square", "supported"),
        ("West has 35.", "west 35", "supported"),
        ("West has 53.", "west 53", "contradicted"),
        ("It waits at platform 9.", "platform 9", "supported"),
        ("It waits at platform 4.", "platform 4", "contradicted"),
        ("It says Platform 9.", "platform 9", "supported"),
        ('It does not say "Platform 9".', "not: platform 9", "contradicted"),
        ('The word "STOP" does not appear.', "not: stop", "unknown"),
    ],
)
def test_labels_that_carry_colours_and_numbers_that_belong_to_words(text: str, claim: str, verdict: str) -> None:
    assert verdicts(text, SHAPES).get(claim) == verdict


def test_of_several_images_one_supports_and_all_contradict() -> None:
    def judged(text: str, *scenes: Scene) -> dict[str, str]:
        row = verify_completion(Rollout("What is there?", f"<think>{text}</think><answer>x</answer>", None), scenes)
        return {c["claim"]: c["verdict"] for c in row["claims"]}

    text = "There is a dog and a laptop, a zebra, but no bed. Two dogs. No giraffe."
    both = judged(text, DOGS, OFFICE)
    assert both["dog"] == both["laptop"] == both["2 dog"] == "supported"
    assert (both["zebra"], both["not: giraffe"]) == ("contradicted", "supported")
    assert both["not: bed"] == "contradicted"  # one image has a bed
    assert judged(text, OFFICE)["dog"] == "contradicted"
    assert judged(text, OFFICE, DOGS) == both


def test_a_conclusion_to_the_opposite_of_what_was_read_is_inconsistent() -> None:
    def consistency(text: str) -> float:
        row = verify_completion(
            Rollout("Is it open?", f"<think>{text}</think><answer>yes</answer>", ("yes",)), [OFFICE]
        )
        return float(row["reasoning_consistency"])

    assert consistency("The sign says OPEN, so the shop is open.") == 1.0
    assert consistency("The sign says OPEN, so the shop is closed.") < 0.5
    assert consistency("The sign says OPEN, so the shop is not open.") < 0.5
