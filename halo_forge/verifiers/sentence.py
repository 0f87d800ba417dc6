"""What a sentence holds before it is turned into claims: things, relation words, side words."""

from __future__ import annotations

from dataclasses import dataclass, field

from halo_forge.verifiers.lexicon import Noun
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
    if last.counted or last.noun.number == "s":
        return False
    between = [word for word in low[last.j : i] if word != "*"]
    return between in ([":"], ["="]) or (between == ["is"] and low[max(0, last.i - 2) : last.i] == ["number", "of"])


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
