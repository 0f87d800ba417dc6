"""Tokens to sentences: which things are named, how many, denied or not, and where relation and side words
stand.

One pass, left to right; each token is looked at a bounded number of times. Phrases of the lexicon are handled in
`phrases`, other words here.
"""

from __future__ import annotations

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.amounts import parted
from halo_forge.verifiers.denials import elided, unseen
from halo_forge.verifiers.numbers import number_at
from halo_forge.verifiers.phrases import Phrases
from halo_forge.verifiers.sentence import Sentence

_ENDS = frozenset(".!?;{}")
_TURN = frozenset(["but", "because", "so", "while", "whereas", "although", "though", "yet", "however"])


class Reader(Phrases):
    """Reads the tokens of one text. `blocked` marks tokens that belong to quoted or shown text."""

    def read(self) -> list[Sentence]:
        """All sentences that name a thing, a place or a relation."""
        low, n, i = self.low, len(self.low), 0
        find, entries, blocked = self.lexicon.find, self.lexicon.trie, self.blocked
        while i < n:
            if i in blocked:
                i += 1
                continue
            word = low[i]
            found = find(low, i) if word in entries else None
            if word in data.SIDE_PREFIX and not (found is not None and "D" in found[0]):
                j = self._place(i)
                if j > i:
                    i = j
                    continue
            if found is not None:
                i = self._entry(found[0], i, found[1])
            elif word in _ENDS or word[0] == "\n" or (word[0] == "<" and len(word) > 2) or self._next_key(word, i):
                self.now.question = word == "?"
                self._close(i)
                i += 1
                self._open(i)
            else:
                i = self._word(word, i)
        self._close(n)
        return self.sentences

    def _next_key(self, word: str, i: int) -> bool:
        """The end of a JSON list, before the next key."""
        return word == "]" and self.low[i + 1 : i + 3] == [",", '"']

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
            if not (elided(now, self.low, i) or unseen(now, self.low, i + 1)):
                self.negation = ("verb", i)
                self._unfound()
            now.verbs.append(i)
        elif word in ("except", "besides", "apart"):
            self._except()
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
            now.parted = parted(now.begin, self.low, i) if word in ("are", "were") else None
            self.number = None
            if self.negation is not None and self.negation[0] in ("det", "contrast"):
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
