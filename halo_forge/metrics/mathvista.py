"""MathVista: the official normalise-and-compare step, the prediction taken as the extracted text.

The official number has a language model before this step; ours has rules and is called rule-based.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

_PAREN_LETTER = re.compile(r"\(([a-zA-Z])\)")


def mathvista(
    prediction: str,
    answers: Sequence[str],
    choices: Sequence[str] | None = None,
    answer_type: str | None = None,
    question_type: str | None = None,
    precision: float | None = None,
) -> float | None:
    """1.0 or 0.0 by string equality after normalising; None when no reference could ever be equal."""
    kind = _kind(choices, answer_type, question_type)
    places = None if precision is None or precision != precision else int(precision)
    gold = [a for a in answers if _readable(a, kind, choices)]
    if not gold:
        return None
    found = normalise(prediction, kind, choices, places)
    return float(found is not None and found in gold)


def _kind(choices: Sequence[str] | None, answer_type: str | None, question_type: str | None) -> str:
    if choices and (question_type == "multi_choice" or question_type is None):
        return "choice"
    return answer_type or "text"


def _readable(answer: str, kind: str, choices: Sequence[str] | None) -> bool:
    if kind == "choice":
        return answer in (choices or ())
    if kind in ("integer", "float"):
        return _number(answer) is not None
    return bool(answer.strip())


def normalise(text: str, kind: str, choices: Sequence[str] | None, places: int | None) -> str | None:
    """The comparable form of an extracted answer, or None when it has none."""
    if kind == "choice":
        return _choice(text.strip(), list(choices or ()))
    if kind == "list":
        return text
    if kind not in ("integer", "float"):
        return text.strip()
    value = _number(text)
    if value is None:
        return None
    if kind == "integer":
        return str(int(value))
    return None if places is None else str(round(value, places))


def _choice(text: str, choices: list[str]) -> str:
    """The option a letter names, else the one at the smallest edit distance: never a miss, as published."""
    if letter := _PAREN_LETTER.search(text):
        text = letter.group(1).upper()
    index = ord(text) - ord("A") if len(text) == 1 else -1
    if 0 <= index < len(choices):
        return choices[index]
    return min(choices, key=lambda choice: Levenshtein.distance(text, choice))


def _number(text: str) -> float | None:
    """A finite Python float, or None (the original's int() and round() fail on the others or never match)."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
