"""What the reference answers say about the image, in the same slots that claims fill."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from halo_forge.verifiers.attach import Attacher
from halo_forge.verifiers.claim import Claim, Slot
from halo_forge.verifiers.lexicon import lexicon
from halo_forge.verifiers.question import Question, answer_claims, read_question
from halo_forge.verifiers.reader import Reader
from halo_forge.verifiers.tokens import plain, tokenise


@dataclass(frozen=True)
class Facts:
    """`slots`: values any reference gives a slot, with polarity. `texts`: the references as text.
    `counts`: counts that a reference supports although its question asks only for some."""

    slots: dict[Slot, set[tuple[Any, bool]]] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    counts: frozenset[tuple[str, int]] = frozenset()


@lru_cache(maxsize=4096)
def facts(question_text: str, answers: tuple[str, ...], vocabulary: frozenset[str] | None) -> Facts:
    """Facts from the references of one question; empty without references."""
    question = read_question(question_text, vocabulary)
    slots: dict[Slot, set[tuple[Any, bool]]] = {}
    counts = set()
    for answer in answers[:20]:
        for claim in _claims(question, answer, vocabulary):
            for slot, value in claim.slots():
                slots.setdefault(slot, set()).add((value, claim.polarity))
            if claim.kind == "count":
                counts.add((claim.subject, claim.value[0]))
    texts = frozenset(p for a in answers[:20] if len(p := plain(a)) >= 2 and p not in ("yes", "no"))
    return Facts(slots, texts, frozenset(counts))


def _claims(question: Question, answer: str, vocabulary: frozenset[str] | None) -> list[Claim]:
    words = lexicon(vocabulary)
    claims = answer_claims(question, answer, words)
    if question.kind == "object":
        tokens = tokenise(answer)
        attacher = Attacher(tokens, question.asked, question.given)
        for sentence in Reader(tokens, words, set()).read():
            attacher.add(sentence)
        claims += [c for c in attacher.claims if c.kind == "object" and c.polarity]
        for claim in claims:
            claim.polarity = not question.absent
    return claims


def by_facts(claim: Claim, known: Facts) -> tuple[str, float, str] | None:
    """Verdict of the references on a claim; None when they do not speak about it."""
    if claim.kind == "text":
        near = claim.value in known.texts or any(_part(claim.value, t) or _part(t, claim.value) for t in known.texts)
        return _verdict(claim.polarity) if near else None
    if claim.kind == "count" and claim.value[0] == claim.value[1] and (claim.subject, claim.value[0]) in known.counts:
        return _verdict(claim.polarity)
    matched = False
    for slot, value in claim.slots():
        values = known.slots.get(slot)
        if not values:
            continue
        if (value, claim.polarity) in values:
            matched = True
        elif not claim.strong and claim.kind != "attribute":
            continue
        elif (value, not claim.polarity) in values or (claim.polarity and claim.kind != "object"):
            return "contradicted", 0.03, "reference answer"
    return ("supported", 0.97, "reference answer") if matched else None


def _verdict(polarity: bool) -> tuple[str, float, str]:
    return ("supported", 0.97, "reference answer") if polarity else ("contradicted", 0.03, "reference answer")


def _part(a: str, b: str) -> bool:
    """Whether text a stands in text b as whole words."""
    return len(a) >= 3 and f" {a} " in f" {b} "
