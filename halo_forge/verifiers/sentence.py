"""What a sentence holds before it is turned into claims: things, relation words, side words."""

from __future__ import annotations

from dataclasses import dataclass, field

from halo_forge.verifiers.lexicon import Noun
from halo_forge.verifiers.lexicon_data import FRAME, SEEN
from halo_forge.verifiers.sides import Sides


@dataclass(slots=True)
class Mention:
    """A thing named at tokens [i, j); `at` is where its phrase starts (number or adjective included).

    `low`, `high`: its number; `described`: an adjective stands between number and noun; `compound`: head of a
    noun pair ("oven clock"); `more`: "more" or "fewer" of it than of what follows; `extreme`: the axis and end
    of "the leftmost animal"; `sought`: only looked for; `miscounted`: the number is denied ("not two dogs").
    """

    noun: Noun
    i: int
    j: int
    at: int
    low: int | None = None
    high: int | None = None
    counted: bool = False
    described: bool = False
    colour: str | None = None
    definite: bool = False
    article: bool = False
    negative: bool = False
    skip: bool = False
    restricted: bool = False
    compound: bool = False
    more: str = ""
    sought: bool = False
    miscounted: bool = False
    extreme: tuple[str, str] | None = None
    sides: Sides | None = None


@dataclass(slots=True)
class Cue:
    """A relation (`name`) or side (`sides`) at tokens [i, j), after `before` mentions of its sentence."""

    i: int
    j: int
    before: int
    negative: bool
    name: str = ""
    sides: Sides | None = None


@dataclass(slots=True)
class Sentence:
    """What one sentence says; `marks` are the indices of commas and ands, `verbs` and `pronouns` likewise.
    `order`: the token after "from left to right" and the relation each thing has to the next; `parted`: the number
    of "two of them are …" and the token after the verb."""

    begin: int
    end: int = 0
    mentions: list[Mention] = field(default_factory=list)
    relations: list[Cue] = field(default_factory=list)
    sides: list[Cue] = field(default_factory=list)
    colours: list[tuple[int, str, bool, int]] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    verbs: list[int] = field(default_factory=list)
    pronouns: list[int] = field(default_factory=list)
    inference: bool = False
    hedged: bool = False
    escape: bool = False
    question: bool = False
    each: bool = False
    order: tuple[int, str] | None = None
    parted: tuple[int, int] | None = None
    compared: list[tuple[Mention, Mention]] = field(default_factory=list)


def tallied(now: Sentence, low: list[str], i: int) -> bool:
    """ "Zebras: 5" and "the number of zebras is six": the number at token i stands after the things it counts."""
    last = now.mentions[-1] if now.mentions else None
    if last is None or i - last.j > 5:
        return False
    if last.miscounted:
        return low[i - 1] == "but"
    between = [word for word in low[last.j : i] if word not in ("*", '"')]
    if last.counted or (last.noun.number == "s" and not (between == [":"] and _row(low, last.i, i))):
        return False
    if between in ([":"], ["="]):
        return True
    numbered = "number" in low[max(0, last.i - 4) : last.i] and between[-1:] == ["is"]
    return numbered and all(word in SEEN or word in FRAME or word in ("in", "the", "this") for word in between[:-1])


_ROW_STARTS = frozenset("\n-*,|{\"'•")
_ROW_ENDS = frozenset("\n,|}<.;")


def _row(low: list[str], i: int, k: int) -> bool:
    """The row of a list: "car: 2", "- dog: 1"; the thing stands at token i, its number at token k."""
    ends = k + 1 >= len(low) or low[k + 1][0] in _ROW_ENDS
    return ends and (i == 0 or low[i - 1][0] in _ROW_STARTS or low[i - 1].startswith("<"))


def compound(now: Sentence, mention: Mention) -> None:
    """ "Oven clock", "bus driver": of two nouns in a row the first only describes, and the pair is another thing
    unless it is a person; three in a row are a list."""
    last = now.mentions[-1] if now.mentions else None
    if last is None or last.j != mention.i or last.noun.number == "p":
        return
    if last.compound:
        last.skip = now.mentions[-2].skip = False
        return
    last.skip, mention.compound = True, True
    mention.skip = mention.skip or (mention.noun.name != "person" and last.noun.how != ">")
