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
_EQUALS = frozenset(["=", "equals", "equal", "makes", "is", "gives", "totals", "make", "total"])


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
    start, value = left
    terms: list[Decimal] = [value]
    ops: list[str] = []
    i, n = k, len(low)
    while i < n and low[i] in _OPERATORS and len(ops) < 64:
        after = _after(low, i + 1)
        if after is None:
            return None, i + 1
        ops.append(_OPERATORS[low[i]])
        terms.append(after[0])
        i = _over_nouns(low, after[1])
    if i >= n or low[i] not in _EQUALS:
        return None, i
    i += 1
    while i < n and low[i] in {"to", "of", "=", "a", "total"}:
        i += 1
    stated = _after(low, i)
    if stated is None:
        return None, i
    computed = evaluate(terms, ops)
    if computed is None:
        return None, i
    return Sum(start, stated[1], computed, stated[0], agrees(computed, stated[0])), stated[1]


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
        if low[j] not in {"the", "a", "another", "$", "("}:
            return None
    return None


def _over_nouns(low: list[str], i: int) -> int:
    """Past up to three nouns ("3 cows + 1 horse = 4")."""
    for j in range(i, min(len(low), i + 4)):
        if low[j] in _OPERATORS or low[j] in _EQUALS:
            return j
        if not (low[j].isalpha() or low[j] in ")€$"):
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
