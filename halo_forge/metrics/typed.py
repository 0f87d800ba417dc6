"""Reading typed values out of a short answer: times, dates, directions, colours, yes or no.

Each reader returns exact values, so that comparing is equality and never likeness of spelling.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from halo_forge.metrics.quantities import MAX_READ
from halo_forge.metrics.words import ARTICLES, COLOURS, DIRECTIONS, MONTHS, NEGATIONS, NO, ORDINALS, VERBS, YES
from halo_forge.text import normalise, spelled, strip_accents

# --- times and dates

_CLOCK = re.compile(
    r"(?<![\d:.])(?P<h>\d{1,2})(?::(?P<m>[0-5]\d)(?::[0-5]\d)?)?"
    r"\s?(?P<half>a\.?\s?m\b\.?|p\.?\s?m\b\.?|o'clock|uhr|h\b)?(?![\d:])"
)
_NAMED_HOURS = {"noon": 12 * 60, "midday": 12 * 60, "midnight": 0}
_PAST = {"quarter": 15, "fifteen": 15, "half": 30, "five": 5, "ten": 10, "twenty": 20, "twenty-five": 25}


@dataclass(frozen=True, slots=True)
class Clock:
    """Minutes of the day; `either` when a 12-hour time names no half of the day."""

    minutes: int
    either: bool

    def equals(self, other: Clock) -> bool:
        """Same time; a missing am/pm agrees with both."""
        if self.minutes == other.minutes:
            return True
        return (self.either or other.either) and (self.minutes - other.minutes) % 720 == 0


_HALF_DAY = re.compile(r"\bin the (morning|afternoon|evening)\b")


def clocks(text: str) -> list[Clock]:
    """Times of the day in the text; a bare number is one only with am/pm or o'clock."""
    low = strip_accents(normalise(text[:MAX_READ]))
    low = _HALF_DAY.sub(lambda m: "am" if m[1] == "morning" else "pm", low)
    found = [Clock(minutes, False) for word, minutes in _NAMED_HOURS.items() if re.search(rf"\b{word}\b", low)]
    for match in _CLOCK.finditer(low):
        hour, half = int(match["h"]), (match["half"] or "").replace(".", "").replace(" ", "")
        if hour > 24 or (match["m"] is None and not half) or (match["m"] is None and half == "h"):
            continue
        minutes = hour % 24 * 60 + int(match["m"] or 0)
        if half in ("am", "pm") and 1 <= hour <= 12:
            found.append(Clock(hour % 12 * 60 + int(match["m"] or 0) + (720 if half == "pm" else 0), False))
        else:
            found.append(Clock(minutes, 1 <= hour <= 12 and len(match["h"]) < 3 and not match["h"].startswith("0")))
    return found + list(_spoken(low))


def _spoken(low: str) -> Iterator[Clock]:
    for match in re.finditer(
        r"\b(half|quarter|five|ten|fifteen|twenty|twenty-five)(?: minutes)?"
        r"(?: (past|to|after|before|till) )(\w{3,6})\b",
        low,
    ):
        read = spelled([match[3]], 0)
        if read and 1 <= read[0] <= 12:
            past = _PAST[match[1]] * (-1 if match[2] in ("to", "before", "till") else 1)
            yield Clock((int(read[0]) * 60 + past) % 720, True)


_TOLD = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve) "
    r"(?:(?:oh |o')?(five|ten|fifteen|(?:twenty|thirty|forty|fifty)(?:[- ]five)?)\b"
    r"|(?=in the|at night|o'clock|am\b|pm\b|a\.m|p\.m))"
    r"(?: ?(?:in the (morning|afternoon|evening)|(am|pm|a\.m|p\.m)\b))?"
)


