"""Numbers in running text, and sums: exact decimals, nothing evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from halo_forge.verifiers.lexicon_data import NUMBERS
from halo_forge.verifiers.tokens import Tokens

_NUMERIC = re.compile(r"[$€£¥]?(\d{1,15}(?:,\d{3})*(?:\.\d{1,15})?)(%|[a-z]{1,3})?\Z")
_UNITS = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
_OPERATORS = {
    "+": "+", "plus": "+", "-": "-", "–": "-", "minus": "-", "*": "*", "×": "*", "x": "*", "times": "*",
    "/": "/", "÷": "/",
}  # fmt: skip
MAX_DEPTH = 3
"""Brackets of a calculation are read this deep."""
_EQUALS = frozenset(
    ["=", "equals", "equal", "makes", "is", "gives", "totals", "make", "total", "leaves", "yields", "giving"]
)


def number_at(low: list[str], i: int) -> tuple[Decimal, int] | None:
    """A plain number that starts at token i (digits with unit or currency, or a number word), and the index
    after."""
    word = low[i]
    first = word[0]
    if first.isdigit() or first in "$€£¥":
        match = _NUMERIC.match(word)
        if match is None:
            return None
        try:
            return Decimal(match.group(1).replace(",", "")), i + 1
        except InvalidOperation:
            return None
    value = NUMBERS.get(word)
    if value is None:
        return None
    if 20 <= value < 100 and value % 10 == 0:
        j = i + 2 if i + 2 < len(low) and low[i + 1] == "-" else i + 1
        if j < len(low) and low[j] in _UNITS:
            return Decimal(value + NUMBERS[low[j]]), j + 1
    return Decimal(value), i + 1


@dataclass(frozen=True, slots=True)
class Sum:
    """A written calculation: tokens [i, j), its text value as computed and as stated."""

    i: int
    j: int
    computed: Decimal
    stated: Decimal
    right: bool


def sums(tokens: Tokens) -> Iterator[Sum]:
    """Every `a op b (op c …) = d` of the tokens, nouns and currency allowed between; each token read once."""
    low = tokens.low
    operators = [k for k, w in enumerate(low) if w in _OPERATORS]
    done = 0
    for k in operators:
        if k < done:
            continue
        found, done = _sum_at(low, k)
        if found is not None:
            yield found


def _sum_at(low: list[str], k: int) -> tuple[Sum | None, int]:
    """The sum whose first operator is token k, and the index from which to look on."""
    left = _before(low, k)
    if left is None:
        return None, k + 1
    start = bracketed = left[0]
    while bracketed and low[bracketed - 1] == "(" and start - bracketed < MAX_DEPTH:
        bracketed -= 1
    for begin in sorted({bracketed, start}):
        computed, i = _expression(low, begin, MAX_DEPTH)
        if computed is not None and i < len(low) and low[i] in _EQUALS:
            break
    else:
        return None, max(i, k + 1)
    i += 1
    while i < len(low) and low[i] in {"to", "of", "=", "a", "total"}:
        i += 1
    stated = _after(low, i)
    if stated is None:
        return None, max(i, k + 1)
    return Sum(begin, stated[1], computed, stated[0], agrees(computed, stated[0])), stated[1]


def _expression(low: list[str], i: int, depth: int) -> tuple[Decimal | None, int]:
    """The value of `a op b (op c …)` from token i, brackets nested up to `depth`, and the index after it."""
    terms: list[Decimal] = []
    ops: list[str] = []
    while len(ops) < 64:
        term, i = _term(low, i, depth)
        if term is None:
            return None, i
        terms.append(term)
        i = _over_nouns(low, i)
        if i >= len(low) or low[i] not in _OPERATORS:
            return evaluate(terms, ops), i
        ops.append(_OPERATORS[low[i]])
        i += 1
    return None, i


def _term(low: list[str], i: int, depth: int) -> tuple[Decimal | None, int]:
    while i < len(low) and low[i] in {"the", "a", "another", "$"} and i + 1 < len(low):
        i += 1
    if i < len(low) and low[i] == "(" and depth:
        value, i = _expression(low, i + 1, depth - 1)
        return (value, i + 1) if i < len(low) and low[i] == ")" else (None, i)
    found = number_at(low, i) if i < len(low) else None
    if found is None and i + 1 < len(low) and low[i].isalpha() and low[i] not in _OPERATORS:
        if i and low[i - 1] in ("a", "an", "another"):
            return Decimal(1), i  # "two cars plus a bus"
        found = number_at(low, i + 1)  # "North 120 plus South 80"
    return found if found is not None else (None, i)


def agrees(computed: Decimal, stated: Decimal) -> bool:
    """Equal; or less than one unit of the last shown place apart where the stated value was rounded."""
    shown, exact = int(stated.as_tuple().exponent), int(computed.normalize().as_tuple().exponent)
    if exact >= shown:
        return computed == stated
    return abs(computed - stated) < Decimal(1).scaleb(shown)


def _before(low: list[str], k: int) -> tuple[int, Decimal] | None:
    for i in range(k - 1, max(-1, k - 4), -1):
        found = number_at(low, i)
        if found is not None:
            if i >= 2 and low[i - 1] == "-" and (wider := number_at(low, i - 2)) and wider[1] == i + 1:
                return i - 2, wider[0]
            return i, found[0]
        if not low[i].isalpha():
            return None
    return None


def _after(low: list[str], i: int) -> tuple[Decimal, int] | None:
    for j in range(i, min(len(low), i + 2)):
        found = number_at(low, j)
        if found is not None:
            return found
        if low[j] not in {"the", "a", "another", "$"}:
            return None
    return None


def _over_nouns(low: list[str], i: int) -> int:
    """Past up to three nouns ("3 cows + 1 horse = 4")."""
    for j in range(i, min(len(low), i + 4)):
        if low[j] in _OPERATORS or low[j] in _EQUALS or low[j] == ")":
            return j
        if not (low[j].isalpha() or low[j] in "€$"):
            return j
    return i


def evaluate(terms: list[Decimal], ops: list[str]) -> Decimal | None:
    """Exact decimals, * and / before + and -; None on division by zero."""
    total, sign, product = Decimal(0), 1, terms[0]
    try:
        for op, term in zip(ops, terms[1:], strict=True):
            if op == "*":
                product *= term
            elif op == "/":
                product /= term
            else:
                total += sign * product
                sign, product = (1 if op == "+" else -1), term
        return total + sign * product
    except (InvalidOperation, ZeroDivisionError, ArithmeticError):
        return None
