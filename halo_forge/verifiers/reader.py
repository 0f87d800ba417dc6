"""Tokens to sentences: which things are named, how many, denied or not, and where relation and side words
stand.

One pass, left to right. State that a word opens (a number, a negation, a colour) is closed by the words that
end it, so each token is looked at a bounded number of times.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.lexicon import Entry, Lexicon, Noun
from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.numbers import number_at
from halo_forge.verifiers.sides import Sides, sides_at
from halo_forge.verifiers.tokens import Tokens

_ENDS = frozenset(".!?;{}")
_TURN = frozenset(["but", "because", "so", "while", "whereas", "although", "though", "yet", "however"])
_DETERMINER_CUES = words("no without neither nor zero lacks lacking lack") | frozenset(data.NEGATIVE_PHRASES)


@dataclass(slots=True)
class Mention:
    """A thing named at tokens [i, j); `at` is where its phrase starts (number or adjective included)."""

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
    """What one sentence says; `marks` are the indices of commas and ands, `verbs` and `pronouns` likewise."""

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


@dataclass(slots=True)
class _Number:
    low: int | None
    high: int | None
    i: int
    j: int
    dead: bool = False


class Reader:
    """Reads the tokens of one text. `blocked` marks tokens that belong to quoted or shown text."""

    def __init__(self, tokens: Tokens, lexicon: Lexicon, blocked: set[int], asking: bool = False) -> None:
        self.low, self.lexicon, self.blocked, self.asking = tokens.low, lexicon, blocked, asking
        self.sentences: list[Sentence] = []
        self.corrections: list[int] = []
        self._open(0)

    def _open(self, i: int) -> None:
        self.now = Sentence(i)
        self.number: _Number | None = None
        self.bound: tuple[str, int] | None = None
        self.negation: tuple[str, int] | None = None
        self.colour: tuple[str, int] | None = None
        self.article: tuple[str, int] | None = None
        self.hypothetical = False
        self.disjunction = False

    def _close(self, i: int) -> None:
        now = self.now
        now.end = i
        if now.mentions or now.relations or now.sides or now.colours:
            self.sentences.append(now)

    def read(self) -> list[Sentence]:
        """All sentences that name a thing, a place or a relation."""
        low, n, i = self.low, len(self.low), 0
        find, blocked = self.lexicon.find, self.blocked
        while i < n:
            if i in blocked:
                i += 1
                continue
            word = low[i]
            if word in data.SIDE_PREFIX:
                j = self._place(i)
                if j > i:
                    i = j
                    continue
            found = find(low, i)
            if found is not None:
                i = self._entry(found[0], i, found[1])
            elif word in _ENDS or word[0] == "\n" or (word[0] == "<" and len(word) > 2):
                self.now.question = word == "?"
                self._close(i)
                i += 1
                self._open(i)
            else:
                i = self._word(word, i)
        self._close(n)
        return self.sentences

    # --- words outside the lexicon ------------------------------------------------------------------------

    def _word(self, word: str, i: int) -> int:
        now = self.now
        if word[0].isdigit():
            found = number_at(self.low, i)
            if found is not None and word.isdigit():
                return self._count(int(found[0]), i, found[1])
            self.number = None
        elif word == "," or word == "and":
            now.marks.append(i)
            self._comma(word, i)
        elif word == ":" or word == ")":
            self.number = None
        elif word == "or":
            self.disjunction = True
        elif word in data.DETERMINERS:
            self.article = (word, i)
            if word in data.EACH:
                now.each = True
        elif word.endswith("n't"):
            self.negation = ("verb", i)
            now.verbs.append(i)
        elif word in ("except", "besides", "apart"):
            self.negation = None
            if now.mentions and now.mentions[-1].negative:
                now.mentions[-1].skip = True
        elif word in _TURN:
            now.marks.append(i)
            self.negation = self.number = None
        elif word in data.EACH:
            now.each = True
            self.number = None
        elif word == "of":
            self.number = None
        if word in data.VERBS:
            now.verbs.append(i)
            self.number = None
            if self.negation is not None and self.negation[0] == "det":
                self._spent()
        if word in data.PRONOUNS:
            now.pronouns.append(i)
        return i + 1

    def _comma(self, word: str, i: int) -> None:
        self.number = None
        self.hypothetical = False
        if self.negation is not None:
            j = i + 1
            while j < len(self.low) and self.low[j] in ("or", "and", "no", "nor") and j < i + 3:
                j += 1
            after = self.lexicon.find(self.low, j) if j < len(self.low) else None
            listed = after is not None and "O" in after[0] and self.negation[0] == "det"
            if not listed:
                self.negation = None

    # --- words of the lexicon -----------------------------------------------------------------------------

    def _entry(self, entry: Entry, i: int, j: int) -> int:
        low = self.low
        word = low[i]
        if "K" in entry:
            return j
        if "E" in entry:
            self.now.escape = True
            return j
        if "U" in entry and self._gone(j):
            return j
        if "G" in entry and word != "zero":
            return self._negate(entry["G"], i, j)
        if "B" in entry and j < len(low) and self._quantity_follows(j):
            self.bound = (entry["B"], j)
            return j
        if "S" in entry and word not in data.SIDE_PREFIX:
            place = self._place(i)
            if place > i:
                return place
        if "O" in entry and self._is_thing(entry, i, j):
            return self._thing(entry["O"], i, j)
        if "C" in entry:
            return self._coloured(entry["C"], i, j)
        if "N" in entry:
            found = number_at(low, i) if j == i + 1 else None
            value, end = (int(found[0]), found[1]) if found else (entry["N"], j)
            return self._count(value, i, end)
        if "Q" in entry:
            bounds = entry["Q"]
            least, most = bounds or (None, None)
            self.number = _Number(least, most, i, j, bounds is None)
            return j
        if "R" in entry:
            return self._relation(entry["R"], i, j)
        if "H" in entry:
            self.now.hedged = True
        elif "X" in entry:
            self.corrections.append(i)
        elif "I" in entry:
            self.now.inference = True
            self.negation = None
            self.now.marks.append(i)
        elif "Y" in entry:
            self.hypothetical = True
        if word in data.VERBS:
            self.now.verbs.append(i)
        return j

    def _place(self, i: int) -> int:
        """Record the place or side relation that starts at token i; the index after it, or i."""
        place = sides_at(self.low, i, self.lexicon)
        if place is None:
            return i
        self.number = None
        if place.sides or place.name:
            cue = Cue(i, place.end, len(self.now.mentions), self._verb_negated(), place.name, place.sides or None)
            self._cue(cue)
        return place.end

    def _quantity_follows(self, j: int) -> bool:
        found = self.lexicon.find(self.low, j)
        return self.low[j].isdigit() or (found is not None and "N" in found[0])

    def _gone(self, j: int) -> bool:
        """ "the dog is missing": the last named thing is denied."""
        following = self.low[j] if j < len(self.low) else "."
        if self.now.mentions and following not in data.DETERMINERS and following not in ("in", "of"):
            self.now.mentions[-1].negative = not self._verb_negated()
            return True
        return False

    def _negate(self, cue: str, i: int, j: int) -> int:
        low = self.low
        following = low[j] if j < len(low) else "."
        if cue == "no" and following == "one":
            cue, j = "nobody", j + 1
        if cue == "nobody":
            noun = Noun("person", ("person",), "=", "s")
            self.now.mentions.append(Mention(noun, i, j, i, negative=True))
            return j
        starts = following in data.PRONOUNS or following in data.DETERMINERS or following in ("there", "i", "we")
        if cue == "no" and (starts or following in ",.:;!"):
            return j
        if cue in ("not", "cannot", "never") and following in data.SEEN and self.now.mentions:
            self.now.mentions[-1].negative = True
            return j
        if cue in ("none", "absent", "missing", "free"):
            return j
        self.negation = ("det" if cue in _DETERMINER_CUES else "verb", i)
        self.number = None
        return j

    def _count(self, value: int, i: int, j: int) -> int:
        low = self.low
        bounds: tuple[int | None, int | None] = (value, value)
        if j + 1 < len(low) and low[j] in ("or", "to", "-", "–"):
            other = number_at(low, j + 1)
            if other is not None and other[0] == int(other[0]) and j + 1 not in self.blocked:
                bounds, j = (min(value, int(other[0])), max(value, int(other[0]))), other[1]
        if j < len(low) and low[j] == "dozen" and value < 100:
            bounds, j = (value * 12, value * 12), j + 1
        if self.bound is not None and self.bound[1] == i:
            bounds = _bounded(self.bound[0], value)
        before = low[i - 1] if i else ""
        dead = before in ("of", "-", "#", "number", "no", "step", "route", "year", "in", "$") or (
            j < len(low) and low[j] in ("-", ")", "%")
        )
        self.number = _Number(bounds[0], bounds[1], i, j, dead)
        return j

    def _coloured(self, colour: str, i: int, j: int) -> int:
        self.colour = (colour, i)
        verbs = self.now.verbs
        if verbs and i - verbs[-1] <= 3 and self.now.mentions:
            self.now.colours.append((i, colour, self._verb_negated(), len(self.now.mentions)))
        return j

    def _relation(self, name: str, i: int, j: int) -> int:
        low = self.low
        k = j
        while k < len(low) and k < j + 3 and (low[k] in data.DETERMINERS or low[k] in ("whole", "entire")):
            k += 1
        if k < len(low) and low[k] in data.FRAME:
            return k + 1
        self.number = None
        self._cue(Cue(i, j, len(self.now.mentions), self._verb_negated(), name=name))
        if name != "none":
            self._spent()
        return j

    def _spent(self) -> None:
        """A relation or verb ends a negation that has found what it denies."""
        now = self.now
        if self.negation is not None and (self.negation[0] == "verb" or (now.mentions and now.mentions[-1].negative)):
            self.negation = None

    def _cue(self, cue: Cue) -> None:
        """ "left or right of the bed" claims neither side."""
        cues = self.now.relations if cue.name else self.now.sides
        if self.disjunction and cue.i and self.low[cue.i - 1] in ("or", "the") and not self.asking:
            self.disjunction = False
            if cues and cue.i - cues[-1].j <= 3:
                cues.pop()
            return
        cues.append(cue)

    def _verb_negated(self) -> bool:
        return self.negation is not None and self.negation[0] == "verb"

    def _is_thing(self, entry: Entry, i: int, j: int) -> bool:
        """A colour word is a thing only with an article or number before it and no noun after it."""
        low = self.low
        following = low[j] if j < len(low) else "."
        noun: Noun = entry["O"]
        if following in data.COMPOUND and j - i == 1 and noun.number == "s" and noun.name != "person":
            return False
        if "C" not in entry:
            return True
        before = low[i - 1] if i else ""
        led = before in data.DETERMINERS or before == "," or (self.number is not None and self.number.j == i) or i == 0
        after = self.lexicon.find(low, j) if j < len(low) else None
        noun_after = following.isalpha() and following not in data.BRIDGES and following not in data.VERBS
        noun_after = noun_after and (after is None or "O" in after[0])
        return led and not noun_after

    def _thing(self, noun: Noun, i: int, j: int) -> int:
        low, now = self.low, self.now
        mention = Mention(noun, i, j, i)
        if self.article is not None and i - self.article[1] <= 4:
            mention.at = self.article[1]
            mention.definite = self.article[0] in data.DEFINITE
            mention.article = self.article[0] in ("a", "an", "any")
        number = self.number
        if number is not None and i - number.j <= 3:
            mention.at = min(mention.at, number.i)
            one = number.low == number.high == 1
            agrees = noun.number == "b" or (noun.number == "s") == one
            if not number.dead and agrees:
                mention.low, mention.high, mention.counted = number.low, number.high, True
                mention.described = i > number.j
        if self.colour is not None and i - self.colour[1] <= 2:
            mention.colour = self.colour[0]
        if any(
            low[k] in data.DEPICTION and (k == i - 1 or "of" in low[k + 1 : i]) for k in range(max(now.begin, i - 4), i)
        ):
            mention.skip = True
        if self.hypothetical and not self.asking:
            mention.skip = True
        self._deny(mention, i)
        if (
            self.disjunction
            and not mention.negative
            and not self.asking
            and now.mentions
            and i - now.mentions[-1].j <= 3
        ):
            mention.skip = now.mentions[-1].skip = True
        self.disjunction = False
        now.mentions.append(mention)
        self.number = self.colour = self.article = None
        return j

    def _deny(self, mention: Mention, i: int) -> None:
        if self.negation is None:
            return
        kind, at = self.negation
        if kind == "det":
            mention.negative = True
            return
        between = self.low[at + 1 : mention.at] if mention.at - at <= 6 else ["far"]
        if all(word in data.LOOKING for word in between) and not mention.definite:
            mention.negative = True
            self.negation = ("det", at)
        elif not mention.definite:
            mention.skip = True


def _bounded(kind: str, value: int) -> tuple[int | None, int | None]:
    if kind == ">=":
        return value, None
    if kind == ">":
        return value + 1, None
    if kind == "<=":
        return 0, value
    if kind == "<":
        return 0, max(0, value - 1)
    spread = max(1, value // 10)
    return max(0, value - spread), value + spread
