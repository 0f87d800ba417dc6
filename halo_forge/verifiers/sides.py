"""Places in the picture: "on the left", "at the top right of the image", "the upper-left corner"."""

from __future__ import annotations

from dataclasses import dataclass

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.lexicon import Lexicon

Sides = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """`sides`: ((axis, side), …), empty when the words name no place in the picture; `name`: a relation
    instead."""

    end: int
    sides: Sides = ()
    name: str = ""


def sides_at(low: list[str], i: int, lexicon: Lexicon) -> Place | None:
    """The place phrase that starts at token i; None when no side word stands here."""
    n = len(low)
    j = i
    prefixed = low[j] in data.SIDE_PREFIX
    if prefixed:
        j += 1
        if j < n and low[j] in ("the", "its"):
            j += 1
    while j < n and low[j] in ("far", "very", "extreme"):
        j += 1
        prefixed = True
    values: list[tuple[str, str]] = []
    while j < n and len(values) < 3 and (low[j] in data.SIDES or (values and low[j] == "-")):
        if low[j] != "-":
            values.append(data.SIDES[low[j]])
        j += 1
    if not values:
        return None
    if i and low[i - 1].endswith("'s"):
        return Place(j)
    suffix = False
    while j < n and (low[j] in data.SIDE_SUFFIX or (low[j] == "-" and j + 1 < n and low[j + 1] in data.SIDE_SUFFIX)):
        suffix = True
        j += 1
    return _ending(low, i, j, canonical(values), prefixed, suffix, lexicon)


def _ending(
    low: list[str], i: int, j: int, sides: Sides, prefixed: bool, suffix: bool, lexicon: Lexicon
) -> Place | None:
    n = len(low)
    if j < n and low[j] == "of":
        k = j + 1
        while k < n and low[k] in data.DETERMINERS:
            k += 1
        if k < n and low[k] in data.FRAME:
            return Place(k + 1, sides)
        if suffix or len(sides) > 1 or sides[0][0] != "x":
            # "the left side of the bench", "the top of the stairs": part of a thing, which no box can judge.
            # "on top of" is a relation, and found as one.
            return None if low[i] == "on" and low[i + 1] == "top" else Place(j)
        return Place(j + 1, (), sides[0][1]) if sides[0][1] != "middle" else Place(j)
    bare_pair = len(sides) > 1
    if not (prefixed or suffix or bare_pair or (sides[0][1] and low[i].endswith("most"))):
        return None
    if not suffix and j < n and low[j].isalpha() and not _may_follow(low[j], j, low, lexicon):
        return Place(j)
    return Place(j, sides)


def _may_follow(word: str, j: int, low: list[str], lexicon: Lexicon) -> bool:
    if word in data.BRIDGES or word in data.VERBS or word in data.DETERMINERS or word in data.PRONOUNS:
        return True
    if word.endswith(("ing", "ly")):
        return True
    found = lexicon.find(low, j)
    return found is not None and "O" not in found[0]


def canonical(values: list[tuple[str, str]]) -> Sides:
    """One side per axis: "middle" fills the axis that the other words leave open ("top center")."""
    known = {axis: side for axis, side in values if axis != "xy"}
    if any(axis == "xy" for axis, _ in values):
        open_axis = "y" if "x" in known else "x"
        known.setdefault(open_axis, "middle")
    return tuple(sorted(known.items()))
