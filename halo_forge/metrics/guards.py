"""What earns nothing, as a list: each guard answers True when an answer must not be paid against a reference.

Likeness of spelling or meaning is never enough where one of these holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from halo_forge.metrics import words as table
from halo_forge.metrics.quantities import quantities, tokens
from halo_forge.metrics.typed import alternatives, negated
from halo_forge.text import normalise, words

_DIGITS = re.compile(r"\d|(?<=\d)\.(?=\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SECOND = re.compile(
    r"\(\s*(?:also|alternatively|alt|possibly|perhaps|maybe|or)\b"
    r"|\b(?:second|other|next best|backup) (?:guess|choice|option|candidate)\b"
    r"|\b(?:a|some|small|slight) chance (?:of|for)\b"
    r"|\b(?:is|are|was) (?:also |equally |still )?possible\b|\b(?:could|might|may) also\b"
)
"""Words that bring in a second answer after the first."""
_LETTERED = re.compile(r"(?<!\w)\(?([A-H])[.):](?=\s)")
_SHARE = re.compile(r"\(?\b\d{1,3}\s?%")
_ITEMS = re.compile(r"[,;\n]|(?<!\w)(?<!\bil )(?<!\bn')(?:and|und|et|y|e)(?!\w)|&")


def empty(prediction: str, answer: str, question: str = "") -> bool:
    """No letter and no digit: blanks, punctuation, emoji."""
    return not any(c.isalnum() for c in prediction)


def copied(prediction: str, answer: str, question: str = "") -> bool:
    """Most of the question given back, no option singled out and no statement made of it."""
    said, asked = words(prediction), words(question)
    if len(said) < max(4, 0.6 * len(asked)) or not set(said) <= set(asked) or said == words(answer):
        return False
    if len(alternatives(tokens(question)) & set(said)) == 1 and "?" not in prediction:
        return False
    stated = "?" not in prediction and _starts(asked) and not _starts(said)
    return not (stated and f" {' '.join(said)} " not in f" {' '.join(asked)} ")


def _starts(said: list[str]) -> bool:
    """Opens like a yes-no question."""
    return said[0] in _ASKING


_ASKING = frozenset(["is", "are", "was", "were", "do", "does", "did", "can", "could", "has", "have", "will"])


def hedged(prediction: str, answer: str, question: str = "") -> bool:
    """Alternatives ("4 or 5", "left/right"), a second guess, several options of the question, or "maybe" in a short
    answer."""
    toks, gold = tokens(prediction), set(tokens(answer))
    whole = words(prediction)  # "7TKR4O2" holds no "o"
    if any(
        t in table.ORS and t not in gold and 0 < i < len(whole) - 1 and not _article(whole, i)
        for i, t in enumerate(whole)
    ):
        return not _repeats(toks)
    if "/" in toks and "/" not in gold and any(_slashed(toks, i) for i, t in enumerate(toks) if t == "/"):
        return True
    opening = toks[: 3 if len(toks) > 6 else None]
    if any(t in table.HEDGES and t not in gold and not _own_guess(toks, i) for i, t in enumerate(opening)):
        return True
    if _second_guess(prediction.casefold(), answer.casefold()) or len(_lettered(prediction, question)) > 1:
        return len(_lettered(answer, question)) < 2
    both = alternatives(tokens(question))
    return len(both) > 1 and len(both & set(toks)) > 1 and not both <= gold


def _own_guess(toks: list[str], i: int) -> bool:
    """ "My best guess would be a kite" gives one answer."""
    return toks[i] == "guess" and toks[i - 1 : i] in (["best"], ["my"]) and len(toks) > i + 2


def _lettered(text: str, question: str) -> set[str]:
    """Letters of the question's options that a text names as the question does ("A. GARAGE B. HOTEL")."""
    return set(_LETTERED.findall(text)) & set(_LETTERED.findall(question))


def _second_guess(said: str, gold: str) -> bool:
    """Another answer beside the first ("Hawks (also Bears)"), or shares for several ("Hawks (60%) Bears (40%)")."""
    if _SECOND.search(said, 1) and not _SECOND.search(gold):
        return True
    return "%" not in gold and len(_SHARE.findall(said)) > 1 and said.lstrip("( ")[:1].isalpha()


def _article(whole: list[str], i: int) -> bool:
    """ "É o 47": the Portuguese article after a verb, and no Spanish "or"."""
    return whole[i] == "o" and whole[i - 1] in ("e", "eh", "esta", "sao", "foi", "diz")


def _repeats(toks: list[str]) -> bool:
    """One amount said twice is no hedge ("a dozen or 12", "12 or 12")."""
    found = quantities(toks)
    return len(found) > 1 and all(q.equals(found[0]) for q in found)


def _slashed(toks: list[str], i: int) -> bool:
    return 0 < i < len(toks) - 1 and toks[i - 1][0].isalpha() and toks[i + 1][0].isalpha()


def guesses(prediction: str, answer: str, question: str = "") -> bool:
    """A list of three or more where the reference is not one."""
    said, gold = items(prediction), items(answer)
    if gold[:1] == said[:1] and gold and (gold[0] in table.YES or gold[0] in table.NO):
        return False  # "No, that's a cat, not a dog" is one answer
    return len(said) >= 3 and len(said) > len(gold) + 1 and all(len(i.split()) <= 3 for i in said)


def items(text: str) -> list[str]:
    """The parts of an enumeration, brackets dropped."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", normalise(text))
    return [i for i in (part.strip(" []()\"'.") for part in _ITEMS.split(text)) if i]


def other_digits(prediction: str, answer: str, question: str = "") -> bool:
    """The digits are not the same, in the same order."""
    return digits(prediction) != digits(answer)


def digits(text: str) -> str:
    """Digits and decimal points, thousands separators dropped."""
    return "".join(_DIGITS.findall(_THOUSANDS.sub("", normalise(text))))


def other_polarity(prediction: str, answer: str, question: str = "") -> bool:
    """One side is negated and the other is not."""
    return negated(tokens(prediction)) != negated(tokens(answer))


def opposite(prediction: str, answer: str, question: str = "") -> bool:
    """A word of the reference is replaced by its opposite ("open" for "closed", "west" for "east")."""
    said, gold = set(tokens(prediction)), set(tokens(answer))
    for pair in table.ANTONYMS:
        if len(pair & gold) == 1 and pair & said and not pair & gold & said:
            return True
    for sides in table.OPPOSITES:
        ours = {table.DIRECTIONS.get(t) for t in said} & set(sides)
        theirs = {table.DIRECTIONS.get(t) for t in gold} & set(sides)
        if len(theirs) == 1 and ours and not ours & theirs:
            return True
    return False


Guard = Callable[[str, str, str], bool]

ALWAYS: tuple[Guard, ...] = (empty, copied, hedged, guesses)
"""Whatever the type of the answer."""

SPELLING: tuple[Guard, ...] = (other_digits, other_polarity, opposite)
"""Before any likeness of spelling or meaning counts."""


def stopped(guards: tuple[Guard, ...], prediction: str, answer: str, question: str = "") -> bool:
    """Some guard holds."""
    return any(guard(prediction, answer, question) for guard in guards)