def told(text: str) -> list[Clock]:
    """Times in words only: "three forty-five", "nine in the morning". For answers known to be a time."""
    found = []
    for match in _TOLD.finditer(normalise(text[:200])):
        hour, minutes = spelled([match[1]], 0), spelled((match[2] or "zero").replace("-", " ").split(), 0)
        if hour is None or minutes is None:
            continue
        half = (match[3] or match[4] or "").replace(".", "")
        late = 720 if half in ("pm", "afternoon", "evening") else 0
        value = int(hour[0]) % 12 * 60 + int(minutes[0]) + late
        found.append(Clock(value, not half))
    return found


_ORDINALS = {word: str(i + 1) for i, word in enumerate(ORDINALS)}
_ORDINAL = re.compile(
    r"\b(?:the )?(" + "|".join(sorted(_ORDINALS, key=len, reverse=True)) + r")\b( of)?", re.IGNORECASE
)


def numbered(text: str) -> str:
    """Ordinal words as numbers: "the fifth of March" -> "5 March"."""
    return _ORDINAL.sub(lambda m: _ORDINALS[m[1].lower()], text[:200])


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day; parts not given are None."""

    year: int | None
    month: int | None
    day: int | None

    def agrees(self, other: Day) -> bool:
        """All parts given on both sides are equal; a two-digit year means its century's."""
        years = (
            self.year is None
            or other.year is None
            or self.year == other.year
            or (min(self.year, other.year) < 100 and (self.year - other.year) % 100 == 0)
        )
        return years and self.month == other.month and self.day == other.day


_NUMERIC_DAY = re.compile(r"(?<![\d/.-])(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})(?![\d/-])")
_NAMED_DAY = re.compile(
    r"\b(?:(?P<d1>\d{1,2})(?:st|nd|rd|th|\.)?,? (?:of |de )?)?(?P<month>"
    + "|".join(sorted(MONTHS, reverse=True))
    + r")\b\.?"
    r"(?: (?P<d2>\d{1,2})(?:st|nd|rd|th)?(?!\d))?(?:,? (?:de )?(?P<y>\d{4}|'\d\d))?"
)


def days(text: str) -> list[frozenset[Day]]:
    """Dates in the text; each is the set of its readings (3/4/21 has two)."""
    low = strip_accents(normalise(text[:MAX_READ]))
    found = []
    for match in _NUMERIC_DAY.finditer(low):
        a, b, c = int(match[1]), int(match[3]), int(match[4])
        readings = {Day(a, b, c)} if len(match[1]) == 4 else {Day(c, a, b), Day(c, b, a)}
        valid = frozenset(d for d in readings if _valid(d))
        if valid:
            found.append(valid)
    for match in _NAMED_DAY.finditer(low):
        day = match["d1"] or match["d2"]
        if match["month"] in MONTHS and (day or match["y"]):
            year = int(match["y"].strip("'")) if match["y"] else None
            found.append(frozenset({Day(year, MONTHS[match["month"]], int(day) if day else None)}))
    return found


def _valid(day: Day) -> bool:
    try:
        date(2000 + (day.year or 0) % 100, day.month or 0, day.day or 0)
    except ValueError:
        return False
    return True


# --- words with a value


WEAK = frozenset({"in", "up", "down", "out", "back", "over", "away", "inside", "atop", "near", "close"})
"""Directions that are also particles ("sitting down on the left"): they count only where no other stands."""


def directions(toks: list[str]) -> frozenset[str]:
    """Canonical directions named by the tokens ("upper left" -> top, left)."""
    found = {t for t in toks if t in DIRECTIONS}
    return frozenset(DIRECTIONS[t] for t in (found - WEAK or found))


def colours(toks: list[str]) -> frozenset[str]:
    """Canonical colours named by the tokens (gray -> grey)."""
    return frozenset(COLOURS[t] for t in toks if t in COLOURS)


def negated(toks: list[str]) -> bool:
    """A negation word stands in the tokens ("no doubt", "not only" excepted)."""
    return any(t in NEGATIONS and toks[i + 1 : i + 2] not in (["doubt"], ["only"]) for i, t in enumerate(toks))


