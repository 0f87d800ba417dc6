"""What a phrase of the lexicon does to the sentence it stands in: names a thing, counts, denies, places, relates.

State that a word opens (a number, a negation, a colour) is closed by the words that end it.
"""

from __future__ import annotations

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.amounts import Amount, amount_at, partitive
from halo_forge.verifiers.denials import elided, unseen
from halo_forge.verifiers.lexicon import Entry, Lexicon, Noun
from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.numbers import number_at
from halo_forge.verifiers.sentence import Cue, Mention, Sentence, compound, tallied
from halo_forge.verifiers.sides import sides_at
from halo_forge.verifiers.tokens import Tokens

_DETERMINER_CUES = words("no without neither nor zero lacks lacking lack") | frozenset(data.NEGATIVE_PHRASES)
_LOOKERS = words("you we one")
""" "If you look to the right" supposes nothing about the image."""
_OTHER = words("other more further additional second")
_BESIDES = words("apart except besides aside")


class Phrases:
    """The state of the sentence being read, and what each entry of the lexicon does to it."""

    def __init__(self, tokens: Tokens, lexicon: Lexicon, blocked: set[int], asking: bool = False) -> None:
        self.low, self.lexicon, self.blocked, self.asking = tokens.low, lexicon, blocked, asking
        self.sentences: list[Sentence] = []
        self.corrections: list[int] = []
        self._open(0)

    def _open(self, i: int) -> None:
        self.now = Sentence(i)
        self.number: Amount | None = None
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

    # --- words of the lexicon -----------------------------------------------------------------------------

    def _entry(self, entry: Entry, i: int, j: int) -> int:
        low = self.low
        word = low[i]
        if "K" in entry:
            return j
        if "D" in entry:
            self.now.order = (j, entry["D"])
            return j
        if "E" in entry:
            self.now.escape = True
            return j
        if "U" in entry and self._gone(j):
            return j
        if "G" in entry and word != "zero":
            return self._negate(entry["G"], i, j)
        if "B" in entry and j < len(low) and self._quantity_follows(j) and not self._spanning(i):
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
            self.number = Amount(least, most, i, j, bounds is None)
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
            self.hypothetical = not (low[j : j + 1] and low[j] in _LOOKERS and low[j + 1 : j + 2] != ["were"])
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

    def _spanning(self, i: int) -> bool:
        """ "A bird flies over two boats": here the word is a place and no bound."""
        before = self.low[i - 1] if i else ""
        return self.low[i] in ("over", "under") and before.isalpha() and before not in data.COUNTING

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
        if cue == "not" and elided(self.now, low, i):
            return j
        if cue == "without" and (self._verb_negated() or "none" in low[max(self.now.begin, i - 8) : i]):
            self.negation = None  # "isn't without", "none of them is without"
            return j
        if cue == "no" and following == "one":
            cue, j = "nobody", j + 1
        if cue == "nobody":
            noun = Noun("person", ("person",), "=", "s")
            besides = not _BESIDES.isdisjoint(low[self.now.begin : i])  # "apart from the player, nobody"
            self.now.mentions.append(Mention(noun, i, j, i, negative=True, skip=besides))
            return j
        starts = following in data.PRONOUNS or following in data.DETERMINERS or following in ("there", "i", "we")
        if cue == "no" and (starts or following in ",.:;!"):
            return j
        if cue in ("not", "cannot", "never") and unseen(self.now, low, j):
            return j
        if cue in ("none", "absent", "missing", "free"):
            return j
        kind = "contrast" if cue in data.CONTRASTS else "det" if cue in _DETERMINER_CUES else "verb"
        self.negation = (kind, i)
        self.number = None
        return j

    def _count(self, value: int, i: int, j: int) -> int:
        bound = self.bound[0] if self.bound is not None and self.bound[1] == i else ""
        grouped = self.number is not None and self.number.j == i and self.number.low is not None
        self.number = amount_at(self.low, value, i, j, bound, grouped, self.blocked)
        if tallied(self.now, self.low, i) and not self.number.dead and self.low[j : j + 1] != [","]:
            last = self.now.mentions[-1]
            last.low, last.high, last.counted = self.number.low, self.number.high, True
            self.number.dead = True
        return self.number.j

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
            if not number.dead and agrees and not partitive(low, number, now.begin, j):
                mention.low, mention.high, mention.counted = number.low, number.high, True
                mention.described = i > number.j
            if number.dead and low[number.i] in ("more", "fewer"):
                mention.more = low[number.i]
        if self.colour is not None and i - self.colour[1] <= 2:
            mention.colour = self.colour[0]
        if i and low[i - 1] in data.EXTREMES:
            mention.extreme = data.SIDES[low[i - 1]]
        if any(
            low[k] in data.DEPICTION and (k == i - 1 or "of" in low[k + 1 : i]) for k in range(max(now.begin, i - 4), i)
        ):
            mention.skip = True
        if self.hypothetical and not self.asking:
            mention.skip = True
        last = now.mentions[-1] if now.mentions else None
        if last is not None and last.noun.name in data.SCREENS and data.SHOWING & set(low[last.j : mention.at]):
            mention.skip = True  # what a screen shows is not in the room
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
        compound(now, mention)
        if now.mentions and now.mentions[-1].more and "than" in low[now.mentions[-1].j : i]:
            now.compared.append((now.mentions[-1], mention))
            now.mentions[-1].skip = mention.skip = True  # a comparison does not say that there are any
        now.mentions.append(mention)
        self.number = self.colour = self.article = None
        return j

    def _deny(self, mention: Mention, i: int) -> None:
        if self.negation is None:
            return
        kind, at = self.negation
        if kind in ("det", "contrast"):
            mention.negative = True
            mention.skip = mention.skip or not _OTHER.isdisjoint(self.low[at + 1 : i])  # "no other dog": there is one
            mention.restricted = kind == "contrast"
            return
        between = self.low[at + 1 : mention.at] if mention.at - at <= 6 else ["far"]
        if all(word in data.LOOKING for word in between) and not mention.definite:
            mention.negative = True
            self.negation = ("det", at)
        elif not mention.definite:
            mention.skip = True
