"""Compounds, late denials, labels with values, comparisons and what is concluded from them."""

from __future__ import annotations

import pytest
from scenes import DOGS, OFFICE, verdicts

from halo_forge.verifiers import Line, Rollout, Scene, verify_completion
from halo_forge.verifiers.lexicon import COCO

CHART = Scene(
    800, 600, (),
    tuple(Line(t, 0.95, 10, 10 * k, 90, 10 * k + 8) for k, t in enumerate(["North 120", "West 160", "NO PARKING"])),
    COCO,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "claim", "verdict"),
    [
        ("A bicycle stand is empty.", "bicycle", None),
        ("A boat trailer is parked there.", "boat", None),
        ("A horse statue stands there.", "horse", None),
        ("The bed has a boat-shaped lamp.", "boat", None),
        ("A bicycle stands there.", "bicycle", "contradicted"),
        ("There are hardly any boats.", "not: boat", "supported"),
        ("A boat cannot be seen.", "not: boat", "supported"),
        ("What looks like a cat is a dog.", "cat", None),
        ("There is no third dog.", "not: dog", None),
        ("At first I counted three dogs, but there are only two.", "3 dog", "unknown"),
        ("The dogs are three.", "3 dog", "contradicted"),
        ("The number of dogs visible is two.", "2 dog", "supported"),
        ("- dog: 2", "2 dog", "supported"),
        ("The dog has more legs than a bird.", "bird", None),
    ],
)
def test_things(text: str, claim: str, verdict: str | None) -> None:
    assert verdicts(text, DOGS).get(claim) == verdict


def test_a_side_may_tell_which_of_two() -> None:
    assert verdicts("The dog on the right is asleep.", DOGS)["dog at right"] == "supported"
    assert verdicts("The laptop is on the right.", OFFICE)["laptop at right"] == "contradicted"


@pytest.mark.parametrize(
    ("chain", "holds"),
    [
        ("West sold 160 and North sold 120, so West sold more.", True),
        ("West sold 160 and North sold 120, so North sold more.", False),
        ("West is at 160, North at 120. North leads.", False),
        ("West has 160 and North 120, which is lower.", True),
        ("West has 160 and North 120, which is higher.", False),
        ("160 > 120", True),
        ("160 < 120", False),
        ("160 is 40 more than 120.", True),
        ("160 is 60 more than 120.", False),
        ("160 exceeds 120 by 30.", False),
        ("120 halved is 50.", False),
        ("North 120 plus West 160 is 290.", False),
        ("The sign reads NO PARKING, so parking is forbidden.", True),
        ("The sign reads NO PARKING, so I can answer.", True),
        ("The sign reads NO PARKING, so parking is allowed.", False),
    ],
)
def test_conclusions(chain: str, holds: bool) -> None:
    said = f"<think>{chain}</think><answer>West</answer>"
    row = verify_completion(Rollout("Which region is it?", said, ("West",)), [CHART])
    assert (row["reasoning_consistency"] == 1.0) is holds