def polarity(toks: list[str]) -> bool | None:
    """True yes, False no, None neither or both: the leading word decides, else a statement's main clause."""
    bare = [t for t in toks if t[0].isalnum()]
    if not bare:
        return None
    if bare == ["none"]:
        return False
    bare = _opening(bare)
    if len(bare) <= 2 and bare[0] in _SHORT:
        return bare[0] == "so"
    if bare[-1] == "so" and len(bare) <= 6:
        return not negated(toks)  # "it would seem so", "I don't think so"
    opening = {t in YES for t in itertools.takewhile(lambda t: t in _CLAUSE_WORDS, bare)}
    if len(opening) == 2:
        return None
    said = {t in YES for t in _interjections(toks)}
    taken_back = bare[0] in YES and bare[-1] == "no" and bare[-2] not in _QUOTES
    if len(said) == 2 or taken_back:
        return None
    if bare[0] in YES or bare[0] in NO:
        return bare[0] in YES
    if said:
        return said.pop()
    short = len(bare) == 2 and bare[0] in ("there", "it", "he", "she", "they", "i", "we", "you") and toks[-1] != "?"
    if not short and (len(bare) < 3 or not any(t in VERBS for t in bare)):
        return None
    return not negated(_main_clause(toks))


def leads(toks: list[str]) -> bool:
    """A "yes" or "no" of its own opens or closes the tokens ("most likely yes", "probably not")."""
    bare = _opening([t for t in toks if t[0].isalnum()])
    return bare[0] in YES or bare[0] in NO or (len(bare) <= 2 and bare[0] in _SHORT) or bool(_interjections(toks))


def _opening(bare: list[str]) -> list[str]:
    """Without the adverbs in front, the last word kept."""
    while len(bare) > 1 and bare[0] in _ADVERBS and (bare[0] != "i" or bare[1] in _ADVERBS):
        bare = bare[1:]
    return bare


def alternatives(asked: list[str]) -> set[str]:
    """The words on both sides of an "or" in a question's tokens ("left or right" -> left, right)."""
    asked = [t for t in asked if t not in ARTICLES]
    out: set[str] = set()
    for i, token in enumerate(asked):
        if token in ("or", "oder", "ou") and 0 < i < len(asked) - 1:
            again = i + 2 < len(asked) and asked[i + 1] == asked[max(0, i - 2)]  # "by Skyways or by Aeroline"
            out |= {asked[i - 1], asked[i + 2 if again else i + 1]}
    return {t for t in out if t[0].isalnum()}


_SHORT = ("not", "so")
_QUOTES = frozenset(["say", "says", "said", "read", "reads", "word", "a", "the", "for", "in", "means", "mean"])
""" "Yes, the sign says no"."""
_CLAUSE_WORDS = (YES | NO) - {"not", "never", "correct", "indeed", "certainly", "definitely"}
_ADVERBS = frozenset(
    ["probably", "certainly", "definitely", "surely", "absolutely", "likely", "most", "of", "course", "i", "think",
     "believe", "guess", "i'd", "say", "would"]
)  # fmt: skip
_JOINS = frozenset({"and", "or", "so", "is", "then", "because", "und", "y", "et", "unless", "but", "maybe", "perhaps"})


def _interjections(toks: list[str]) -> list[str]:
    """yes/no words that stand for a whole clause: at the start, or between punctuation."""
    out = []
    for i, token in enumerate(toks):
        if token not in _CLAUSE_WORDS:
            continue
        before, after = toks[i - 1 : i], toks[i + 1 : i + 2]
        opens = i == 0 or not before[0][0].isalnum() or before[0] in _JOINS
        if opens and (not after or not after[0][0].isalnum() or after[0] in _JOINS):
            out.append(token)
    return out


def _main_clause(toks: list[str]) -> list[str]:
    for i, token in enumerate(toks):
        if i > 2 and token in (",", ";", "because", "but", "since"):
            return toks[:i]
    return toks
