"""One rule per kind of reference: whether a short answer has the same value."""

from __future__ import annotations

import re
from collections.abc import Callable

from halo_forge.answers import extract
from halo_forge.metrics import guards, statements, typed
from halo_forge.metrics import words as table
from halo_forge.metrics.names import text_score
from halo_forge.metrics.quantities import Quantity, quantities, tokens
from halo_forge.text import MAX_CHARS, normalise, words


def is_amount(toks: list[str]) -> bool:
    """The whole reference is one amount, with at most one noun after it; codes like 007 are text."""
    found = quantities(toks)
    if len(found) != 1 or any(len(t) > 1 and t[0] == "0" and t.isdigit() for t in toks):
        return False
    before, after = toks[: found[0].start], toks[found[0].end :]
    if any(t not in table.ARTICLES and t not in ("~", "about") for t in before):
        return False
    return not after or after == ["."] or (len(after) == 1 and after[0].isalpha() and len(after[0]) > 2)


def _yesno(prediction: str, answer: str, question: str) -> float:
    said = statements.polarity(tokens(prediction), question)
    return float(said is not None and said == typed.polarity(tokens(answer)))


def _time(prediction: str, answer: str, question: str) -> float:
    wanted, said = typed.clocks(answer), typed.clocks(prediction)
    if not said and (dotted := re.fullmatch(r"\D{0,20}(\d{1,2})[.h](\d\d)\D{0,3}", prediction.strip())):
        said = typed.clocks(f"{dotted[1]}:{dotted[2]}")
    if said:
        return float(all(s.equals(wanted[0]) for s in said))
    numbers = quantities(tokens(prediction))
    on_the_hour = wanted[0].minutes % 60 == 0 and len(numbers) == 1 and len(words(prediction)) <= 2
    return float(on_the_hour and numbers[0].shown == (wanted[0].minutes // 60 - 1) % 12 + 1)


def _date(prediction: str, answer: str, question: str) -> float:
    wanted, said = typed.days(answer)[0], typed.days(prediction)
    if not said:
        return text_score(prediction, answer, question)
    if not all(any(a.agrees(b) for a in readings for b in wanted) for readings in said):
        return 0.0
    whole = any((a.year is None) == (b.year is None) for readings in said for a in readings for b in wanted)
    return 1.0 if whole else 0.5


_BOUNDS = frozenset(
    {
        "over",
        "under",
        "above",
        "below",
        "than",
        "least",
        "most",
        "not",
        "nearly",
        "almost",
        "exceeding",
        "beyond",
    }
)


def _number(prediction: str, answer: str, question: str) -> float:
    wanted = quantities(tokens(answer))[0]
    toks = tokens(prediction)
    found = quantities(toks)
    if len(found) > 1:  # numbers that the question gave are not a second answer
        given = {q.value for q in quantities(tokens(question))}
        found = [q for q in found if q.value not in given or q.equals(wanted)]
    if not wanted.value and _none(toks, found):
        return 1.0
    if not found or any(q.start and toks[q.start - 1] in _BOUNDS for q in found):
        return 0.0
    if typed.clocks(prediction):
        return 0.0
    return float(all(q.equals(wanted) for q in found))


def _none(toks: list[str], found: list[Quantity]) -> bool:
    """ "No one", "no people are wearing hats": no amount but none."""
    return toks[0] == "no" and (not found or (toks[1:2] == ["one"] and len(found) == 1))


def _score(prediction: str, answer: str, question: str) -> float:
    """ "3-2", "3:2" and "3 to 2" in this order."""
    said = [m.groups() for m in _TALLY.finditer(normalise(prediction[:MAX_CHARS]))]
    wanted = _TALLY.search(normalise(answer))
    return float(bool(said) and wanted is not None and all(s == wanted.groups() for s in said))


_TALLY = re.compile(r"(?<![\d:-])(\d{1,3})\s?(?:[-:]|to)\s?(\d{1,3})(?![\d:-])")


def _option_letter(prediction: str, answer: str, question: str) -> float:
    bare = [w for w in words(prediction) if w not in ("the", "letter", "option", "answer", "is", "it")]
    if len(bare) == 1:
        return float(bare[0] == answer.strip().lower())
    letters = dict.fromkeys("ABCDEFGH", "")
    return float(extract(prediction, choices=letters).text == answer.strip().upper())


def _direction(prediction: str, answer: str, question: str) -> float:
    toks = tokens(prediction)
    wanted = typed.directions(tokens(answer))
    said = typed.directions(_before_ground(toks))
    if typed.negated(toks) or not said or any(said.issuperset(pair) for pair in table.OPPOSITES):
        return 0.0
    if wanted <= said:
        return 1.0
    return 0.5 if said < wanted else 0.0


def _before_ground(toks: list[str]) -> list[str]:
    """The tokens up to the "of", "from" … after the first direction ("right of the man on the left")."""
    seen = False
    for i, token in enumerate(toks):
        seen = seen or (token in table.DIRECTIONS and token not in typed.WEAK)
        if seen and token in ("of", "from", "von", "de", "del", "du", "di", "who", "which", "where"):
            return toks[:i]
    return toks


def _colour(prediction: str, answer: str, question: str) -> float:
    toks, gold = tokens(prediction), tokens(answer)
    said, wanted = typed.colours(toks), typed.colours(gold)
    if typed.negated(toks) or not said:
        return 0.0
    if said != wanted and len(said | wanted) > 1:
        said, wanted = (c - {"navy"} if c > {"navy"} and "blue" in c else c for c in (said, wanted))
    if said != wanted:
        common = len(said & wanted)
        return 2 * common / (len(said) + len(wanted)) if len(wanted) > 1 else 0.0
    missing = (set(gold) & table.SHADES) - set(toks)
    return 1.0 if not missing else 0.0 if set(toks) & table.SHADES else 0.5


def _list(prediction: str, answer: str, question: str) -> float:
    """F1 of items matched one to one; order does not matter, as in ANLS*."""
    said, wanted = guards.items(prediction)[:200], guards.items(answer)[:200]
    left = list(said)
    for item in wanted:
        hit = next((s for s in left if _same_item(s, item)), None)
        if hit is not None:
            left.remove(hit)
    common = len(said) - len(left)
    return 2 * common / (len(said) + len(wanted)) if said and wanted else 0.0


def _same_item(said: str, wanted: str) -> bool:
    a, b = (quantities(tokens(t)) for t in (said, wanted))
    if len(a) == len(b) == 1 and is_amount(tokens(wanted)):
        return a[0].equals(b[0])
    return text_score(said, wanted, "") == 1.0


RULES: dict[str, Callable[[str, str, str], float]] = {
    "yesno": _yesno,
    "time": _time,
    "date": _date,
    "number": _number,
    "letter": _option_letter,
    "tally": _score,
    "direction": _direction,
    "colour": _colour,
    "list": _list,
    "text": text_score,
}
