"""Sentences to claims: each relation and side word finds the things it is about.

The figure of a relation is the nearest thing before it, with these exceptions: a pronoun points back to the
topic, a verb after "the dog on the mat" points to the dog, a fronted phrase ("Above the bed hangs a clock")
has its figure after it, and things joined by commas and "and" share the relation.
"""

from __future__ import annotations

from itertools import pairwise

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.lexicon import Noun
from halo_forge.verifiers.nearby import between, capitalised, joined, stranger
from halo_forge.verifiers.sentence import Cue, Mention, Sentence
from halo_forge.verifiers.tokens import Tokens

_RELATIVE = frozenset(["which", "who", "that"])
_CONCLUDES = frozenset(["answer", "answers"])
_COPULA = frozenset(["is", "are", "was", "be"])
_MAX_GROUP = 6


class Attacher:
    """Turns sentences into claims. `topic`: what "it" means before anything was named (the question's
    subject); `given`: names the question already holds, which a completion earns nothing for repeating."""

    def __init__(self, tokens: Tokens, topic: Noun | None, given: frozenset[str]) -> None:
        self.tokens, self.given = tokens, given
        self.topic = topic
        self.claims: list[Claim] = []

    def add(self, sentence: Sentence) -> None:
        """Append the claims of one sentence."""
        if sentence.question or sentence.escape:
            return
        self.weight = 0.5 if sentence.hedged else 1.0
        if _CONCLUDES & set(self.tokens.low[sentence.begin : sentence.end]):
            self.weight = 0.0  # "the answer is a bus" is the answer said twice and no premise of it
        self.grounds: dict[int, Mention | None] = {}
        self.seen: list[Cue] = []
        first = len(self.claims)
        for cue in sentence.relations:
            self._relation(sentence, cue)
        for cue in sentence.sides:
            self._side(sentence, cue)
        for index, colour, negative, before in sentence.colours:
            self._colour(sentence.mentions[before - 1], colour, negative, index)
        for mention in sentence.mentions:
            self._mention(mention, sentence)
        self._ordered(sentence)
        for more, less in sentence.compared:
            self._compared(more, less)
        for claim in self.claims[first:]:
            claim.weight = self.weight
        for mention in sentence.mentions:
            if not mention.negative:
                self.topic = mention.noun
                break

    def _span(self, i: int, j: int) -> tuple[int, int]:
        return self.tokens.start[i], self.tokens.end[j - 1]

    # --- things -------------------------------------------------------------------------------------------

    def _mention(self, m: Mention, sentence: Sentence) -> None:
        noun = m.noun
        if m.skip or (m.negative and noun.name == "person" and self.tokens.low[m.i] not in data.ANYONE):
            return
        start, end = self._span(m.at, m.j)
        if m.counted and not m.negative and not sentence.each:
            claim = Claim("count", "", start, end, noun.name, noun.labels, noun.how, value=(m.low, m.high))
            claim.restricted, claim.polarity = m.restricted or m.described, not m.miscounted
            self.claims.append(claim)
        if m.miscounted:
            return
        if m.colour is not None and not m.negative:
            self._colour(m, m.colour, False, m.i)
            self.claims[-1].strong = False
        if m.negative or (noun.name not in self.given and not (m.counted and m.low == 0)):
            claim = Claim("object", "", start, end, noun.name, noun.labels, noun.how, polarity=not m.negative)
            claim.restricted, claim.named = m.restricted and m.negative, capitalised(self.tokens, m, sentence)
            self.claims.append(claim)

    def _colour(self, m: Mention, colour: str, negative: bool, index: int) -> None:
        start, end = self._span(min(m.i, index), max(m.j, index + 1))
        claim = Claim("attribute", "", start, end, m.noun.name, m.noun.labels, m.noun.how, value=colour)
        claim.polarity, claim.definite = not negative, m.definite and m.noun.number == "s"
        self.claims.append(claim)

    def _compared(self, a: Mention, b: Mention) -> None:
        """ "More cars than people": a claim about two counts."""
        start, end = self._span(a.at, b.j)
        claim = Claim("relation", "", start, end, a.noun.name, a.noun.labels, a.noun.how, a.more)
        claim.object, claim.object_labels, claim.polarity = b.noun.name, b.noun.labels, not a.negative
        self.claims.append(claim)

    def _ordered(self, s: Sentence) -> None:
        """ "From left to right: a book, a laptop", and "the leftmost animal is a dog"."""
        if s.order is None and not any(m.extreme for m in s.mentions):
            return
        low = self.tokens.low
        named = [m for m in s.mentions if not (m.skip or m.negative)]
        if s.order is not None:
            listed = [m for m in named if m.i >= s.order[0]]
            for m, ground in pairwise(listed[:13]):
                if m.noun.name != ground.noun.name:
                    self._relation_claim(m.noun, m, ground, Cue(m.i, m.j, 0, False, s.order[1]))
        for m, n in pairwise(named):
            broad, thing = (m, n) if m.extreme else (n, m)
            placed = any(m.j <= cue.i < n.i for cue in (*s.relations, *s.sides))  # "the leftmost car is near a dog"
            if broad.extreme and not placed and set(low[m.j : n.i]) & _COPULA and n.i - m.j <= 4:
                start, end = self._span(m.at, n.j)
                claim = Claim("side", "", start, end, thing.noun.name, thing.noun.labels, thing.noun.how)
                claim.value, claim.object = ((f"most {broad.extreme[0]}", broad.extreme[1]),), broad.noun.name
                claim.object_labels = broad.noun.labels
                self.claims.append(claim)

    # --- places -------------------------------------------------------------------------------------------

    def _side(self, s: Sentence, cue: Cue) -> None:
        figures = self._figures(s, cue, None)
        if not figures and cue.before < len(s.mentions) and s.mentions[cue.before].at - cue.j <= 8:
            figures = self._following(s, cue.before)
        nouns = [(m.noun, m) for m in figures]
        unknown = stranger(self.tokens.low, s, cue) if not figures else ""
        if not nouns and self.topic is not None and not figures and not unknown:
            self._side_claim(self.topic, None, cue)
        if unknown and cue.before == 0 and self.tokens.low[s.begin] not in ("a", "an"):
            self._side_claim(Noun(unknown, (unknown,), "=", "s"), None, cue)
        for noun, mention in nouns:
            if mention.sides is None and not mention.skip:
                mention.sides = cue.sides
                mention.restricted = True
                self._side_claim(noun, mention, cue)

    def _side_claim(self, noun: Noun, m: Mention | None, cue: Cue) -> None:
        start, end = self._span(min(cue.i, m.at) if m else cue.i, max(cue.j, m.j) if m else cue.j)
        claim = Claim("side", "", start, end, noun.name, noun.labels, noun.how, value=cue.sides)
        claim.polarity = not (cue.negative or (m is not None and m.negative))
        claim.strong = m is None or m.colour is None
        claim.definite = m is None or (m.noun.number == "s" and not m.article and not m.counted)
        claim.restricted = m is not None and m.definite and m.noun.number == "s" and m.j == cue.i
        self.claims.append(claim)

    # --- relations ----------------------------------------------------------------------------------------

    def _relation(self, s: Sentence, cue: Cue) -> None:
        ground = self._ground(s, cue)
        figures = self._figures(s, cue, ground)
        if not figures and ground is not None and cue.before < len(s.mentions):
            figures = self._fronted(s, cue.before)
        self.grounds[cue.i] = ground
        self.seen = [cue, *self.seen[:3]]
        for m in figures:
            if m is not ground and (ground is not None or cue.name not in ("in", "none")):
                m.restricted = True
        if cue.name == "none" or ground is None or ground.skip:
            return
        for m in figures:
            if m is not ground and not m.skip:
                self._relation_claim(m.noun, m, ground, cue)
                if m.negative:
                    m.skip = True
        topic = self.topic is not None and self.topic.name != ground.noun.name and not stranger(self.tokens.low, s, cue)
        if not figures and self.topic is not None and topic:
            self._relation_claim(self.topic, None, ground, cue)

    def _relation_claim(self, figure: Noun, m: Mention | None, ground: Mention, cue: Cue) -> None:
        begin = min(cue.i, ground.at, m.at if m else cue.i)
        start, end = self._span(begin, max(cue.j, ground.j, m.j if m else cue.j))
        claim = Claim("relation", "", start, end, figure.name, figure.labels, figure.how, cue.name)
        claim.object, claim.object_labels = ground.noun.name, ground.noun.labels
        claim.polarity = not (cue.negative or (m is not None and m.negative) or ground.negative)
        claim.strong = ground.colour is None and (m is None or m.colour is None)
        self.claims.append(claim)

    def _ground(self, s: Sentence, cue: Cue) -> Mention | None:
        low = self.tokens.low
        following = low[cue.j] if cue.j < len(low) else "."
        if following in ("it", "them", "him", "her"):
            return s.mentions[0] if cue.before > 1 else None
        if cue.before >= len(s.mentions):
            return None
        ground = s.mentions[cue.before]
        between = low[cue.j : ground.at]
        if len(between) > 4 or any(w in data.VERBS or w in (",", "and", ":") for w in between):
            return None
        return ground

    def _figures(self, s: Sentence, cue: Cue, ground: Mention | None) -> list[Mention]:
        """The things a cue is about; empty when nothing before it fits."""
        low = self.tokens.low
        if cue.before == 0:
            return []
        nearest = s.mentions[cue.before - 1]
        pronouns = between(s.pronouns, nearest.j, cue.i)
        verb = bool(between(s.verbs, nearest.j, cue.i))
        joined = bool(between(s.marks, nearest.j, cue.i))
        if pronouns and low[pronouns[-1]] not in _RELATIVE:
            return s.mentions[:1]
        previous = self._earlier(s, cue, nearest)
        if previous is None or pronouns:
            if joined and not pronouns and cue.sides and nearest.sides is not None:
                return []
            return self._group(s, cue.before - 1)
        if verb or joined:
            return previous
        return [nearest] if cue.sides else []

    def _earlier(self, s: Sentence, cue: Cue, nearest: Mention) -> list[Mention] | None:
        """Figures of the relation whose ground is the nearest thing; None when it is no ground."""
        for other in self.seen:
            if other.i < cue.i and self.grounds.get(other.i) is nearest:
                if other.before == 0:
                    return None
                return self._group(s, other.before - 1)
        return None

    def _fronted(self, s: Sentence, k: int) -> list[Mention]:
        """ "Above the bed hangs a clock": the ground is mention k, the figure follows a verb or comma."""
        ground, k = s.mentions[k], k + 1
        if k >= len(s.mentions):
            return []
        i, j = ground.j, s.mentions[k].at
        if (j - i <= 6 and between(s.verbs, i, j)) or between(s.marks, i, j):
            return self._following(s, k)
        return []

    def _following(self, s: Sentence, k: int) -> list[Mention]:
        group = [s.mentions[k]]
        while (
            k + 1 < len(s.mentions)
            and len(group) < _MAX_GROUP
            and joined(self.tokens.low, s.mentions[k], s.mentions[k + 1])
        ):
            k += 1
            group.append(s.mentions[k])
        return group

    def _group(self, s: Sentence, k: int) -> list[Mention]:
        group = [s.mentions[k]]
        while k > 0 and len(group) < _MAX_GROUP and joined(self.tokens.low, s.mentions[k - 1], s.mentions[k]):
            k -= 1
            if s.mentions[k].sides is not None or any(s.mentions[k] is g for g in self.grounds.values()):
                break  # "a cat lies on the couch, and a TV stands on the right": the couch ends the clause before
            group.append(s.mentions[k])
        return group
