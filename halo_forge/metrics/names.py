"""Names and free text: equal, the same thing by another name, or alike in spelling behind every guard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from halo_forge.metrics import guards
from halo_forge.metrics import words as table
from halo_forge.metrics.sentences import said_in
from halo_forge.text import MAX_CHARS, normalise, plain, words

TAU = 0.5
"""Likeness below this is nothing (ANLS)."""
LIKENESS_CAP = 0.89
"""A misspelt name ("No Packing" for "No Parking") is close, and never right."""
FREE_TEXT_CAP = 0.8
"""Shared words never equal exactness."""

_MAX_LIKE = 2000

_LOOKALIKE = str.maketrans("oqilsbzg", "00115829")
_QUOTED = re.compile(r'"([^"]{1,400})"')
_LEAD = re.compile(
    r"\b(?:is|are|was|says|say|said|reads|read|shows|called|named|labeled|labelled|displays|dit|dice|sagt|est|ist"
    r"|es|sono|equals)\b[: ]"
)


def text_score(prediction: str, answer: str, question: str) -> float:
    """1 for the same name, 0.5 to 1 for a like spelling, 0 otherwise, by the best reading of it."""
    if (told := _calendar(prediction, answer)) is not None:
        return told
    if normalise(answer) in _BOUNDS and question:
        said = words(prediction)
        if len(said) <= 5 and said[:1] and said[0] in _BOUNDS[normalise(answer)]:
            return 1.0
    prediction, answer = unified(prediction), unified(answer)
    if said_in(prediction, answer, question):
        return 1.0
    return max(_score(form, answer, question) for form in _readings(prediction))


_LESS = frozenset(["less", "fewer", "under", "below", "lower", "smaller"])
_MORE = frozenset(["more", "over", "above", "greater", "higher"])
_BOUNDS = {"less": _LESS, "fewer": _LESS, "more": _MORE, "greater": _MORE}


def _calendar(prediction: str, answer: str) -> float | None:
    """A weekday or month is the one that is named, and never one that is spelt alike; None for other references."""
    gold = plain(answer)
    names = table.WEEKDAYS if gold in table.WEEKDAYS.values() else table.MONTHS if gold in _MONTHS else None
    if names is None:
        return None
    own = names.get(gold, gold)
    said = words(prediction)
    named = {
        names.get(w) or names.get(w.rstrip("s")) or w
        for w in said
        if w in names or w in names.values() or w.rstrip("s") in names.values()
    }
    if not named:
        return None
    return float(named == {own} and not guards.other_polarity(prediction, answer))


_MONTHS = frozenset(m for m in table.MONTHS if len(m) > 4 or m in ("june", "july"))
_PHRASES = re.compile(
    r"\b(?:" + "|".join(sorted((p for p, q in table.PHRASES.items() if p != q), key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def unified(text: str) -> str:
    """Phrases of one meaning in one wording ("next to", "alongside": "beside")."""
    return _PHRASES.sub(lambda m: table.PHRASES[m[0].lower()], text[:MAX_CHARS])


def _readings(prediction: str) -> Iterator[str]:
    """The prediction; its only quoted part; what follows the first verb of saying or being in a short one."""
    text = normalise(prediction)
    yield text
    quoted = _QUOTED.findall(text)
    if len(quoted) == 1 and len(text) < 600:
        yield quoted[0]
    lead = _LEAD.search(text)
    if lead and not quoted and text.count(" ") < 15:
        yield text[lead.end() :]


def _score(said: str, answer: str, question: str) -> float:
    a, b = core(said), core(answer)
    if not a or not b:
        return 0.0
    if a == b or a.replace(" ", "") == b.replace(" ", "") or _initials(a) == _initials(b) != "":
        return 1.0
    if (places := table.PLACES & set(b.split())) and (other := table.PLACES & set(a.split())) and not places & other:
        return 0.0
    if guards.other_digits(said, answer):
        return _near_miss(a, b)
    if guards.stopped((guards.other_polarity, guards.opposite), said, answer, question):
        return 0.0
    if (known := same_thing(a, b)) is not None:
        return float(known)
    if _only_filler(a.split(), b.split(), question):
        return 1.0
    if len(b) <= 4:
        return _near_miss(a, b)
    return max(_likeness(said, answer), _shared_words(a.split(), b.split()))


def core(text: str) -> str:
    """The words of a name without articles."""
    return " ".join(w for w in words(text) if w not in table.ARTICLES) or plain(text)


def _initials(name: str) -> str:
    """A name with initials, without their periods and spaces ("j.k. rowling"); "" for other texts."""
    bare = name.replace(".", "").replace(" ", "")
    return bare if "." in name and bare.isalpha() else ""


def _near_miss(a: str, b: str) -> float:
    """Half for one look-alike character (0/O, 1/I, 5/S …), nothing for any other difference."""
    a, b = a.replace(" ", ""), b.replace(" ", "")
    if len(a) != len(b) or len(b) < 2 or a.translate(_LOOKALIKE) != b.translate(_LOOKALIKE):
        return 0.0
    return 0.5 if sum(x != y for x, y in zip(a, b, strict=True)) == 1 and not (a.isdigit() and b.isdigit()) else 0.0


@lru_cache(maxsize=1)
def labels() -> tuple[dict[str, str], dict[str, str]]:
    """Equal forms, and narrower forms, of the detector's words, singular and plural -> their label."""
    from halo_forge.verifiers.lexicon import (  # here: the verifiers package imports the metrics
        coco_table,
        plural,
    )

    equal: dict[str, str] = {}
    narrower: dict[str, str] = {}
    for label, forms, kinds in coco_table():
        for found, group in ((equal, forms), (narrower, kinds)):
            for form in group:
                for surface in (form, *plural(form)):
                    found.setdefault(surface, label)
    return equal, narrower


