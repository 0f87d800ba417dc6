"""Numbers in running text: the one that comes next, and the one that is stated as a result."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.numbers import number_at

Value = tuple[Decimal, int]
"""A number and the index after it."""
Told = tuple[int, Decimal, Value] | None
"""Where it starts, the value as computed, the value as stated."""

SKIP = words("the a an about approximately roughly around exactly just $ € £")
RESULT = words("is = equals makes make gives give total totals are was comes leaves yields get")


def number(low: list[str], i: int) -> Value | None:
    """The number at i, or after articles and the like."""
    while i < len(low) and low[i] in SKIP and number_at(low, i) is None:
        i += 1
    return number_at(low, i) if i < len(low) else None


def result(low: list[str], i: int) -> Value | None:
    """The number after "is", "equals", "gives" …, which stands at most two words on."""
    for k in range(i, min(i + 3, len(low))):
        if low[k] in RESULT:
            return number(low, k + 2 if low[k + 1 : k + 2] == ["to"] else k + 1)
        if not low[k].isalpha() and low[k] != ",":
            return None
    return None


def numbers_before(low: list[str], i: int) -> Iterator[tuple[int, Value]]:
    """The numbers before token i in its clause, the nearest first, with the token that each starts at."""
    for k in range(i - 1, max(-1, i - 14), -1):
        if low[k][0] in ".;!?<\n":
            return
        value = number_at(low, k)
        if value is not None:
            yield k, value
