"""Quantities in a short answer: exact decimals with sign, scale and unit, from digits or words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from halo_forge.metrics.words import AMBIGUOUS_UNITS, ARTICLES, UNITS
from halo_forge.text import SCALES, normalise, spelled, strip_accents

MAX_READ = 600
"""An answer longer than this is not read for typed values beyond here."""

_TOKEN = re.compile(
    r"\d{1,3}(?:,\d{3})++(?:\.\d+)?|\d{1,3}(?:\.\d{3})++,\d+|\d++(?:[.,]\d++)?|\.\d++"  # numbers
    r"|km/h|[^\W\d_]++(?:'[^\W\d_]++)?|[%$€£¥°+/-]|\S"
)
_CURRENCY = frozenset("$€£¥")
_SPEEDS = {"miles": "mph", "mile": "mph", "kilometers": "km/h", "kilometres": "km/h", "km": "km/h"}
_TEMPERATURE = {"c": "celsius", "celsius": "celsius", "f": "fahrenheit", "fahrenheit": "fahrenheit"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number and its kind of unit, or ""; `value` is in the kind's base unit, `shown` as written."""

    value: Decimal
    kind: str
    shown: Decimal
    start: int
    end: int

    def equals(self, other: Quantity) -> bool:
        """Same amount. A unit missing on one side is taken to be the other's; 50 % equals 0.5 and 50."""
        if self.kind == other.kind:
            return self.value == other.value
        if self.kind and other.kind:
            degrees = {self.kind, other.kind} & {"celsius", "fahrenheit"}
            return len(degrees) == 1 and "angle" in (self.kind, other.kind) and self.shown == other.shown
        named, bare = (self, other) if self.kind else (other, self)
        return bare.shown == named.shown or (named.kind == "percent" and bare.value == named.value)


@lru_cache(maxsize=128)  # one answer is looked at by many rules; callers never change the list
def tokens(text: str) -> list[str]:
    """Numbers, words and signs of the normalised text, accents stripped; "1.5M" reads as 1.5 million."""
    text = _GROUPED.sub(lambda m: m[0].replace(" ", ""), normalise(_SCALED.sub(_scaled, text[:MAX_READ])))
    return _TOKEN.findall(strip_accents(text))


_GROUPED = re.compile(r"(?<![\d.,:/-] )(?<![\d.,:/-])[1-9]\d{0,2}(?: \d{3})+(?![\d-])(?![.,:/]\d)(?! \d)")
""" "12 500": thousands set apart by spaces."""


_SCALED = re.compile(r"(?<=\d)([MBK])\b(?!\d)")


def _scaled(match: re.Match[str]) -> str:
    return {"M": " million", "B": " billion", "K": " thousand"}[match[1]]


def quantities(toks: list[str]) -> list[Quantity]:
    """Every number in the tokens, digits or words, with sign, scale and unit."""
    found: list[Quantity] = []
    i = 0
    while i < len(toks):
        quantity = _quantity(toks, i)
        if quantity is None:
            i += 1
        else:
            found.append(quantity)
            i = quantity.end
    return found


def _quantity(toks: list[str], i: int) -> Quantity | None:
    read = _number(toks, i)
    if read is None:
        return None
    value, j = read
    start = i
    if toks[j : j + 3] == ["and", "a", "half"]:
        value, j = value + Decimal("0.5"), j + 3
    if j < len(toks) and toks[j] in SCALES and (len(toks[j]) > 2 or toks[j] in ("k", "bn", "mn")):
        value, j = value * SCALES[toks[j]], j + 1
    elif j < len(toks) and toks[j] in ("m", "b") and i and toks[i - 1] in _CURRENCY:
        value, j = value * (10**6 if toks[j] == "m" else 10**9), j + 1
    if i and toks[i - 1] in ("-", "minus", "negative") and (i < 2 or not _is_number(toks[i - 2])):
        value, start = value.copy_negate(), i - 1
    kind, factor, unit_end = _unit(toks, j)
    if kind.startswith("money") and factor == 1 and (small := _small_change(toks, unit_end)):
        value, unit_end = value + small[0], small[1]
    before = start - 1
    if not kind and before >= 0 and toks[before] in _CURRENCY:
        kind, start = f"money{toks[before]}", before
        if before and toks[before - 1] == "-":
            value, start = value.copy_negate(), before - 1
    elif not kind and i and i == start and toks[i - 1] in _CURRENCY:
        kind = f"money{toks[i - 1]}"
    try:
        # a product is rounded to 28 digits; the number alone is exact
        return Quantity(value * factor if factor != 1 else value, kind, value, start, unit_end)
    except InvalidOperation:
        return None


