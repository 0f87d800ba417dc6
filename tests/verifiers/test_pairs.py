"""Pairs of completions where any person sees which one is better."""

from __future__ import annotations

from collections import Counter

import pytest
from scenes import cases, in_order

NEVER_INVERTED = {
    "right_beats_wrong",
    "multi_answer_hedge",
    "prompt_injection",
    "claim_flooding",
    "empty_or_very_long",
}


@pytest.mark.parametrize("name", ["dev", "own", "chains"])
def test_pairs_are_in_order(name: str) -> None:
    rows = list(cases(name))
    wrong = [row["id"] for row in rows if not in_order(row)]
    assert len(rows) >= 40
    assert len(wrong) <= 0.05 * len(rows), wrong
    assert not [i for i in wrong if i.split("-")[1] in NEVER_INVERTED]


def test_every_category_has_own_pairs() -> None:
    own, golden = (Counter(row["category"] for row in cases(name)) for name in ("own", "dev"))
    assert set(golden) == set(own)
    assert min(own.values()) >= 2
