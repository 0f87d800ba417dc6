"""Numbers that are written in the image: times, prices, dates, percentages, plates, and what a label shows."""

from __future__ import annotations

from dataclasses import dataclass

from halo_forge.metrics.words import MONTHS
from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.lexicon import Lexicon
from halo_forge.verifiers.tokens import Tokens

_OPERATORS = frozenset("+*/=×÷")
_NAMERS = frozenset(["number", "numbered", "platform", "gate", "route", "track", "page", "lane"])
_SHOWS = frozenset(
    [
        "sold",
        "sells",
        "sell",
        "scored",
        "scores",
        "won",
        "earned",
        "made",
        "exported",
        "exports",
        "imported",
        "produced",
        "recorded",
        "got",
        "gets",
        "received",
        "reported",
        "counts",
        "showed",
        "equals",
        "have",
        "labelled",
        "labeled",
        "marked",
        "has",
        "is",
        "was",
        "had",
        "shows",
        "at",
        ":",
        "=",
        "reached",
        "reaches",
        "with",
        "totals",
        "costs",
    ]
)
_PARTS = frozenset(["slice", "bar", "segment", "column", "share", "portion", "sector", "row", "wedge", "line", "part"])
_LABELS = frozenset(["labelled", "labeled", "marked", "at"])
_WHEN = frozenset(["in", "during", "on", "at", "by", "then", "later", "before", "after", "from", "to", "was", "had"])


@dataclass(frozen=True, slots=True)
class Shown:
    """Tokens [i, j) stand for text in the image. `strong`: quoted or said to be written, so misreading
    counts. `label`: what a number belongs to ("West has 35"). `denied`: said not to be there.
    `only`: the one number of that label ("West has 35."), with no year or thing told besides."""

    i: int
    j: int
    strong: bool
    label: str = ""
    denied: bool = False
    only: bool = False


def is_thing(low: list[str], i: int, lexicon: Lexicon) -> bool:
    """Whether a thing that a detector knows is named at token i."""
    found = lexicon.find(low, i) if i < len(low) else None
    return found is not None and "O" in found[0]


def figure(tokens: Tokens, i: int, lexicon: Lexicon) -> Shown | None:
    """Times, prices, dates, percentages, plates and telephone numbers, and what a label shows; no terms of a sum."""
    low, n = tokens.low, len(tokens)
    word = low[i]
    following = low[i + 1] if i + 1 < n else "."
    before = low[i - 1] if i else "."
    if end := _date_end(low, i):
        return Shown(i, end, False)
    if following in _OPERATORS or following in ("<", ">") or before in _OPERATORS or before in ("[", "(", ","):
        return None
    if before in _NAMERS:
        label = "" if before.startswith("number") else before
        return (
            Shown(i, i + 1, True, label, i > 1 and low[i - 2] == "not")
            if not (label and is_thing(low, i + 1, lexicon))
            else None
        )
    if len(word) > 1 and word.rstrip("%").isdigit() and (label := labelled(tokens, i, lexicon)):
        return Shown(i, i + 1, True, label, only=alone(low, i))
    if following == "-" and i + 2 < n and low[i + 2].isdigit() and len(word) >= 3 and len(low[i + 2]) >= 3:
        return Shown(i, i + 3, False)
    mixed = any(c.isalpha() for c in word) and not word.endswith(("st", "nd", "rd", "th"))
    decimal = "." in word and not is_thing(low, i + 1, lexicon)
    if len(word) > 1 and (":" in word or "%" in word or word[0] in "$€£¥" or mixed or decimal):
        return Shown(i, i + 1, False)
    return None


def alone(low: list[str], i: int) -> bool:
    """Whether the number at token i is all that its clause says of its label: "in 2019 West had 35" is not."""
    following = low[i + 1] if i + 1 < len(low) else "."
    if following[0] not in ".,;!<\n%" and following not in ("and", "while", "but", "percent", "whereas", "so"):
        return False
    k = i - 1
    while k >= max(0, i - 12) and low[k][0] not in ".;!<\n":
        if low[k] in _WHEN or (low[k].isdigit() and len(low[k]) == 4):
            return False
        k -= 1
    return not (following == "," and i + 2 < len(low) and low[i + 2][0].isdigit())


def _date_end(low: list[str], i: int) -> int:
    """The end of "14/03/2024", "15 June 2021" or "15 June" that starts at a number; 0 when none does."""
    run = low[i : i + 5]
    parted = len(run) == 5 and run[1] == run[3] and run[1] in "/-" and run[2].isdigit() and run[4].isdigit()
    if parted and len(run[0]) <= 4 and len(run[2]) <= 2:
        return i + 5
    if i + 1 < len(low) and low[i + 1] in MONTHS and len(low[i + 1]) > 2:
        return i + 3 if i + 2 < len(low) and low[i + 2].isdigit() and len(low[i + 2]) == 4 else i + 2
    return 0


def labelled(tokens: Tokens, i: int, lexicon: Lexicon) -> str:
    """The label of "West has 35", "North: 120", "a value of 60 for East"; "" when a thing is counted."""
    low, raw = tokens.low, tokens.raw
    if i < 2 or low[i - 1] not in _SHOWS or is_thing(low, i + 1, lexicon):
        return ""
    k = i - 3 if low[i - 1] in _LABELS and low[i - 2] in ("is", "was", "are") and i > 2 else i - 2
    part = low[k] in _PARTS and k > 0 and low[k - 1] not in data.DETERMINERS  # "the wind slice shows 35 %"
    k = k - 1 if part else k
    label, word = raw[k], low[k].removesuffix("'s")
    label = label.removesuffix("'s")
    usual = word in data.PRONOUNS or word in data.DETERMINERS or word in ("there", "answer", "i", "we")
    named = label[:1].isupper() or k < i - 2
    return word if named and label.isalpha() and not usual else ""
