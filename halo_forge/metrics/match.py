"""Our typed comparison: the kind of the reference decides the rule, digits are exact, likeness is for names.

yes/no, time, date, number with unit, option letter, direction, colour: equal value or nothing. List: F1 of
items matched one to one. Text: equal, the same thing by another name, or ANLS from 0.5 up. Hedges, lists of
guesses and copied questions: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from halo_forge.answers import extract
from halo_forge.metrics import guards, typed
from halo_forge.metrics import words as table
from halo_forge.metrics.names import text_score
from halo_forge.metrics.quantities import quantities, tokens
from halo_forge.text import EDGES, MAX_CHARS, normalise, plain, strip_accents, words

Choices = Sequence[str] | Mapping[str, str]


def match(
    prediction: str,
    answers: Sequence[str],
    question: str | None = None,
    choices: Choices | None = None,
    answer_type: str | None = None,
) -> float:
    """The best score in [0, 1] over the references; blank references count for nothing.

    `question` tells copied words and its own numbers apart from an answer; `answer_type` "list" or "text"
    overrides the kind read from the reference.
    """
    asked = (question or "")[:MAX_CHARS]
    said = prediction[:MAX_CHARS]
    return max((_against(said, a, asked, choices, answer_type) for a in answers if a and a.strip()), default=0.0)


def _against(prediction: str, answer: str, question: str, choices: Choices | None, answer_type: str | None) -> float:
    if same(prediction, answer):
        return 1.0
    if choices and (letter := _letter(answer, choices)):
        return float(_letter(prediction, choices) == letter)
    kind = kind_of(answer, question, answer_type)
    always = (guards.empty, guards.copied) if kind == "list" else guards.ALWAYS
    if guards.stopped(always, prediction, answer, question):
        return 0.0
    return RULES[kind](prediction, answer, question)


def same(prediction: str, answer: str) -> bool:
    """Equal in normal form, outer punctuation aside; never for two texts without a letter or digit."""
    a, b = (strip_accents(normalise(t)).strip(EDGES) for t in (prediction, answer))
    return bool(a) and a == b


def kind_of(answer: str, question: str = "", answer_type: str | None = None) -> str:
    """The rule for a reference: a key of RULES."""
    if answer_type in ("list", "text"):
        return answer_type
    toks = tokens(answer)
    bare = [t for t in toks if t[0].isalnum() and t not in table.STOP]
    if answer.strip().startswith("[") or len(guards.items(answer)) >= 3:
        return "list"
    if plain(answer) in _PLAIN_POLARITY:
        return "yesno"
    if len(toks) <= 6 and typed.clocks(answer):
        return "time"
    if len(toks) <= 8 and typed.days(answer):
        return "date"
    if _is_number(toks):
        return "number"
    if len(answer.strip()) == 1 and answer.strip().upper() in "ABCDEFGH":
        return "letter"
    if bare and all(t in table.DIRECTIONS or t in _PLACE_WORDS for t in bare) and typed.directions(bare):
        return "direction"
    return "colour" if _is_colour(bare, question) else "text"


def _is_colour(bare: list[str], question: str) -> bool:
    """Only colour words; "orange" and the like only where the question is about colour or unknown."""
    if not bare or not all(t in table.COLOURS or t in table.SHADES or t in _AND for t in bare):
        return False
    thing = set(bare) & _ALSO_THINGS and question and "colo" not in question.lower()
    return bool(typed.colours(bare)) and not thing


_AND = frozenset({"and", "und", "et", "y"})
_PLAIN_POLARITY = frozenset({"yes", "no", "true", "false", "oui", "non", "si", "ja", "nein", "nao", "sim"})
_PLACE_WORDS = frozenset({"corner", "hand", "half", "part", "of"})
_ALSO_THINGS = frozenset(
    {"orange", "gold", "rose", "silver", "cream", "olive", "lime", "mint", "cafe", "rosa", "viola"}
)


def _is_number(toks: list[str]) -> bool:
    """The whole reference is one amount, with at most one noun after it; codes like 007 are text."""
    found = quantities(toks)
    if len(found) != 1 or any(len(t) > 1 and t[0] == "0" and t.isdigit() for t in toks):
        return False
    before, after = toks[: found[0].start], toks[found[0].end :]
    if any(t not in table.ARTICLES and t not in ("~", "about") for t in before):
        return False
    return not after or after == ["."] or (len(after) == 1 and after[0].isalpha() and len(after[0]) > 2)


def _letter(text: str, choices: Choices) -> str | None:
    """The letter of the option that the text names, by letter or by its words."""
    named = choices if isinstance(choices, Mapping) else {chr(65 + i): str(c) for i, c in enumerate(choices)}
    texts = {plain(str(v)): k for k, v in named.items()}
    if (by_text := texts.get(plain(text))) is not None:
        return by_text
    found = extract(text, choices=named).text
    return found if found is not None and found in named else None


# --- one rule per kind


def _yesno(prediction: str, answer: str, question: str) -> float:
    said = typed.polarity(tokens(prediction))
    return float(said is not None and said == typed.polarity(tokens(answer)))


def _time(prediction: str, answer: str, question: str) -> float:
    wanted, said = typed.clocks(answer), typed.clocks(prediction)
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
    if not found or any(q.start and toks[q.start - 1] in _BOUNDS for q in found):
        return 0.0
    if typed.clocks(prediction):
        return 0.0
    return float(all(q.equals(wanted) for q in found))


def _option_letter(prediction: str, answer: str, question: str) -> float:
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
    if len(a) == len(b) == 1 and _is_number(tokens(wanted)):
        return a[0].equals(b[0])
    return text_score(said, wanted, "") >= 0.8


RULES: dict[str, Callable[[str, str, str], float]] = {
    "yesno": _yesno,
    "time": _time,
    "date": _date,
    "number": _number,
    "letter": _option_letter,
    "direction": _direction,
    "colour": _colour,
    "list": _list,
    "text": text_score,
}
