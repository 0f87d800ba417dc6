"""Pairs of completions where any person sees which one is better, through the real stages.

`dev`, `own` and `chains` were written while the rules were made. `held_out` (185), `fresh` (96), `third` (64),
`blind` (320, by someone who had not seen the rules) and `fourth` (64) were written one after the other, each before a
look at what the rules did with it: their first scores were 97.3 %, 94.8 %, 98.4 %, 94.4 % and 100 %. `hard` (148) was
written against the rules, for wordings they might not know: 87.2 % at first; so was `probes` (278): 92.8 % at first.
`sixth` (320) is again by someone who had not seen the rules: 95.6 % at first, with one inversion in claim_flooding.
`seventh` (320) and `eighth` (256) are by two others: 95.6 % and 95.3 % at first, one inversion in right_beats_wrong.
`ninth` (256) is by a third, scored once after those were mended for: 98.4 % at first, none among the five below.
"""

from __future__ import annotations

from collections import Counter

import pytest
from scenes import cases, inverted

NEVER_INVERTED = {
    "right_beats_wrong",
    "multi_answer_hedge",
    "prompt_injection",
    "claim_flooding",
    "empty_or_very_long",
}


@pytest.mark.parametrize(
    "name",
    [
        "dev",
        "own",
        "chains",
        "held_out",
        "fresh",
        "third",
        "blind",
        "fourth",
        "hard",
        "probes",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
    ],
)
def test_pairs_are_in_order(name: str) -> None:
    rows = list(cases(name))
    wrong = inverted(rows)
    assert len(rows) >= 40
    assert len(wrong) <= 0.03 * len(rows), wrong
    assert not [i for i in wrong if i.split("-")[1] in NEVER_INVERTED]


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("own", 2),
        ("held_out", 5),
        ("fresh", 3),
        ("third", 2),
        ("blind", 10),
        ("fourth", 2),
        ("sixth", 10),
        ("seventh", 10),
        ("eighth", 8),
        ("ninth", 8),
    ],
)
def test_every_category_has_pairs(name: str, least: int) -> None:
    made, golden = (Counter(row["category"] for row in cases(n)) for n in (name, "dev"))
    assert set(golden) == set(made)
    assert min(made.values()) >= least
