"""How many: a number of things in running text, as inclusive bounds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.numbers import number_at

_NOT_COUNTING = frozenset(["of", "-", "#", "number", "no", "step", "route", "year", "in", "$"])
_SHARES = frozenset([",", "and", ";", ":", ".", ">", "\n", "means", "that", "so", "only", "just", "exactly", "but"])
_OPENS = frozenset([",", "and", ";", ":", ".", ">", "\n"])


@dataclass(slots=True)
class Amount:
    """Bounds at tokens [i, j), None: open. `dead`: a number that counts nothing ("of the three", "route 5")."""

    low: int | None
    high: int | None
    i: int
    j: int
    dead: bool = False


def amount_at(
    low: list[str], value: int, i: int, j: int, bound: str, grouped: bool, blocked: Collection[int]
) -> Amount:
    """The amount whose first number is `value` at tokens [i, j): "3", "two or three", "between 2 and 4".

    `bound`: the comparison before it ("at least"), a key of `_bounded`; `grouped`: "a group of" stands before.
    """
    bounds: tuple[int | None, int | None] = (value, value)
    before = low[i - 1] if i else ""
    if before == "-" and (i < 2 or low[i - 2][0] in "\n<>"):
        before = ""  # the dash of a list
    joins = ("and", "to", "-") if before in ("between", "from") else ("or", "to", "-", "–")
    if j + 1 < len(low) and low[j] in joins:
        other = number_at(low, j + 1)
        if other is not None and other[0] == int(other[0]) and j + 1 not in blocked:
            bounds, j = (min(value, int(other[0])), max(value, int(other[0]))), other[1]
    if j < len(low) and low[j] == "dozen" and value < 100:
        bounds, j = (value * 12, value * 12), j + 1
    if bound:
        bounds = _bounded(bound, value)
    after = low[j] if j < len(low) else "."
    dead = (before in _NOT_COUNTING and not grouped) or after in ("-", ")", "%")
    return Amount(bounds[0], bounds[1], i, j, dead)


def partitive(low: list[str], amount: Amount, begin: int, j: int) -> bool:
    """ "One bottle is labelled": one of them does something, which counts none of the others."""
    if low[amount.i] not in ("one", "another") or j >= len(low):
        return False
    opens = amount.i == begin or low[amount.i - 1] in _OPENS
    return opens and (low[j] in data.VERBS or low[j].endswith("ing"))


def parted(begin: int, low: list[str], i: int) -> tuple[int, int] | None:
    """ "Four of the five vehicles are …", "two of which are …", "…, four are …": the number that the verb at token i
    shares out, and the token after the verb; None when there is none."""
    for k in range(i - 1, max(begin - 1, i - 7), -1):
        if low[k] == "of" and k > begin:
            i_number = k - 1
        elif k == i - 1:
            i_number = k
        else:
            continue
        found = number_at(low, i_number)
        value = int(found[0]) if found is not None else data.NUMBERS.get(low[i_number], 0)
        if value > 1 and (i_number == begin or low[i_number - 1] in _SHARES):
            return value, i + 1
    return None


def _bounded(kind: str, value: int) -> tuple[int | None, int | None]:
    if kind == ">=":
        return value, None
    if kind == ">":
        return value + 1, None
    if kind == "<=":
        return 0, value
    if kind == "<":
        return 0, max(0, value - 1)
    spread = max(1, value // 10)
    return max(0, value - spread), value + spread
