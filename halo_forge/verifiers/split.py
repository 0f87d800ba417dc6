"""Where the chain of reasoning ends and the answer begins."""

from __future__ import annotations

import re
from dataclasses import dataclass

from halo_forge.answers import Answer
from halo_forge.verifiers.rollout import Rollout
from halo_forge.verifiers.tokens import MAX_CHARS

_WORD = re.compile(r"[^\W_]+")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z_]{0,15}>")
_BREAKS = (". ", ".\n", "\n", ">", "! ", "? ", "; ", '."', ".'")


@dataclass(frozen=True)
class Split:
    """`chain_end`: the chain is text[:chain_end], 0 when there is none. `answer`: as extracted."""

    text: str
    chain_end: int
    answer: Answer


def split(rollout: Rollout, answer: Answer) -> Split:
    """Split a completion at its answer; a lead-in such as "The answer is" belongs to the answer and is no chain.
    Nor is the answer said again and again. An empty think block is a chain that says nothing."""
    text = rollout.completion[:MAX_CHARS]
    if answer.text is None:
        end = len(text) if "<think" in text else 0
    else:
        begin = max(0, min(answer.start, len(text)))
        end = max((text.rfind(mark, 0, begin) + len(mark) for mark in _BREAKS if mark in text[:begin]), default=0)
    head = text[:end]
    own = {"the", "answer", "final", "is", "so", "a", "an", *_WORD.findall((answer.text or "").lower())}
    said = _WORD.findall(_TAG.sub(" ", head).lower())
    given = "<think" in head or (len(said) >= 2 and not own.issuperset(said))
    return Split(text, end if given else 0, answer)
