"""Our typed comparison: the kind of the reference decides the rule, digits are exact, likeness is for names.

yes/no, time, date, number with unit, option letter, direction, colour: equal value or nothing. List: F1 of
items matched one to one. Text: equal, the same thing by another name, or ANLS from 0.5 up. Hedges, lists of
guesses and copied questions: nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from halo_forge.answers import extract
from halo_forge.metrics import guards, typed
from halo_forge.metrics import words as table
from halo_forge.metrics.quantities import tokens
from halo_forge.metrics.rules import RULES, is_amount
from halo_forge.text import EDGES, MAX_CHARS, normalise, plain, strip_accents

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
    said = html.unescape(prediction[:MAX_CHARS])
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
    scored = RULES[kind](prediction, answer, question)
    if kind == "text" and scored < 1 and len(guards.items(answer)) == 2:  # "apple, banana" is two things
        return 1.0 if RULES["list"](prediction, answer, question) == 1 else scored
    return scored


def same(prediction: str, answer: str) -> bool:
    """Equal in normal form, outer punctuation aside, or a weekday cut short; never for two texts without a letter
    or digit."""
    if prediction[-1:] > "\u3000":
        prediction = _COPULA.sub("", prediction)
    a, b = (strip_accents(normalise(t)).strip(EDGES) for t in (prediction, answer))
    return bool(a) and (a == b or table.WEEKDAYS.get(a) == b or table.MONTHS.get(a, 0) == table.MONTHS.get(b))


_COPULA = re.compile(r"^(?:これは|それは|答えは|这是|那是)|(?:です|でした|だ|である|입니다|이다)[。.]?$")


@lru_cache(maxsize=8192)  # the references of a prompt are met once per completion
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
    if re.fullmatch(r"\d{1,2}(?:\s?[-–]\s?\d{1,2}|:\d)", answer.strip()):
        return "tally"
    if len(toks) <= 6 and typed.clocks(answer):
        return "time"
    if len(toks) <= 8 and typed.days(answer):
        return "date"
    if is_amount(toks):
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


def _letter(text: str, choices: Choices) -> str | None:
    """The letter of the option that the text names, by letter or by its words."""
    named = choices if isinstance(choices, Mapping) else {chr(65 + i): str(c) for i, c in enumerate(choices)}
    texts = {plain(str(v)): k for k, v in named.items()}
    if (by_text := texts.get(plain(text))) is not None:
        return by_text
    found = extract(text, choices=named).text
    return found if found is not None and found in named else None
