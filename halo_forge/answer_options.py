"""The options of a multiple-choice question, and how a reply names one of them: by letter or by its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from halo_forge.text import EDGES, plain

Choices = Sequence[str] | Mapping[str, str]
Span = tuple[int, int]

_MARKS = EDGES + "$"
_LETTER = re.compile(
    r"[*_\"'`$\[({]{0,4}(?:(?i:option|choice)[ ]{1,2})?([A-Za-z])"
    r"(?P<after>[*_\"'`$\])}]{0,4}[.:,)]?)(?=\W|\Z)"
)
_SECOND = re.compile(r"(?:or|and|/|,|&)?[ ]{0,2}(?:no\.?[ ])?\(?([A-Z])(?![\w'])(?![ ][a-z])")
_TAIL = re.compile(r"(?:\n|,? (?:so|therefore|hence|thus),? )[(*]{0,3}([A-Z])[)*.]{0,3}\Z")


class Options:
    """Letters and texts of the options; no options: every look-up answers None."""

    def __init__(self, choices: Choices | None) -> None:
        self.by_letter = isinstance(choices, Mapping)
        if isinstance(choices, Mapping):
            pairs = [(str(letter), str(text)) for letter, text in choices.items()]
        else:
            pairs = [(chr(ord("A") + i), str(text)) for i, text in enumerate(choices or ())]
        self.letters = {letter.upper() for letter, _ in pairs if len(letter) == 1}
        self.texts = {plain(text): letter for letter, text in pairs if plain(text)}

    def name(self, found: str) -> str | None:
        """The letter, where the answer is a letter or (options given by letter) an option's text."""
        bare = found.strip(_MARKS)
        if len(bare) == 1 and bare.isalpha() and bare.upper() in self.letters:
            return bare.upper()
        return self.texts.get(plain(found)) if self.by_letter else None

    def leading(self, body: str, start: int, end: int) -> Span | None:
        """The letter that opens body[start:end]: "(B) 28", "C: an elm", "A, because …"; not "A large dog"."""
        if not self.letters or plain(body[start:end]) in self.texts:
            return None
        found = _LETTER.match(body, start, end)
        if found is None or found.group(1).upper() not in self.letters:
            return None
        letter, rest = found.group(1), body[found.end() : end].strip()
        alone = not rest.strip(_MARKS)
        stands = alone or found.group("after") or body.startswith("\n", found.end())
        if not (stands or plain(rest) in self.texts or rest.startswith(("-", "–", "—", "because", "is "))):
            return None
        if letter.islower() and not (found.start(1) > start or alone):
            return None
        return found.span(1) if self._only(rest, letter) else None

    def _only(self, rest: str, letter: str) -> bool:
        """No second letter ("A or B", "A: no. B: no.") and no other option's text ("B. red") follows."""
        second = _SECOND.match(rest)
        if second and second.group(1) in self.letters and second.group(1) != letter.upper():
            return False
        return self.texts.get(plain(rest), letter.upper()) == letter.upper()

    def concluding(self, body: str, start: int, end: int) -> Span | None:
        """A letter alone on the last line or after a last "so"; else the only option whose text is there."""
        if not self.letters:
            return None
        near = max(start, end - 60)
        tail = _TAIL.search(body[near:end])
        if tail and tail.group(1) in self.letters:
            return near + tail.start(1), near + tail.end(1)
        return self._mentioned(body, start, end) if self.by_letter else None

    def _mentioned(self, body: str, start: int, end: int) -> Span | None:
        text = body[start:end].lower()
        spans: list[Span] = []
        for option in sorted(self.texts, key=len, reverse=True):
            at = text.find(option) if len(option) > 1 else -1
            stop = at + len(option)
            if at < 0 or text[:at][-1:].isalnum() or text[stop : stop + 1].isalnum():
                continue
            if not any(a <= at < b for a, b in spans):  # "dark red" holds no "red" of its own
                spans.append((at, stop))
        return (start + spans[0][0], start + spans[0][1]) if len(spans) == 1 else None
