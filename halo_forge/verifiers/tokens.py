"""Text to tokens, once: every later step works on these lists and never on the raw text again.

`start` and `end` are offsets into the completion as given, whatever normalising did to it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARS = 20_000
"""Longer completions are read up to here: the time of a verifier is bounded whatever a model writes."""

_TOKEN = re.compile(
    r"</?[A-Za-z][A-Za-z_]{0,15}+>"  # a tag
    r"|[$€£¥]?\d++(?:[.,:]\d++)*+(?:%|[^\W\d_]++)?+"  # 5  $7.05  9:41  30th  40%
    r"|[^\W\d_]++(?:\d[^\W_]*+|'[^\W\d_]++)?+"  # word  isn't  N4471K
    r"|\n\s*+"
    r"|[^\s]"
)
_QUOTES = {
    0x2018: "'",
    0x2019: "'",
    0x201A: "'",
    0x201C: '"',
    0x201D: '"',
    0x201E: '"',
    0x2212: "-",
    0xAB: '"',
    0xBB: '"',
}
_PRONOUNS = frozenset(["it", "that", "there", "here", "what", "who", "where", "how", "let", "he", "she", "this"])
_PREDICATES = frozenset(
    ["a", "an", "the", "not", "on", "in", "at", "to", "under", "above", "below", "behind", "beside", "near", "next",
     "inside", "atop", "between", "over", "missing", "gone", "there", "here", "visible", "by", "against", "along"]
)  # fmt: skip
_DROP = frozenset("\u200b\u200c\u200d\ufeff\u2060\u00ad")


@dataclass(slots=True)
class Tokens:
    """Parallel lists: normalised lower-case word, the same before lower-casing, start and end in the given
    text."""

    low: list[str]
    raw: list[str]
    start: list[int]
    end: list[int]

    def __len__(self) -> int:
        return len(self.low)


def normalise(text: str) -> tuple[str, list[int] | None]:
    """NFKC per character, plain quotes, zero-width dropped; with the source offset of each kept character
    (None: unchanged length and offsets)."""
    if text.isascii():
        return text, None
    out: list[str] = []
    offsets: list[int] = []
    for i, ch in enumerate(text):
        if ch in _DROP:
            continue
        if ch.isascii():
            out.append(ch)
            offsets.append(i)
            continue
        for c in _QUOTES.get(ord(ch)) or unicodedata.normalize("NFKC", ch):
            out.append(c)
            offsets.append(i)
    return "".join(out), offsets


def tokenise(text: str) -> Tokens:
    """Tokens of the first `MAX_CHARS` characters; time linear in their number."""
    norm, offsets = normalise(text[:MAX_CHARS])
    spans = [match.span() for match in _TOKEN.finditer(norm)]
    raw = [norm[a:b] for a, b in spans]
    low = [w.lower() for w in raw]
    start = [a for a, _ in spans]
    end = [b for _, b in spans]
    if "'s" in norm:
        for i in range(len(low) - 2, -1, -1):
            if low[i].endswith("'s") and _is_verb(low, i):
                cut = end[i] - 2
                low[i : i + 1], raw[i : i + 1] = [low[i][:-2], "is"], [raw[i][:-2], raw[i][-2:]]
                start[i : i + 1], end[i : i + 1] = [start[i], cut], [cut, end[i]]
    if offsets is not None:
        start = [offsets[a] for a in start]
        end = [offsets[b - 1] + 1 for b in end]
    return Tokens(low, raw, start, end)


def _is_verb(low: list[str], i: int) -> bool:
    """ "The car's parked on", "the cat's under": the "'s" of token i is a verb and marks no owner."""
    if low[i][:-2] in _PRONOUNS or len(low[i]) < 4:
        return False
    following, later = low[i + 1], low[i + 2] if i + 2 < len(low) else "."
    return following in _PREDICATES or (following.endswith(("ing", "ed", "en")) and later in _PREDICATES)


def plain(text: str) -> str:
    """Text for comparison: normalised, lower case, single spaces, no outer punctuation."""
    norm, _ = normalise(text[:MAX_CHARS])
    return " ".join(norm.casefold().split()).strip(" .,;:!?\"'`*()[]")
