"""Things as a sentence names them: with their number, colour and article, denied, supposed or shown on a screen.

State that a word opens (a number, a negation, a colour) is closed by the words that end it.
"""

from __future__ import annotations

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.amounts import Amount, partitive
from halo_forge.verifiers.lexicon import Entry, Lexicon, Noun
from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.sentence import Mention, Sentence, compound
from halo_forge.verifiers.tokens import Tokens

ORDINALS = words("second third fourth fifth sixth")
_OTHER = words("other more further additional extra") | ORDINALS
_BESIDES = words("apart except besides aside")
_EXACTLY = words("just only exactly merely")
_COPULA = words("is are was were isn't aren't wasn't weren't")


class Things:
    """The state of the sentence being read, and the things it names."""

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

    def _unfound(self) -> None:
        """ "I looked for a dog but could not find one": what was only looked for is denied."""
        for mention in self.now.mentions[-1:]:
            if mention.sought:
                mention.skip, mention.negative = False, True

    def _verb_negated(self) -> bool:
        return self.negation is not None and self.negation[0] == "verb"

    def _is_thing(self, entry: Entry, i: int, j: int) -> bool:
        """A colour word is a thing only with an article or number before it and no noun after it."""
        low = self.low
        following = low[j] if j < len(low) else "."
        noun: Noun = entry["O"]
        if noun.number == "s" and noun.name != "person":
            plural = following == "stand" and self.article is not None and low[self.article[1] - 1] == "and"
            if (following in data.COMPOUND and not plural) or (
                following == "-" and j + 1 < len(low) and low[j + 1] in data.SHAPED
            ):
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
            if not number.dead and _agrees(noun, number, low) and not partitive(low, number, now.begin, j):
                mention.low, mention.high, mention.counted = number.low, number.high, True
                mention.described = i > number.j
            if mention.counted and number.i and low[number.i - 1] == "another":
                mention.described = True
                for other in now.mentions:  # "two birds and another two birds"
                    other.described = other.described or other.noun.name == noun.name
            if number.dead and low[number.i] in ("more", "fewer"):
                mention.more = low[number.i]
        if self.colour is not None and i - self.colour[1] <= 2:
            mention.colour = self.colour[0]
        if i and low[i - 1] in data.EXTREMES:
            mention.extreme = data.SIDES[low[i - 1]]
        led = low[max(now.begin, i - 4) : i]
        if not data.DEPICTION.isdisjoint(led) and _depicted(led):
            mention.skip = True
        apparent = low[now.begin] == "what" and i - now.begin <= 6 and not self.asking  # "what looks like a truck is …"
        if apparent or not data.LIKENESS.isdisjoint(led) or (self.hypothetical and not self.asking):
            mention.skip = True
        if mention.article and i > 1 and low[i - 2] == "than" and self.negation is None:
            mention.skip = True  # "two wheels more than a bicycle"
        if "for" in led and not data.SEEKING.isdisjoint(low[max(now.begin, i - 6) : i]):
            mention.skip = mention.sought = True
        if now.parted and i <= now.parted[1] + 2 and not mention.counted and noun.number != "s":
            mention.low = mention.high = now.parted[0]
            mention.counted = mention.described = True
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
            said = self.low[at + 1 : i]
            others = not _OTHER.isdisjoint(said) or not _BESIDES.isdisjoint(self.low[self.now.begin : at])
            mention.skip = mention.skip or others  # "no other dog", "apart from a dog, no animal": there is one
            mention.restricted = kind == "contrast"
            return
        if kind == "nobody":
            mention.skip = not mention.definite  # "nobody is riding a bicycle"
            return
        between = self.low[at + 1 : mention.at] if mention.at - at <= 6 else ["far"]
        if kind == "verb" and self._identified(mention, at):
            mention.skip = True
        elif all(word in data.LOOKING or word in _EXACTLY for word in between) and not mention.definite:
            if mention.counted and mention.high and (mention.high > 1 or self._counts(mention, at)):
                mention.miscounted = True
                return
            mention.negative = True
            self.negation = ("det", at)
        elif not mention.definite:
            mention.skip = True

    def _counts(self, mention: Mention, at: int) -> bool:
        """ "Not just one car", "not one car but two" deny a number, where "not one car" denies the car."""
        return not _EXACTLY.isdisjoint(self.low[at : mention.i]) or "but" in self.low[mention.j : mention.j + 2]

    def _identified(self, mention: Mention, at: int) -> bool:
        """ "The cat is not a dog": says what a named thing is, and nothing of whether there is one of the other."""
        last = self.now.mentions[-1] if self.now.mentions else None
        if last is None or last.noun.how == ">" or last.negative or mention.i - at > 4:
            return False
        between = self.low[last.j : at + 1]
        return 0 < len(between) <= 2 and between[0] in _COPULA


def _agrees(noun: Noun, number: Amount, low: list[str]) -> bool:
    """ "One dog", "at least one dog", "two dogs": the noun's number is that of the amount's last word."""
    bounded = number.low != number.high
    one = low[number.j - 1] in ("one", "1") if bounded else number.low == 1
    return noun.number == "b" or (noun.number == "s") == one


def _depicted(led: list[str]) -> bool:
    """ "A statue of a horse", "a toy horse": one of the words before a thing says that it is none."""
    return any(word in data.DEPICTION and (k == len(led) - 1 or "of" in led[k + 1 :]) for k, word in enumerate(led))
