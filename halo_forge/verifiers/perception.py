"""Each claim against the eyes: supported, contradicted, or unknown, with the probability that it is true.

The rule of each kind of claim is in `verdicts`. The score is a shrunk precision, so that silence is worth the
prior ½ and never the most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.eyes import Eyes, eyes
from halo_forge.verifiers.facts import Facts, by_facts, facts
from halo_forge.verifiers.rollout import Rollout
from halo_forge.verifiers.scene import Scene
from halo_forge.verifiers.verdicts import RULES, UNKNOWN, Verdict

CAP = 4.0

_KINDS = {
    "object": "objects", "attribute": "objects", "text": "text", "relation": "spatial", "side": "spatial",
    "box": "spatial", "count": "counting",
}  # fmt: skip


@dataclass(frozen=True)
class Perception:
    """Scores in [0, 1], None where nothing was judged; `claims` are the judged ones with verdicts filled
    in."""

    objects: float | None
    text: float | None
    spatial: float | None
    counting: float | None
    score: float | None
    claims: tuple[Claim, ...]


def judge_perception(
    claims: Sequence[Claim], scenes: Sequence[Scene], rollout: Rollout, answer: tuple[int, int] | None = None
) -> Perception:
    """Fill verdict, p and evidence of each claim, and score them. Arithmetic is left to reasoning.

    `answer`: the characters of an answer the references call right; the claim it makes is never contradicted.
    """
    vocabulary = vocabulary_of(scenes)
    known = facts(rollout.question, rollout.answers or (), vocabulary)
    views = [eyes(scene) for scene in scenes]
    for claim in claims:
        if claim.kind != "arithmetic":
            claim.verdict, claim.p, claim.evidence = judge(claim, views, known)
            if answer == (claim.start, claim.end) and claim.verdict == "contradicted":
                claim.verdict, claim.p, claim.evidence = "supported", 0.97, "reference answer"
    _once_per_lie(claims)
    by_part: dict[str, list[Claim]] = {name: [] for name in ("objects", "text", "spatial", "counting")}
    judged = [c for c in claims if c.verdict != "unknown" and c.kind in _KINDS and not c.retracted]
    for claim in judged:
        by_part[_KINDS[claim.kind]].append(claim)
    parts = {name: shrunk(some) if some else None for name, some in by_part.items()}
    return Perception(**parts, score=shrunk(judged), claims=tuple(claims))


def vocabulary_of(scenes: Sequence[Scene]) -> frozenset[str] | None:
    """The words any of the detectors could say; None when none has a closed list."""
    known = [s.vocabulary for s in scenes if s.vocabulary is not None]
    if len(known) == 1:
        return known[0]
    return frozenset().union(*known) if known else None


def weigh(claim: Claim) -> float:
    """How much a verdict moves the score: the hedge's weight, less for rules that are often wrong."""
    return claim.weight * min(1.0, abs(2 * claim.p - 1) / 0.88)


def shrunk(claims: Iterable[Claim]) -> float | None:
    """(min(S, 4) + ½) / (min(S, 4) + C + 1) over supported and contradicted claims; None without any."""
    supported = contradicted = 0.0
    judged = False
    for claim in claims:
        if claim.verdict == "supported":
            supported += weigh(claim)
        elif claim.verdict == "contradicted":
            contradicted += weigh(claim)
        else:
            continue
        judged = True
    if not judged:
        return None
    supported = min(supported, CAP)
    return (supported + 0.5) / (supported + contradicted + 1.0)


def _once_per_lie(claims: Sequence[Claim]) -> None:
    """A relation, side, box or count of a thing that is not there was already paid for by the thing
    itself."""
    absent = {c.subject for c in claims if c.kind == "object" and c.polarity and c.verdict == "contradicted"}
    if not absent:
        return
    for claim in claims:
        if claim.kind in ("relation", "side", "box", "count", "attribute") and (
            claim.subject in absent or claim.object in absent
        ):
            claim.verdict, claim.p, claim.evidence = "unknown", 0.5, "its thing is not there"


def judge(claim: Claim, views: Sequence[Eyes], known: Facts) -> Verdict:
    """The references first; then supported if any image supports, contradicted only if all do (a denial: the
    mirror)."""
    told = by_facts(claim, known)
    if told is not None:
        return told
    if not views:
        return UNKNOWN
    verdicts = [RULES[claim.kind](claim, view) for view in views]
    best = _united(verdicts)
    return best if claim.polarity else _mirror(best, claim)


def _united(verdicts: list[Verdict]) -> Verdict:
    for verdict in verdicts:
        if verdict[0] == "supported":
            return verdict
    if all(v[0] == "contradicted" for v in verdicts):
        return max(verdicts, key=lambda v: v[1])
    return UNKNOWN


def _mirror(verdict: Verdict, claim: Claim) -> Verdict:
    name, p, evidence = verdict
    if (
        name == "unknown"
        or (name == "supported" and claim.restricted)
        or (claim.kind == "text" and name != "supported")
    ):
        return UNKNOWN
    return ("contradicted" if name == "supported" else "supported"), 1 - p, evidence
