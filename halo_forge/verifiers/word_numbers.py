"""Numbers in running text: the one that comes next, and the one that is stated as a result."""

from __future__ import annotations

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
