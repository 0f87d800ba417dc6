"""One rule per kind of reference: whether a short answer has the same value."""

from __future__ import annotations

import re
from collections.abc import Callable

from halo_forge.answers import extract
from halo_forge.metrics import guards, statements, typed
from halo_forge.metrics import words as table
from halo_forge.metrics.names import same_thing, text_score
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


_AGREES = [["sure"], ["absolutely"], ["exactly"], ["right"], ["yes", "sure"], ["totally"], ["of", "course"]]


def _yesno(prediction: str, answer: str, question: str) -> float:
    if words(prediction)[:1] in (["whether"], ["if"]):
        return 0.0  # the question said back
    if words(prediction) in _AGREES:
        return float(typed.polarity(tokens(answer)) is True)
    said = statements.polarity(tokens(prediction), question)
    return float(said is not None and said == typed.polarity(tokens(answer)))


def _time(prediction: str, answer: str, question: str) -> float:
    wanted, said = typed.clocks(answer), typed.clocks(prediction)
    if not said and (dotted := re.fullmatch(r"\D{0,20}(\d{1,2})[.h](\d\d)\D{0,3}", prediction.strip())):
        said = typed.clocks(f"{dotted[1]}:{dotted[2]}")
    said = said or typed.told(prediction)
    if said:
        return float(all(s.equals(wanted[0]) for s in said))
    numbers = quantities(tokens(prediction))
    on_the_hour = wanted[0].minutes % 60 == 0 and len(numbers) == 1 and len(words(prediction)) <= 2
    return float(on_the_hour and numbers[0].shown == (wanted[0].minutes // 60 - 1) % 12 + 1)


def _date(prediction: str, answer: str, question: str) -> float:
    wanted, said = typed.days(answer)[0], typed.days(typed.numbered(prediction))
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
    toks = _concluded(tokens(prediction))
    found = quantities(toks)
    if len(found) > 1:  # numbers that the question gave are not a second answer
        given = {q.value for q in quantities(tokens(question))}
        found = [q for q in found if q.value not in given or q.equals(wanted)]
    if not wanted.value and _none(toks, found):
        return 1.0
    if not found or any(q.start and toks[q.start - 1] in _BOUNDS for q in found):
        return 0.0
    if _other_counted(found, toks, question):
        return 0.0
    if typed.clocks(prediction) or any(toks[q.start] in _ROUGH for q in found):
        return 0.0
    if all(q.equals(wanted) for q in found):
        return 1.0
    return float(_told_apart(found, toks, wanted) or _asked_of(found, toks, wanted, question))


def _other_counted(found: list[Quantity], toks: list[str], question: str) -> bool:
    """ "Two benches" to "How many people?"."""
    asked = words(question)
    if asked[:2] != ["how", "many"] or len(asked) < 3 or len(found) != 1 or found[0].end >= len(toks):
        return False
    return same_thing(toks[found[0].end], asked[2]) is False and same_thing(asked[2], toks[found[0].end]) is False


def _concluded(toks: list[str]) -> list[str]:
    """What follows the last "=" or "which add up to" of a calculation; else all tokens."""
    counted = not {"plus", "minus", "times", "+"}.isdisjoint(toks)
    at = max(
        (i for i, t in enumerate(toks) if t in table.RESULTS or (counted and t in ("is", "leaves", "makes"))), default=0
    )
    rest = toks[at + 1 :]
    return rest if at and len(quantities(toks[:at])) > 1 and quantities(rest) else toks


_ROUGH = frozenset(["dozens", "hundreds", "thousands", "millions", "scores", "tens"])


def _told_apart(found: list[Quantity], toks: list[str], wanted: Quantity) -> bool:
    """ "Three: two brown and one white", "3 (1 + 2)": a number and what it is made of."""
    parts = found[1:]
    after = toks[found[0].end : parts[0].start] if parts else []
    opened = not {":", "(", ",", "-"}.isdisjoint(after)
    single = sum(t in ("a", "an") for t in toks[found[0].end :]) if parts else 0  # "four: three cars and a bus"
    made = sum(q.value for q in parts) + single == wanted.value
    made = made or (len(parts) == 2 and abs(parts[0].value - parts[1].value) == wanted.value)
    return len(parts) + single > 1 and opened and found[0].equals(wanted) and made


def _asked_of(found: list[Quantity], toks: list[str], wanted: Quantity, question: str) -> bool:
    """ "3 dogs and 1 cat" to "How many dogs?": each number has its noun, and one of them is the question's."""
    asked = set(words(question))
    nouns = [toks[q.end] if q.end < len(toks) else "" for q in found]
    own = [q for q, noun in zip(found, nouns, strict=True) if noun in asked or noun + "s" in asked]
    named = all(len(noun) > 2 and noun.isalpha() for noun in nouns)
    return named and len(own) == 1 and own[0].equals(wanted)


def _none(toks: list[str], found: list[Quantity]) -> bool:
    """ "No one", "no people are wearing hats": no amount but none."""
    return toks[0] == "no" and (not found or (toks[1:2] == ["one"] and len(found) == 1))


def _score(prediction: str, answer: str, question: str) -> float:
    """ "3-2", "3:2" and "3 to 2" in this order."""
    said = [m.groups() for m in _TALLY.finditer(_DIGITS.sub(_digit, normalise(prediction[:MAX_CHARS])))]
    wanted = _TALLY.search(normalise(answer))
    return float(bool(said) and wanted is not None and all(s == wanted.groups() for s in said))


_SMALL = {word: str(i) for i, word in enumerate(table.SMALL)}
_DIGITS = re.compile(rf"\b(?:{'|'.join(_SMALL)})\b")


def _digit(word: re.Match[str]) -> str:
    return _SMALL[word[0]]


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
    if said and _turned(toks, question):
        said = frozenset(_CONVERSE.get(d, d) for d in said)
    if typed.negated(toks) or not said or any(said.issuperset(pair) for pair in table.OPPOSITES):
        return 0.0
    if wanted <= said:
        return 1.0
    return 0.5 if said < wanted else 0.0


_CONVERSE = {a: b for pair in table.OPPOSITES for a, b in (pair, pair[::-1])}
_RELATIVE_TO = frozenset(["relative", "compared", "from", "of", "with", "to", "in"])


def _turned(toks: list[str], question: str) -> bool:
    """ "The laptop is left of the cup" to "Where is the cup relative to the laptop?": the answer is the converse."""
    asked = [t for t in tokens(question) if t not in table.ARTICLES]
    joint = next((i for i, t in enumerate(asked) if i > 2 and t in _RELATIVE_TO), 0)
    at = next((i for i, t in enumerate(toks) if t in table.DIRECTIONS and t not in typed.WEAK), 0)
    if not joint or not at or asked[0] != "where" or at + 1 >= len(toks):
        return False
    figure, ground = set(asked[2:joint]) - table.STOP, set(asked[joint:]) - table.STOP - _RELATIVE_TO
    head, tail = set(toks[:at]), set(toks[at + 1 :])
    return bool(figure & tail and ground & head and not figure & head and not ground & tail)


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
    if "navy" in said | wanted:  # "navy", "navy blue" and "dark blue" are one
        said, wanted = (
            (c - {"blue", "navy"}) | {"navy"} if "navy" in c or ("blue" in c and "dark" in t) else c
            for c, t in ((said, toks), (wanted, gold))
        )
        if said == wanted:
            return 1.0
        if "navy" in wanted and "navy" not in said and "blue" in said:
            return float(set(toks).isdisjoint(table.SHADES)) * 0.5 if wanted == {"navy"} else 0.0
        said = (said - {"navy"}) | {"blue"} if "navy" in said else said
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
