"""DocVQA and InfographicVQA: average normalised Levenshtein similarity, as the RRC script computes it.

The script keeps a similarity of exactly 0.5 (the paper's formula would drop it) and divides by the lengths of
the texts as given, before spaces are collapsed.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

THRESHOLD = 0.5


def anls(prediction: str, answers: Sequence[str]) -> float:
    """1 - the smallest normalised distance to a reference; 0 below the threshold."""
    similarity = 1 - min(_distance(prediction, answer) for answer in answers)
    return similarity if similarity >= THRESHOLD else 0.0


def _distance(prediction: str, answer: str) -> float:
    longest = max(len(answer.upper()), len(prediction.upper()))
    if longest == 0:
        return 0.0
    return Levenshtein.distance(_collapse(answer), _collapse(prediction)) / longest


def _collapse(text: str) -> str:
    return " ".join(text.strip().lower().split())
