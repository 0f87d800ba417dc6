"""TextVQA: soft accuracy over the annotators after the EvalAI answer processing, as the M4C evaluator has it.

The processing keeps the evaluator's quirks (a period before a digit stays, only the first 32 periods are
looked at, "red,blue" becomes "redblue"), because published numbers contain them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_PERIOD = re.compile(r"\.(?!\d)")
_MAX_PERIODS = 32  # the evaluator passes a flag of value 32 where the count belongs
_NUMBERS = {
    word: str(value)
    for value, words in enumerate(
        (
            ("none", "zero"),
            *((w,) for w in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")),
        )
    )
    for word in words
}
_ARTICLES = frozenset(("a", "an", "the"))

_CONTRACTED = """
ain't aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't mightn't mustn't needn't oughtn't
shan't shouldn't wasn't weren't won't wouldn't
could've might've must've not've should've would've they've we've what've where've who've you've
he'd how'd it'd someone'd something'd there'd they'd where'd who'd you'd
he's how's somebody's someone's that's there's what's when's where's who's why's
how'll it'll somebody'll someone'll something'll they'll what'll who'll why'll you'll
there're they're what're why're you're
ma'am o'clock 'twas y'all 'ow's'at y'all'll y'all'd've
couldn't've hadn't've mightn't've shouldn't've wouldn't've he'd've it'd've she'd've somebody'd've someone'd've
something'd've there'd've they'd've we'd've who'd've you'd've
"""


def _contractions() -> dict[str, str]:
    """Each form under every spelling that lost exactly one apostrophe ("dont", "couldn'tve")."""
    table = {form[:i] + form[i + 1 :]: form for form in _CONTRACTED.split() for i, ch in enumerate(form) if ch == "'"}
    table["somebody'd"] = "somebodyd"  # this one entry is the wrong way round in the evaluator
    return table


CONTRACTIONS = _contractions()


def vqa_accuracy(prediction: str, answers: Sequence[str]) -> float:
    """Mean over annotators of min(1, matches among the others / 3): 0.3, 0.6, 0.9, 1 for 1, 2, 3, 4+ of ten.

    With fewer than four references (never so in TextVQA) agreement with the others cannot reach three, so it
    is divided by the number of others; a single reference is matched or not.
    """
    found = process(prediction)
    matches = sum(_reference(a) == found for a in answers)
    n = len(answers)
    if n == 1:
        return float(matches)
    full = min(3, n - 1)
    # an annotator who gave the answer has one match fewer among the others
    agreeing, rest = min(full, matches - 1) if matches else 0, min(full, matches)
    return (matches * agreeing + (n - matches) * rest) / (full * n)


def process(answer: str) -> str:
    """An answer as the evaluator compares it."""
    text = answer.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    text = text.replace("\n", " ").replace("\t", " ").strip()
    words = [_NUMBERS.get(word, word) for word in _punctuation(text).split()]
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


_reference = lru_cache(maxsize=65536)(process)  # dataset text repeats; predictions are not kept


def _punctuation(text: str) -> str:
    out = text
    for mark in _PUNCTUATION:
        touches_space = f"{mark} " in text or f" {mark}" in text
        out = out.replace(mark, "" if touches_space else " ")
    return _PERIOD.sub("", out, count=_MAX_PERIODS)
