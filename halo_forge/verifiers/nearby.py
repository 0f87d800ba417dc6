"""What stands around the things of a sentence, for the rules that attach a relation to its figure and ground."""

from __future__ import annotations

from bisect import bisect_left

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.sentence import Cue, Mention, Sentence
from halo_forge.verifiers.tokens import Tokens

_ANSWER = frozenset(["answer", "correct", "one", "position", "location", "place", "object", "thing", "item", "latter"])


def capitalised(tokens: Tokens, m: Mention, s: Sentence) -> bool:
    """ "The Bears won": capitalised where no sentence, line or list item begins."""
    if not tokens.raw[m.i][0].isupper() or m.i == s.begin:
        return False
    before = tokens.low[m.i - 1]
    return (before.isalnum() and m.i - 1 > s.begin) or before in (",", "the")


def stranger(low: list[str], s: Sentence, cue: Cue) -> str:
    """The thing that the lexicon lacks and stands before a cue: "a sign at the bottom" is not about the topic."""
    begin = s.mentions[cue.before - 1].j if cue.before else s.begin
    for k in range(max(begin, cue.i - 8), cue.i - 1):
        word = low[k + 1]
        if low[k] in data.DETERMINERS and word.isalpha() and word not in data.FILLER and word not in _ANSWER:
            return word
    return ""


def joined(low: list[str], a: Mention, b: Mention) -> bool:
    """Two things with nothing but commas and "and" between them."""
    words = low[a.j : b.at]
    return 0 < len(words) <= 2 and all(w in (",", "and") for w in words)


def between(indices: list[int], i: int, j: int) -> list[int]:
    """The ascending token indices in [i, j)."""
    return indices[bisect_left(indices, i) : bisect_left(indices, j)]
