"""Sums told in words: "half of 40 is 20", "the sum of 120 and 150 is 270", "from 90 to 180 is an increase of 90".

A cue word opens one rule; each rule reads a bounded number of tokens after it. Like written sums they are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, DivisionByZero, InvalidOperation

from halo_forge.verifiers import word_comparisons
from halo_forge.verifiers.numbers import Sum, agrees, number_at
from halo_forge.verifiers.tokens import Tokens
from halo_forge.verifiers.word_numbers import RESULT, Told, number, numbers_before, result

_CHANGES = frozenset(
    ["increase", "rise", "growth", "gain", "decrease", "drop", "fall", "decline", "difference", "change", "reduction",
     "gap", "jump"]
)  # fmt: skip
_LISTS = frozenset(["sum", "total", "difference", "gap", "product", "average", "mean"])
_WHOLE = frozenset(["total", "altogether", "together", "overall"])
_MAX_TERMS = 12


def word_sums(tokens: Tokens) -> Iterator[Sum]:
    """Every sum told in words, in reading order; time linear in the number of tokens."""
    low, done = tokens.low, 0
    for i in [k for k, word in enumerate(low) if word in _RULES]:
        if i < done:
            continue
        try:
            found = _RULES[low[i]](low, i)
        except (InvalidOperation, DivisionByZero):
            found = None
        if found is not None:
            start, computed, (stated, done) = found
            yield Sum(start, done, computed, stated, agrees(computed, stated))


def _list(low: list[str], i: int) -> Told:
    """ "The sum of 2, 3 and 4 is 9", "the difference between 40 and 25 is 15"."""
    if low[i] not in _LISTS or low[i] == "sum":
        reaches = low[i + 1 : i + 2] == ["to"] or low[i + 1 : i + 3] == ["up", "to"]
        if reaches or low[i] != "sum":
            return _together(low, i) if reaches else None
    if low[i + 1 : i + 2] not in (["of"], ["between"]) or low[i] not in _LISTS:
        return None
    if low[i] == "total" and i and low[i - 1] in ("a", "the") and low[i - 2 : i - 1] != ["of"]:
        return _altogether(low, i)
    terms, j = _terms(low, i + 2)
    stated = result(low, j)
    if len(terms) < 2 or stated is None:
        return None
    word = low[i]
    if word in ("sum", "total"):
        return i, sum(terms, Decimal(0)), stated
    if word in ("average", "mean"):
        return i, sum(terms, Decimal(0)) / len(terms), stated
    if len(terms) > 2:
        return None
    return i, (terms[0] * terms[1] if word == "product" else abs(terms[0] - terms[1])), stated


def _percent(low: list[str], i: int) -> Told:
    """ "10 % of 50 is 5", "ten percent of 50 is 5"; the cue is the "of" after the percentage."""
    word = low[i - 1] if i else ""
    share = (
        number_at(low, i - 1 if word.endswith("%") and len(word) > 1 else i - 2)
        if i > 1 or word[:1].isdigit()
        else None
    )
    if share is None or not (word.endswith("%") or word in ("percent", "pct")):
        return None
    base = number(low, i + 1)
    stated = result(low, base[1]) if base else None
    if base is None or stated is None:
        return None
    return i - 1 if len(word) > 1 and word[0].isdigit() else i - 2, base[0] * share[0] / 100, stated


def _from(low: list[str], i: int) -> Told:
    """ "From 90 to 180 is an increase of 90"; a stated percentage is one of the first value."""
    first = number(low, i + 1)
    second = number(low, first[1] + 1) if first and low[first[1] : first[1] + 1] == ["to"] else None
    if first is None or second is None:
        return None
    change = next((k for k in range(second[1], min(second[1] + 5, len(low))) if low[k] in _CHANGES), 0)
    if not change or low[change + 1 : change + 2] != ["of"]:
        return None
    stated = number(low, change + 2)
    if stated is None:
        return None
    size = abs(second[0] - first[0])
    after = low[stated[1]] if stated[1] < len(low) else ""
    if low[stated[1] - 1].endswith("%") or after in ("%", "percent"):
        size = size / first[0] * 100
    return i, size, stated


def _together(low: list[str], i: int) -> Told:
    """ "2 goals and 1 goal make 3 goals"; the cue is the verb, the terms stand before it."""
    second = next((k for k in range(i - 1, max(-1, i - 4), -1) if number_at(low, k)), -1)
    if second < 2 or low[second - 1] != "and":
        return None
    first = next((k for k in range(second - 2, max(-1, second - 5), -1) if number_at(low, k)), -1)
    if first < 0 or (first and low[first - 1] in (",", "of", "and")):
        return None
    j = i + 1
    while j < len(low) and low[j] in ("up", "to", "a", "total", "of"):
        j += 1
    stated = number(low, j)
    values = number_at(low, first), number_at(low, second)
    if stated is None or values[0] is None or values[1] is None:
        return None
    return first, values[0][0] + values[1][0], stated


def _doing(low: list[str], i: int) -> Told:
    """ "Subtracting 120 from 180 gives 60", "if you add 40 and 25 you get 65", "10 subtracted from 40 is 30"."""
    word = low[i]
    done = word.endswith("ed")
    first = number_at(low, i - 1) if done and i else None if done else number(low, i + 1)
    if first is None:
        return None if done else _together(low, i)
    j = i + 1 if done else first[1]
    operation = _OPERATIONS[word[:3]]
    second = number(low, j + 1) if j < len(low) and low[j] in operation[0] else None
    stated = result(low, second[1]) if second else None
    if second is None or stated is None:
        return None if done else _together(low, i)
    return (i - 1 if done else i), operation[1](first[0], second[0]), stated


_OPERATIONS: dict[str, tuple[frozenset[str], Callable[[Decimal, Decimal], Decimal]]] = {
    "sub": (frozenset(["from"]), lambda a, b: b - a),
    "add": (frozenset(["and", "to"]), lambda a, b: a + b),
    "mul": (frozenset(["by", "with", "and"]), lambda a, b: a * b),
    "div": (frozenset(["by"]), lambda a, b: a / b),
}


def _terms(low: list[str], i: int) -> tuple[list[Decimal], int]:
    """Numbers joined by commas and "and", each with at most one noun after it."""
    terms: list[Decimal] = []
    while len(terms) < _MAX_TERMS:
        found = number(low, i)
        if found is None:
            break
        terms.append(found[0])
        i = found[1]
        if i < len(low) and low[i].isalpha() and low[i] != "and" and low[i] not in RESULT:
            i += 1
        if not (i < len(low) and low[i] in (",", "and")):
            break
        while i < len(low) and low[i] in (",", "and"):
            i += 1
    return terms, i


def _altogether(low: list[str], i: int) -> Told:
    """ "North has 120 and South has 80, which gives 200 in total"; the cue is the verb."""
    stated = number(low, i + 2 if low[i + 1 : i + 2] in (["us"], ["of"]) else i + 1)
    if stated is None or _WHOLE.isdisjoint(low[i : stated[1] + 3]):
        return None
    found = list(numbers_before(low, i))
    joined = len(found) == 2 and not {"and", ","}.isdisjoint(low[found[1][0] : found[0][0]])
    return (found[1][0], found[0][1][0] + found[1][1][0], stated) if joined else None


_RULES: dict[str, Callable[[list[str], int], Told]] = {
    **dict.fromkeys(["sum", "total", "difference", "product", "average", "mean"], _list),
    **dict.fromkeys([*word_comparisons.PARTS, *word_comparisons.TIMES], word_comparisons.share),
    **{f"{verb}{end}": _doing for verb in ("subtract", "add") for end in ("", "s", "ing", "ed")},
    **{f"{verb}{end}": _doing for verb in ("multipl", "divid") for end in ("y", "e", "ying", "ing", "ied", "ed")},
    **dict.fromkeys(["make", "makes", "totals"], _together),
    **dict.fromkeys(["gives", "giving", "making"], _altogether),
    **dict.fromkeys(["gap", "sums", "come", "comes", "amount", "amounts"], _list),
    **dict.fromkeys(
        ["times", "twice", "double", "triple", "thrice", "halved", "doubled", "tripled"], word_comparisons.multiple
    ),
    **dict.fromkeys(["exceeds", "exceeded", "beats"], word_comparisons.exceeds),
    **dict.fromkeys(["<", ">"], word_comparisons.sign),
    "than": word_comparisons.compared,
    "which": word_comparisons.which,
    "of": _percent,
    "from": _from,
}
