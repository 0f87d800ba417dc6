"""The claim layer: one reading of a completion, which every verifier shares.

Text claims first (their words are not things), then sentences, then what the bare answer claims by the
question's type. Every claim keeps its place in the completion; equal claims count once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from halo_forge.answers import Answer
from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.attach import Attacher
from halo_forge.verifiers.boxes import boxes_of
from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.figures import Shown
from halo_forge.verifiers.lexicon import lexicon
from halo_forge.verifiers.numbers import sums
from halo_forge.verifiers.output import answer_of
from halo_forge.verifiers.question import Question, answer_claims, read_question
from halo_forge.verifiers.reader import Reader
from halo_forge.verifiers.rollout import Rollout
from halo_forge.verifiers.sentence import Sentence
from halo_forge.verifiers.split import Split, split
from halo_forge.verifiers.texts import shown_text
from halo_forge.verifiers.tokens import Tokens, plain, tokenise
from halo_forge.verifiers.word_sums import word_sums

MAX_CLAIMS = 300
"""More distinct claims than this are not judged: the share of true ones no longer changes."""


@dataclass
class Reading:
    """A completion read once. `corrections` and `inferences`: character offsets of "wait", "so". `read`: every
    word the chain says to be written in the image, also those the question already holds. `given`: the claims of
    the answer, also those that the chain made before."""

    rollout: Rollout
    question: Question
    split: Split
    tokens: Tokens
    claims: list[Claim]
    corrections: list[int]
    inferences: list[int]
    read: frozenset[str] = frozenset()
    given: list[Claim] = field(default_factory=list)

    @property
    def chain(self) -> bool:
        """Whether the completion reasons before it answers."""
        return self.split.chain_end > 0

    @property
    def chain_tokens(self) -> int:
        """How many of the tokens are the chain's; they come first."""
        return bisect_left(self.tokens.start, self.split.chain_end)


def read_claims(rollout: Rollout, vocabulary: frozenset[str] | None = None) -> list[Claim]:
    """The distinct claims of a completion, in reading order."""
    return read(rollout, vocabulary).claims


def read(rollout: Rollout, vocabulary: frozenset[str] | None = None, answer: Answer | None = None) -> Reading:
    """Read a completion; `vocabulary` adds the detector's own words to the lexicon. `answer`: where it is known."""
    words = lexicon(vocabulary)
    question = read_question(rollout.question, vocabulary)
    parts = split(rollout, answer_of(rollout) if answer is None else answer)
    tokens = tokenise(parts.text)
    shown, blocked = shown_text(tokens, words)
    claims = [_text(tokens, s) for s in shown]
    written = frozenset(w for c in claims if c.polarity and c.start < parts.chain_end for w in str(c.value).split())
    claims = [c for c in claims if c.value and c.value not in question.text]
    claims += _calculations(tokens)
    corrections: list[int] = []
    inferences: list[int] = []
    if not foreign(tokens):
        reader = Reader(tokens, words, blocked)
        sentences = reader.read()
        attacher = Attacher(tokens, question.asked, question.given)
        for sentence in sentences:
            attacher.add(sentence)
        claims += attacher.claims + boxes_of(tokens, sentences, words)
        corrections = [tokens.start[i] for i in reader.corrections]
        inferences = _inferences(tokens, sentences)
    claims = _sourced(claims, parts, question)
    answer = parts.answer
    given = [claim for claim in claims if claim.source == "answer"]
    if answer.text is not None:
        for claim in answer_claims(question, answer.text, words):
            claim.start, claim.end = answer.start, max(answer.start, min(answer.end, len(parts.text)))
            claims.append(claim)
            given.append(claim)
    return Reading(rollout, question, parts, tokens, _distinct(claims), corrections, inferences, written, given)


def foreign(tokens: Tokens) -> bool:
    """More function words of other languages than English ones: the English lexicon would misread it."""
    have = set(tokens.low)
    others = len(have & data.FOREIGN)
    if others >= 2 and others > len(have & data.ENGLISH):
        return True
    letters = [w for w in tokens.low if w[0].isalpha()]
    return bool(letters) and sum(ord(w[0]) > 0x24F for w in letters) * 2 > len(letters)


def _text(tokens: Tokens, shown: Shown) -> Claim:
    i, j = shown.i, shown.j
    start, end = tokens.start[i], tokens.end[j - 1]
    spaced = [
        word if k and tokens.end[i + k - 1] == tokens.start[i + k] else " " + word
        for k, word in enumerate(tokens.raw[i:j])
    ]
    claim = Claim("text", "", start, end, value=plain("".join(spaced)), strong=shown.strong)
    claim.object, claim.polarity, claim.definite = shown.label, not shown.denied, shown.only
    return claim


def _calculations(tokens: Tokens) -> list[Claim]:
    found = []
    for s in (*sums(tokens), *word_sums(tokens)):
        claim = Claim("arithmetic", "", tokens.start[s.i], tokens.end[s.j - 1])
        claim.value = " ".join(tokens.raw[s.i : s.j])
        claim.verdict = "supported" if s.right else "contradicted"
        claim.p = 1.0 if s.right else 0.0
        claim.evidence = f"= {s.computed.normalize():f}"[:60]
        claim.relation = str(s.stated.normalize())
        found.append(claim)
    return found


def _inferences(tokens: Tokens, sentences: Sequence[Sentence]) -> list[int]:
    return [tokens.start[i] for s in sentences if s.inference for i in s.marks if tokens.low[i] in data.INFERENCE]


def _sourced(claims: list[Claim], parts: Split, question: Question) -> list[Claim]:
    """Set the source; a short answer to a question about text names no things ("Apple Store")."""
    answer = parts.answer
    short = question.kind == "text" and answer.text is not None and len(answer.text) <= 60
    named = answer.text is not None and answer.text.count(" ") < 4
    kept = []
    for claim in claims:
        claim.source = "chain" if claim.start < parts.chain_end else "answer"
        if question.absent and claim.kind == "object" and named and claim.start >= answer.start:
            claim.polarity = False
        if claim.kind == "text" and _alone(claim, parts.text):
            continue  # a bare answer is judged as an answer, however it is spelt: "LEEDS" claims no more than "Leeds"
        if short and claim.source == "answer" and claim.start >= answer.start and claim.kind in ("object", "text"):
            continue
        kept.append(claim)
    return kept


def _alone(claim: Claim, text: str) -> bool:
    """Whether the completion is this claim and nothing else."""
    return len(text) < 200 and not (text[: claim.start] + text[claim.end :]).strip(" .\n")


def _distinct(claims: list[Claim]) -> list[Claim]:
    claims.sort(key=lambda c: (c.start, c.end))
    seen: dict[tuple[object, ...], Claim] = {}
    for claim in claims:
        first = seen.setdefault(claim.key(), claim)
        first.last = claim.start
        if first is not claim:
            first.weight = max(first.weight, claim.weight)
            first.strong = first.strong or claim.strong
        if len(seen) >= MAX_CLAIMS:
            break
    return list(seen.values())
