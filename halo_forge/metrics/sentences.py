"""A reference inside a sentence: "He is holding an open umbrella in his hand" says "umbrella".

The reference has to be what the sentence is about: before it only words that frame an answer, words of the
question and plain modifiers; after it only such words, a clause that explains, or one phrase of place.
"""

from __future__ import annotations

import re
from functools import lru_cache

from halo_forge.metrics import words as table
from halo_forge.metrics.quantities import tokens as raw_tokens
from halo_forge.metrics.typed import negated
from halo_forge.text import normalise, strip_accents, words

MAX_WORDS = 40
_CONTRACTED = re.compile(
    r"\b(it|that|there|he|she|what|this|here|who|where)'s\b|\b(they|there|these|we|you)'re\b|\bi'm\b"
)
_CLAUSE = re.compile(
    r"(?:, |; | - |\. )(?:which|who|whose|according|as|there|because|since|so|in|on|at|it|that|based|not"
    r"|i (?:think|believe|guess|suppose|assume)|i'd say|i would say|probably|apparently|presumably|most likely"
    r"|and (?:it|there)|c'est|parce|porque|weil|denn|perche"
    r"|(?:the|a|an) (?:\w{1,20} )?(?:thing|one|object|item|animal|vehicle|device|kind|type))\b"
    r"|\s(?:because|since|although|though|whereas|while)\s|\s?\("
)
_CORRECTED = frozenset(["actually", "wait", "no", "correction", "sorry", "rather", "instead", "or"])
_PLACE = frozenset(
    ["on", "in", "at", "under", "near", "by", "behind", "beside", "below", "beneath", "above", "inside", "over", "next",
     "around", "between", "against", "along", "with", "from", "to", "of", "across", "within", "atop"]
)  # fmt: skip
_TAIL_STOPS = frozenset(["and", "or", "not", "no", "of", "nor", "without", "but", "plus", "also"])
_DETERMINERS = table.ARTICLES | {"his", "her", "its", "their", "my", "your", "our", "this", "that"}
_GROUNDS = frozenset(["it", "them", "him", "her"])
MAX_PLACE = 7
_SHADES = frozenset(["dark", "light", "bright", "pale", "deep"])


def said_in(prediction: str, answer: str, question: str) -> bool:
    """Whether a sentence gives the reference as its answer, in its own words, a plural or a known synonym."""
    text = _expanded(prediction)
    cut = _CLAUSE.search(text, 1)
    if cut and not _CORRECTED & set(words(text[cut.start() :])[:3]) - {"no"}:
        text = text[: cut.start()]
    gold = _spelling(words(_expanded(answer)))
    if len(gold) == 2 and gold[1] in _GROUNDS and gold[0] in table.PLACES:
        gold = gold[:1]  # "beside it": beside what the question names
    gold = [w for w in gold if w not in _DETERMINERS] or gold
    said = [w for w in _spelling(words(text)) if w not in _DETERMINERS or [w] == gold]
    if not gold or not said or len(said) > MAX_WORDS:
        return False
    if negated(raw_tokens(text)) != negated(raw_tokens(answer)):
        return False
    asked = _stems(question)
    bare = _bare(gold)
    modifiers = table.MODIFIERS if "colo" in question.lower() else table.MODIFIERS | table.COLOURS.keys() | _SHADES
    for k in range(len(said)):
        for wanted in (gold, bare):
            if any(_same_run(said[k : k + n], wanted) and _trails(said[k + n :], asked) for n in _spans(wanted)):
                return True
        word = said[k]
        if not (word in table.STOP or word in table.FRAMING or word in modifiers or _stem(word) in asked):
            return False
    return False


def _expanded(text: str) -> str:
    low = strip_accents(normalise(text[:1000]))
    return _CONTRACTED.sub(lambda m: f"{m[1]} is" if m[1] else f"{m[2]} are" if m[2] else "i am", low)


@lru_cache(maxsize=1024)
def _stems(question: str) -> frozenset[str]:
    asked = words(_expanded(question))
    return frozenset(_stem(w) for w in (*asked, *_spelling(asked)))


def _stem(word: str) -> str:
    """Rough stem, for telling "holds" and "holding" as the question's "hold"."""
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "es", "s", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and (word[-1] == "e" or word[-1] == word[-2]) else word


def _spelling(tokens: list[str]) -> list[str]:
    """Abbreviations and twin words in one spelling ("st" and "street", "wooden" and "wood")."""
    return [table.TWINS.get(w.rstrip("."), w) for w in tokens]


def _bare(gold: list[str]) -> list[str]:
    """The reference without a leading "on the", when anything is left."""
    k = 0
    while k < len(gold) - 1 and gold[k] in table.STOP and gold[k] not in ("to", "from", "by"):
        k += 1
    return gold[k:]


def _spans(gold: list[str]) -> range:
    return range(min(4, len(gold) + 2), max(0, len(gold) - 3), -1)


def _same_run(said: list[str], gold: list[str]) -> bool:
    from halo_forge.metrics.names import same_thing

    if said == gold:
        return True
    if not said or len(said) > 4 or len(gold) > 4:
        return False
    if len(said) == len(gold) > 1 and said[:-1] == gold[:-1] and same_thing(said[-1], gold[-1]):
        return True
    if said[:-1] == gold[:-1] and _stem(said[-1]) == _stem(gold[-1]) and said[-1][:3] == gold[-1][:3]:
        return _inflected(said[-1], gold[-1])
    return bool(same_thing(" ".join(said), " ".join(gold)))


def _inflected(a: str, b: str) -> bool:
    """Singular and plural, or forms of one verb ("sleeps", "sleeping")."""
    verbal = a.endswith(("ing", "s", "ed")) or b.endswith(("ing", "s", "ed"))
    return verbal and not (a.isdigit() or b.isdigit())


def _trails(rest: list[str], asked: frozenset[str]) -> bool:
    """Nothing after the reference changes it: filler, the question's words, or one phrase of place."""
    if all(w in table.STOP or w in table.TRAILING or _stem(w) in asked for w in rest):
        return True
    k = 0
    while k < len(rest) and rest[k] not in _PLACE and (rest[k] in table.TRAILING or _stem(rest[k]) in asked):
        k += 1
    place = rest[k:]
    return bool(place) and place[0] in _PLACE and len(place) <= MAX_PLACE and not _TAIL_STOPS & set(place[1:]) - {"of"}
