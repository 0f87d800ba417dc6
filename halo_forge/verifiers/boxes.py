"""Boxes and points written in a completion: "[300, 340, 500, 400]", "(55, 120)", with the thing they are
said to hold."""

from __future__ import annotations

from collections.abc import Sequence

from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.sentence import Mention, Sentence
from halo_forge.verifiers.tokens import Tokens

_CLOSE = {"[": "]", "(": ")"}
_MAX_TOKENS = 14


def boxes_of(tokens: Tokens, sentences: Sequence[Sentence]) -> list[Claim]:
    """A box or point claim for each bracketed list of four or two numbers with a thing named beside it."""
    claims = []
    mentions = [m for s in sentences for m in s.mentions if not m.negative]
    cursor = 0
    for i, word in enumerate(tokens.low):
        if word not in _CLOSE:
            continue
        found = _numbers(tokens, i)
        if found is None:
            continue
        values, j = found
        while cursor < len(mentions) and mentions[cursor].j <= i:
            cursor += 1
        owner = _owner(mentions, cursor, i, j)
        if owner is not None:
            start, end = tokens.start[min(owner.i, i)], tokens.end[max(owner.j, j) - 1]
            noun = owner.noun
            claims.append(Claim("box", "", start, end, noun.name, noun.labels, noun.how, value=values))
    return claims


def _numbers(tokens: Tokens, i: int) -> tuple[tuple[float, ...], int] | None:
    values: list[float] = []
    for j in range(i + 1, min(len(tokens), i + _MAX_TOKENS)):
        word = tokens.low[j]
        if word == _CLOSE[tokens.low[i]]:
            return (tuple(values), j + 1) if len(values) in (2, 4) else None
        if word in _CLOSE and j > i + 1:
            return None
        if word in (",", "[", "(", "]", ")"):
            continue
        for part in word.split(","):
            try:
                values.append(float(part[:12]))
            except ValueError:
                return None
    return None


def _owner(mentions: list[Mention], cursor: int, i: int, j: int) -> Mention | None:
    """The last thing named within ten tokens before the box, else the next within six after it."""
    if cursor and i - mentions[cursor - 1].j <= 10:
        return mentions[cursor - 1]
    if cursor < len(mentions) and mentions[cursor].i - j <= 6:
        return mentions[cursor]
    return None
