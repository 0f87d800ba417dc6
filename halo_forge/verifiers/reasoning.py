"""Reasoning = consistency × (¼ structure + ¾ grounding). It can only rank completions, never make one right.

Structure is hygiene: words and length are never paid. Grounding is the shrunk precision of the premises that
matter to the question; what the question already says earns nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.claims import Reading
from halo_forge.verifiers.consistency import judge_consistency, retract
from halo_forge.verifiers.perception import shrunk

PRIOR = 0.5
_PLEAS = frozenset(["grader", "verifier", "reward", "marks"])
"""Words to whoever scores the text instead of about the image."""
MAX_ANSWER = 200
_TAGS = re.compile(r"<(/?)(think|thinking|reasoning|answer)>")
_SYMBOLS = re.compile(r"(?:[^\w\s<>]\s*+){16}")
_SENTENCES = re.compile(r"[.!?;\n]+")
_REPEATS_HALF = 40
"""So many repeated word triples halve the structure score."""
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Reasoning:
    """Scores in [0, 1]; None where there was nothing to judge, `score` None without a chain."""

    structure: float | None
    consistency: float | None
    grounding: float | None
    score: float | None


def judge_reasoning(reading: Reading, retractions: int | None = None) -> Reasoning:
    """Score a reading whose claims perception has judged."""
    taken = retract(reading) if retractions is None else retractions
    consistency = judge_consistency(reading, taken)
    if not reading.chain:
        return Reasoning(None, consistency, None, None)
    structure = judge_structure(reading)
    grounding = judge_grounding(reading)
    inner = 0.25 * structure + 0.75 * (PRIOR if grounding is None else grounding)
    return Reasoning(structure, consistency, grounding, (1.0 if consistency is None else consistency) * inner)


def judge_grounding(reading: Reading) -> float | None:
    """Shrunk precision over relevant chain premises; None when no premise could be checked."""
    return shrunk(c for c in reading.claims if c.source == "chain" and not c.retracted and _relevant(c, reading))


def _relevant(claim: Claim, reading: Reading) -> bool:
    """About a thing of the question or the answer, or of the kind the question asks for; sums always are."""
    question = reading.question
    if claim.kind == "arithmetic":
        return True
    if claim.kind == "text":
        return question.kind not in ("count", "side", "colour") or not question.names
    if not question.names or claim.subject in question.names or (claim.object and claim.object in question.names):
        return True
    answer = (reading.split.answer.text or "").lower()
    if claim.subject in answer or any(label in answer for label in claim.labels):
        return True
    asked = question.asked
    return asked is not None and asked.how == ">" and bool(set(asked.labels) & set(claim.labels))


def judge_structure(reading: Reading) -> float:
    """Product of hygiene factors: says something (½ when none of it can be checked), tags in order, no
    repetition, letters rather than symbols, a short answer, not cut off."""
    text = reading.split.text
    chain = text[: reading.split.chain_end]
    words = _WORDS.findall(chain.lower())
    score = _informative(reading, words) * _tags(text) * _fresh(chain)
    if _SYMBOLS.search(chain):
        score *= 0.5
    if len(reading.split.answer.text or "") > MAX_ANSWER:
        score *= 0.5
    if not _PLEAS.isdisjoint(words):
        score *= 0.5
    if reading.rollout.finish_reason == "length":
        score *= 0.5
    return score


def _informative(reading: Reading, words: list[str]) -> float:
    verdicts = {c.verdict for c in reading.claims if c.source == "chain" and c.weight}
    if "supported" in verdicts or "contradicted" in verdicts:
        return 1.0 if "supported" in verdicts else 0.0
    question = set(reading.question.text.split())
    content = {w for w in words if w not in data.FILLER and w not in question and len(w) > 2}
    return 0.5 if verdicts or len(content) >= 2 else 0.0


def _tags(text: str) -> float:
    """Half for each fault: unclosed, nested or repeated tags."""
    open_tag, seen, faults = "", set(), 0
    for match in _TAGS.finditer(text):
        closing, name = match.groups()
        if closing:
            faults += open_tag != name
            open_tag = ""
        else:
            faults += bool(open_tag) or name in seen
            open_tag = name
            seen.add(name)
    faults += bool(open_tag)
    return float(0.5 ** min(faults, 8))


def _fresh(chain: str) -> float:
    """1 without repetition, ½ at 40 repeated word triples. Counted within sentences and never as a share, so that
    no further sentence, true or false, can dilute it."""
    seen: set[tuple[str, ...]] = set()
    repeats = 0
    for sentence in _SENTENCES.split(_TAGS.sub("\n", chain.lower())):
        words = _WORDS.findall(sentence)
        for triple in zip(words, words[1:], words[2:], strict=False) if len(words) > 2 else [tuple(words)]:
            repeats += bool(triple) and triple in seen
            seen.add(triple)
    return _REPEATS_HALF / (_REPEATS_HALF + repeats)
