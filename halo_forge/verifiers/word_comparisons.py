"""Numbers compared in words: "160 is twice 80", "9 is greater than 12", "half of 40 is 20". A right comparison that
states no result is no sum; a wrong one is a wrong sum."""

from __future__ import annotations

from decimal import Decimal

from halo_forge.verifiers.numbers import number_at
from halo_forge.verifiers.word_numbers import Told, number, numbers_before, result

PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
TIMES = {"twice": 2, "double": 2, "triple": 3, "thrice": 3}
MADE = {"halved": Decimal("0.5"), "doubled": Decimal(2), "tripled": Decimal(3)}
COMPARES = {
    **dict.fromkeys(["more", "greater", "larger", "higher", "bigger"], 1),
    **dict.fromkeys(["less", "smaller", "lower", "fewer"], -1),
}


def share(low: list[str], i: int) -> Told:
    """ "Half of 40 is 20", "a third of 9 is 3", "twice 5 is 10"."""
    of = low[i + 1 : i + 2] == ["of"]
    base = number(low, i + 2 if of else i + 1)
    if base is None or (low[i] in PARTS and low[i] != "half" and not of):
        return None
    stated = result(low, base[1])
    if stated is None:
        return None
    return i, base[0] / PARTS[low[i]] if low[i] in PARTS else base[0] * TIMES[low[i]], stated


def _is(low: list[str], i: int) -> Decimal | None:
    """The number of "160 is" before token i."""
    return found[0] if i >= 2 and low[i - 1] in ("is", "was") and (found := number_at(low, i - 2)) else None


def multiple(low: list[str], i: int) -> Told:
    """ "160 is twice 80", "160 is three times 80", "120 halved is 60"."""
    word = low[i]
    if word in MADE:
        base = number_at(low, i - 1) if i else None
        stated = result(low, i + 1) if base else None
        return (i - 1, base[0] * MADE[word], stated) if base and stated else None
    factor = number_at(low, i - 1) if word == "times" and i else None
    at = i if word != "times" else i - 1
    whole = _is(low, at)
    base = number(low, i + 1)
    if whole is None or base is None or (word == "times" and (factor is None or low[i + 1 : i + 2] == ["as"])):
        return share(low, i) if word in TIMES else None
    computed = base[0] * (factor[0] if factor else TIMES[word])
    return None if computed == whole else (at - 2, computed, (whole, base[1]))  # a right one has no result


def exceeds(low: list[str], i: int) -> Told:
    """ "160 exceeds 120 by 40"."""
    first, second = (number_at(low, i - 1) if i else None), number(low, i + 1)
    stated = number(low, second[1] + 1) if second and low[second[1] : second[1] + 1] == ["by"] else None
    return (i - 1, first[0] - second[0], stated) if first and second and stated else None


def sign(low: list[str], i: int) -> Told:
    """ "120 < 80" is wrong; a right comparison is no sum."""
    first = number_at(low, i - 1) if i else None
    second = number_at(low, i + 1) if i + 1 < len(low) else None
    if first is None or second is None or (first[0] - second[0]) * (1 if low[i] == ">" else -1) > 0:
        return None
    return i - 1, second[0], (first[0], second[1]) if first[0] != second[0] else (first[0] + 1, second[1])


def compared(low: list[str], i: int) -> Told:
    """ "9 is greater than 12" is wrong; a right comparison has no result and is no sum."""
    sign = COMPARES.get(low[i - 1] if i else "", 0)
    by = number_at(low, i - 2) if sign and i > 1 else None  # "160 is 40 more than 120"
    whole = _is(low, i - 2) if by else None
    base = number(low, i + 1) if whole is not None else None
    if by is not None and whole is not None and base is not None:
        return i - 4, base[0] + sign * by[0], (whole, base[1])
    second = number_at(low, i + 1) if sign and i + 1 < len(low) else None
    at = next((k for k in range(i - 2, max(-1, i - 5), -1) if number_at(low, k)), -1)
    first = number_at(low, at) if at >= 0 and low[i - 2] in ("is", "was", "are") else None
    if first is None or second is None or first[1] != i - 2 or (first[0] - second[0]) * sign > 0:
        return None
    return at, second[0], (first[0], second[1])


def which(low: list[str], i: int) -> Told:
    """ "March has 1,900 and April 1,700, which is higher" is wrong; a right comparison is no sum."""
    sign = COMPARES.get(low[i + 2] if i + 2 < len(low) else "", 0)
    if not sign or low[i + 1] != "is" or low[i + 3 : i + 4] == ["than"]:
        return None
    found = [
        (k, value)
        for k, value in numbers_before(low, i)
        if not (low[k] == "one" or (low[k].isdigit() and len(low[k]) == 4 and low[k - 1] == "in"))
    ]
    if len(found) != 2 or (found[0][1][0] - found[1][1][0]) * sign > 0:
        return None
    return found[1][0], found[1][1][0], (found[0][1][0], i + 3)
