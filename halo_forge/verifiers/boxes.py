"""Boxes and points written in a completion: "[300, 340, 500, 400]", "(point: 55, 120)", "[x1=300, …]", with the
thing they are said to hold: named beside them, or under a key of the same JSON object."""

from __future__ import annotations

from collections.abc import Sequence

from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.lexicon import Lexicon
from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.sentence import Mention, Sentence
from halo_forge.verifiers.tokens import Tokens

_CLOSE = {"[": "]", "(": ")", "<": ">", "{": "}", "<box>": "</box>", "<bbox>": "</bbox>", "<point>": "</point>"}
_CORNERS = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"))
_TAGS = frozenset(["point", "box", "bbox", "region"])
_MAX_TOKENS = 24
_NAMES = words(
    "x y x1 y1 x2 y2 xmin ymin xmax ymax left top right bottom point box bbox at px center centre bounding "
    "coordinates region alt \" ' : = , ; [ ( ] )"
)
"""What may stand between the numbers, in the order left, top, right, bottom."""
_KEYS = frozenset(["label", "name", "object", "class", "category"])
_REACH = 24


def boxes_of(tokens: Tokens, sentences: Sequence[Sentence], lexicon: Lexicon) -> list[Claim]:
    """A box or point claim for each bracketed list of four or two numbers with a thing named beside it."""
    claims = []
    mentions = [m for s in sentences for m in s.mentions if not m.negative]
    cursor = done = 0
    for i in [k for k, w in enumerate(tokens.low) if w in _CLOSE or ("," in w and len(w) > 6)]:
        word = tokens.low[i]
        if i < done:
            continue
        if word == "{":
            found = _object(tokens, i)
        elif word in _CLOSE and (word != "<" or not _TAGS.isdisjoint(tokens.low[i + 1 : i + 2])):
            found = _numbers(tokens, i)
        elif word.count(",") == 3:
            found = _bare(tokens, i)
        else:
            continue
        if found is None:
            continue
        values, j = found
        done = j if len(word) > 2 and word[0] == "<" else done
        while cursor < len(mentions) and mentions[cursor].j <= i:
            cursor += 1
        owner = _keyed(tokens, i, j, lexicon) or _owner(mentions, cursor, i, j)
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
        if word in _CLOSE and j > i + 1 and len(tokens.low[i]) == 1:
            return None
        if word in _NAMES:
            continue
        for part in word.split(","):
            try:
                values.append(float(part[:12]))
            except ValueError:
                return None
    return None


def _object(tokens: Tokens, i: int) -> tuple[tuple[float, ...], int] | None:
    """{"x1": 245, "y1": 240, "x2": 275, "y2": 380}, other keys among them."""
    low = tokens.low
    end = next((k for k in range(i + 1, min(len(low), i + 48)) if low[k] in "{}"), 0)
    at = {low[k]: k for k in range(i + 1, end)} if end and low[end] == "}" else {}
    for corners in _CORNERS:
        if at.keys() >= set(corners):
            values = [next((w for w in low[at[c] + 1 : at[c] + 4] if w[0].isdigit()), "") for c in corners]
            return (tuple(float(v[:12]) for v in values), end + 1) if all(map(_plain, values)) else None
    return None


def _plain(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _bare(tokens: Tokens, i: int) -> tuple[tuple[float, ...], int] | None:
    """ "40,80,260,660" without brackets; "1,234,567,890" is one number."""
    parts = tokens.low[i].split(",")
    before = tokens.low[i - 1] if i else ""
    number = all(len(p) == 3 for p in parts[1:]) and before not in (":", "at", "box", "bbox")
    if number or before in ("[", "(") or not all(p.isdecimal() for p in parts):
        return None
    return tuple(float(p[:12]) for p in parts), i + 1


def _keyed(tokens: Tokens, i: int, j: int, lexicon: Lexicon) -> Mention | None:
    """The label of the JSON object around the box: {"bbox_2d": […], "label": "cat"}."""
    low = tokens.low
    begin = next((k for k in range(i, max(-1, i - _REACH), -1) if low[k] in ("{", "}")), -1)
    if begin < 0 or low[begin] != "{":
        return None
    end = next((k for k in range(j, min(len(low), j + _REACH)) if low[k] in ("{", "}")), j)
    for k in (*range(begin, max(i, j)), *range(j, end)):
        if low[k] in _KEYS and low[k + 1 : k + 4] in (['"', ":", '"'], ["'", ":", "'"]):
            found = lexicon.find(low, k + 4)
            if found is not None and "O" in found[0]:
                return Mention(found[0]["O"], k + 4, found[1], k + 4)
    return None


def _owner(mentions: list[Mention], cursor: int, i: int, j: int) -> Mention | None:
    """The last thing named within ten tokens before the box, else the next within six after it."""
    if cursor and i - mentions[cursor - 1].j <= 10:
        return mentions[cursor - 1]
    if cursor < len(mentions) and mentions[cursor].i - j <= 6:
        return mentions[cursor]
    return None
