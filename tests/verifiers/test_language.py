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


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("The clock is not a laptop.", None),
        ("Of the three things, two are cups.", "contradicted"),
        ("\n- 2 cups", "contradicted"),
        ("Cups: 3, clocks: 1", "contradicted"),
        ("There is not one cup but two.", "contradicted"),
        ("There aren't two cups.", None),
        ("How many cups are there?", None),
        ("There are as many cups as clocks.", None),
        ("Looking for a cup, I find none.", "contradicted"),
        ("Looking for a dog, I find none.", None),
        ("None of these is a dog.", None),
        ("It could be mistaken for a dog.", None),
        ("Nobody is riding a bicycle.", None),
        ("Apart from the person there are no people.", None),
        ("A sheet at the bottom can be read too.", None),
    ],
)
def test_wording_that_claims_more_or_less_than_its_words(text: str, verdict: str | None) -> None:
    found = set(verdicts(f"The laptop is on the left. {text}").values()) - {"supported", "unknown"}
    assert found == ({verdict} if verdict else set())


def test_a_side_is_not_said_of_what_was_named_before() -> None:
    found = verdicts("The laptop is on the left. A sheet on the right is blank.")
    assert found["laptop at left"] == "supported" and "laptop at right" not in found


def test_a_denial_is_of_the_thing_and_not_of_what_tells_it_apart() -> None:
    found = verdicts("The dog that sits next to the laptop is not visible.")
    assert "not: laptop" not in found and found["laptop"] == "supported"


def test_two_values_for_one_label_contradict() -> None:
    one = verify_completion(
        Rollout("Which is best?", "West has 35. North has 20. <answer>West</answer>", ("West",)), []
    )
    two = verify_completion(Rollout("Which is best?", "West has 35. West has 20. <answer>West</answer>", ("West",)), [])
    years = "In 2019 West had 35, in 2020 West had 20. <answer>West</answer>"
    three = verify_completion(Rollout("Which is best?", years, ("West",)), [])
    assert one["reasoning_consistency"] == three["reasoning_consistency"] == 1.0 > two["reasoning_consistency"]


@pytest.mark.parametrize("said", ["9 is greater than 12", "Adding 12 and 9, we get 22", "12 and 9 is a total of 22"])
def test_a_wrong_sum_in_words(said: str) -> None:
    assert "contradicted" in verdicts(f"<think>{said}.</think><answer>x</answer>").values()