@lru_cache(maxsize=4096)
def _plurals(noun: str) -> tuple[str, ...]:
    from halo_forge.verifiers.lexicon import plural

    return plural(noun)


def same_thing(a: str, b: str) -> bool | None:
    """Whether `a` names the thing `b` names: True for a synonym, a plural or a kind of it ("kitten" for "cat"),
    False for things known to differ, None if unknown."""
    equal, narrower = labels()
    if a not in equal and b not in equal and (a in table.ABROAD or b in table.ABROAD):
        own, other = table.ABROAD.get(a, a), table.ABROAD.get(b, b)
        return own == other or None
    if a in table.ABROAD and a not in equal and b in equal:
        a = table.ABROAD[a]
    elif b in table.ABROAD and b not in equal and a in equal:
        b = table.ABROAD[b]
    if a in equal and b in equal:
        person = equal[b] == "person" and b not in ("person", "people")
        return equal[a] == equal[b] and (not person or a == b or a in _plurals(b) or b in _plurals(a))
    if a in narrower and b in equal:
        return narrower[a] == equal[b]
    return True if a in _plurals(b) or b in _plurals(a) else None


def _only_filler(said: list[str], gold: list[str], question: str) -> bool:
    """The reference stands in the prediction, and the rest is filler, the question's words, or a modifier."""
    if not len(gold) < len(said) <= 40:
        return False
    n = len(gold)
    at = next((i for i in range(len(said) - n + 1) if _equal_run(said[i : i + n], gold)), -1)
    if at < 0:
        return False
    asked = set(words(question))
    modifiers = set() if "colo" in question.lower() else set(table.COLOURS) | table.SHADES
    modifiers |= {"big", "small", "large", "little", "probably", "side"}
    return all(w in table.STOP or w in asked or w in modifiers for w in said[:at] + said[at + n :])


def _equal_run(said: list[str], gold: list[str]) -> bool:
    return said == gold or (said[:-1] == gold[:-1] and said[-1] in _plurals(gold[-1]))


def _likeness(said: str, answer: str) -> float:
    a, b = plain(said)[:_MAX_LIKE], plain(answer)[:_MAX_LIKE]
    likeness = 1 - Levenshtein.distance(a, b) / max(len(a), len(b), 1)
    return min(likeness, LIKENESS_CAP) if likeness >= TAU else 0.0


def _shared_words(said: list[str], gold: list[str]) -> float:
    """F1 of content words, for references of three words or more."""
    a, b = ({w for w in side if w not in table.STOP} for side in (said, gold))
    if len(gold) < 3 or not a or not b:
        return 0.0
    f1 = 2 * len(a & b) / (len(a) + len(b))
    return min(FREE_TEXT_CAP, f1) if f1 >= TAU else 0.0
