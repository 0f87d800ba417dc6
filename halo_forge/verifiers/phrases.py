"""What a phrase of the lexicon does to the sentence it stands in: counts, denies, places, relates."""

from __future__ import annotations

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.amounts import Amount, amount_at
from halo_forge.verifiers.denials import elided, head, unseen
from halo_forge.verifiers.figures import is_thing
from halo_forge.verifiers.lexicon import Entry, Noun
from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.numbers import number_at
from halo_forge.verifiers.sentence import Cue, Mention, tallied
from halo_forge.verifiers.sides import sides_at
from halo_forge.verifiers.things import ORDINALS, Things

_DETERMINER_CUES = words("no without neither nor zero lacks lacking lack") | frozenset(data.NEGATIVE_PHRASES)
_ONLY = words("only just actually exactly in fact indeed rather")
_TALLIES = [["i", "count"], ["i", "see"], ["i", "counted"], ["i", "find"], ["we", "see"], ["we", "count"]]
_LOOKERS = words("you we one")
""" "If you look to the right" supposes nothing about the image."""
_BESIDES = words("apart except besides aside")


class Phrases(Things):
    """What each entry of the lexicon does to the sentence being read."""

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
            if word in ("many", "few") and i and low[i - 1] in ("how", "as", "so", "too"):
                return j
            if word == "other" and low[j : j + 1] == ["than"]:
                self._except()
                return j + 1
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
        if (
            not (place.sides or place.name)
            and self.low[i] in ("on", "in", "near")
            and is_thing(self.low, place.end, self.lexicon)
        ):
            return i  # "on the left horse" is on a horse
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
            gone = self.now.mentions[head(self.now, self.low)]
            gone.negative = not self._verb_negated()
            gone.skip = gone.skip or self.low[gone.i - 1] in ORDINALS  # "a third car is missing"
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
            besides = not _BESIDES.isdisjoint(low[self.now.begin : i]) or following in ("but", "except", "besides")
            self.now.mentions.append(Mention(noun, i, j, i, negative=True, skip=besides))
            self.negation = ("nobody", i)
            return j
        starts = following in data.PRONOUNS or following in data.DETERMINERS or following in ("there", "i", "we")
        if cue == "no" and (starts or following in ",.:;!"):
            return j
        if cue in ("not", "cannot", "never") and unseen(self.now, low, j):
            return j
        self._unfound()
        if cue == "none" and following == "of":
            self.negation = ("verb", i)  # "none of the cars is a truck"
            return j
        if cue == "none" and self.now.mentions and self.now.mentions[-1].sought:
            self._unfound()
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
        if tallied(self.now, self.low, i) and not self.number.dead and not self._listed(j):
            last = self.now.mentions[-1]
            last.low, last.high, last.counted = self.number.low, self.number.high, True
            last.miscounted = False
            self.number.dead = True
        elif not self.number.dead and (counted := self._predicated(i, self.number.j)) is not None:
            counted.low, counted.high, counted.counted = self.number.low, self.number.high, True
            self.number.dead = True
        elif not self.number.dead and self._elliptic(i, self.number.j):
            noun = self._last_counted()
            if noun is not None:
                mention = Mention(noun, i, self.number.j, i, self.number.low, self.number.high, counted=True)
                self.now.mentions.append(mention)
                self.number.dead = True
        return self.number.j

    def _predicated(self, i: int, j: int) -> Mention | None:
        """ "The donuts next to the cake are three." """
        low, k = self.low, i - 1
        after = low[j] if j < len(low) else "."
        while k > 0 and low[k] in _ONLY:
            k -= 1
        if after[0] not in ".,;!<\n" or low[k] not in ("are", "were") or not self.now.mentions or self.negation:
            return None
        subject = self.now.mentions[head(self.now, low)]
        fit = subject.noun.number == "p" and subject.definite and not (subject.counted or subject.negative)
        return subject if fit and k - self.now.mentions[-1].j == 0 else None

    def _elliptic(self, i: int, j: int) -> bool:
        """ "There are only two." counts what was counted before."""
        low, k = self.low, i - 1
        after = low[j] if j < len(low) else "."
        if self.negation is not None or self.hypothetical or not (after[0] in ".,;!<\n" or after in ("but", "not")):
            return False
        while k > 0 and (low[k] in _ONLY or low[k].endswith("ly")):
            k -= 1
        return k >= 1 and ((low[k] in ("are", "were") and low[k - 1] == "there") or low[k - 1 : k + 1] in _TALLIES)

    def _last_counted(self) -> Noun | None:
        for sentence in (self.now, *self.sentences[-1:]):
            for mention in reversed(sentence.mentions):
                if mention.counted and not mention.described:
                    return mention.noun
        return None

    def _listed(self, j: int) -> bool:
        """ "Dogs: 3, 5": numbers in a row count nothing."""
        low = self.low
        return low[j : j + 1] == [","] and j + 1 < len(low) and low[j + 1][0].isdigit()

    def _except(self) -> None:
        """ "No animal except the dog" denies no animal."""
        self.negation = None
        if self.now.mentions and self.now.mentions[-1].negative:
            self.now.mentions[-1].skip = True

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