def _small_change(toks: list[str], j: int) -> tuple[Decimal, int] | None:
    """ "Four dollars fifty", "5 euros and 20 cents": the hundredths after a sum of money in words."""
    if not toks[j - 1].isalpha():
        return None
    k = j + 1 if toks[j : j + 1] == ["and"] else j
    read = _number(toks, k) if k < len(toks) else None
    if read is None or not 0 < read[0] < 100 or read[0] != int(read[0]):
        return None
    cents = toks[read[1] : read[1] + 1] in (["cents"], ["cent"], ["pence"])
    if k > j and not cents:
        return None
    if not cents and toks[read[1] : read[1] + 1] and toks[read[1]] in UNITS:
        return None  # "7 dollars 7 dollars"
    return read[0] / 100, read[1] + cents


def _number(toks: list[str], i: int) -> tuple[Decimal, int] | None:
    """Digits (with separators, or a/b), else a spelled number."""
    value = decimal(toks[i])
    if value is not None:
        if (
            i + 2 < len(toks)
            and toks[i + 1] == "/"
            and (below := decimal(toks[i + 2]))
            and toks[i + 3 : i + 4] != ["/"]
        ):
            return value / below, i + 3
        return value, i + 2 if toks[i + 1 : i + 2] and toks[i + 1] in ("st", "nd", "rd", "th") else i + 1
    if not toks[i][0].isalpha() or (
        toks[i] in ARTICLES - {"a", "an"} and i + 1 < len(toks) and toks[i + 1][0].isalpha()
    ):
        return None
    # "twenty-one" is three tokens here
    run, places = _hyphenless(toks, i)
    read = spelled(run, 0)
    if read is None:
        return None
    value, end = read[0], read[1]
    if (
        10 <= value < 100
        and not read[2]
        and run[end:]
        and (pair := spelled(run[end:], 0))
        and 10 <= pair[0] < 100
        and not pair[2]
    ):
        value, end = value * 100 + pair[0], end + pair[1]  # "nineteen ninety-eight"
    return value, places[end - 1] + 1


def _hyphenless(toks: list[str], i: int) -> tuple[list[str], list[int]]:
    run: list[str] = []
    places: list[int] = []
    for j in range(i, min(len(toks), i + 12)):
        if toks[j] == "-" and run:
            continue
        if not toks[j][0].isalpha():
            break
        run.append(toks[j])
        places.append(j)
    return run, places


def decimal(token: str) -> Decimal | None:
    """The exact value of a digit token: 1,234.5 and 1.234,5 and 3,5; None for anything else."""
    if not token[:1].isdigit() and not (token[:1] == "." and token[1:2].isdigit()):
        return None
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", token):
        token = token.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+", token):
        token = token.replace(".", "").replace(",", ".")
    else:
        token = token.replace(",", ".")
    try:
        return Decimal(token)
    except InvalidOperation:
        return None


def _is_number(token: str) -> bool:
    return token[:1].isdigit()


def _unit(toks: list[str], j: int) -> tuple[str, Decimal, int]:
    if j < len(toks) and toks[j] == "-" and j + 1 < len(toks) and toks[j + 1] in UNITS:
        j += 1
    if toks[j + 1 : j + 3] == ["per", "hour"] and toks[j] in _SPEEDS:
        kind, factor = UNITS[_SPEEDS[toks[j]]]
        return kind, Decimal(factor), j + 3
    if j < len(toks) and toks[j] in UNITS and toks[j] not in AMBIGUOUS_UNITS:
        kind, factor = UNITS[toks[j]]
        if kind == "angle" and j + 1 < len(toks) and toks[j + 1] in _TEMPERATURE:
            return _TEMPERATURE[toks[j + 1]], Decimal(1), j + 2
        return kind, Decimal(factor), j + 1
    if j < len(toks) and toks[j] in ("celsius", "fahrenheit"):
        return _TEMPERATURE[toks[j]], Decimal(1), j + 1
    if toks[j : j + 2] == ["per", "cent"]:
        return "percent", Decimal("0.01"), j + 2
    return "", Decimal(1), j
