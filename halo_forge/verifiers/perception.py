"""Each claim against the eyes: supported, contradicted, or unknown, with the probability that it is true.

Thresholds: a label is there at `PRESENT`, absent below `ABSENT` when the detector knows it, and between the
two nothing is said. A label the detector often confuses with a detected one is not called absent unless that
other label is certain. The score is a shrunk precision, so that silence is worth the prior ½ and never the
most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.eyes import Eyes, eyes
from halo_forge.verifiers.facts import Facts, by_facts, facts
from halo_forge.verifiers.geometry import SIDE_PRECISION, at_side, iou, precision, relate
from halo_forge.verifiers.lexicon import siblings
from halo_forge.verifiers.reading_text import judge_text
from halo_forge.verifiers.rollout import Rollout
from halo_forge.verifiers.scene import Box, Scene

PRESENT, ABSENT = 0.5, 0.1
CERTAIN_SIBLING = 0.8
COUNT_HIGH, COUNT_LOW = 0.6, 0.2
CAP = 4.0

Verdict = tuple[str, float, str]
UNKNOWN: Verdict = ("unknown", 0.5, "")

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
    judged = [c for c in claims if c.kind in _KINDS and not c.retracted]
    parts = {
        name: shrunk(c for c in judged if _KINDS[c.kind] == name) for name in ("objects", "text", "spatial", "counting")
    }
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
    verdicts = [_RULES[claim.kind](claim, view) for view in views]
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
    if name == "unknown" or (name == "supported" and claim.restricted):
        return UNKNOWN
    return ("contradicted" if name == "supported" else "supported"), 1 - p, evidence


def _object(claim: Claim, view: Eyes) -> Verdict:
    best = view.best(claim.labels)
    name = claim.labels[0]
    if best >= PRESENT:
        return UNKNOWN if claim.how == "<" else ("supported", 0.95, f"{name} {best:.2f}")
    if best >= ABSENT or claim.how == ">" or not view.knows(claim.labels):
        return UNKNOWN
    confused = max((view.best((other,)) for other in siblings(name)), default=0.0)
    if confused >= CERTAIN_SIBLING:
        return "contradicted", 0.3, "only a look-alike"
    return UNKNOWN if confused >= PRESENT else ("contradicted", 0.04, f"no {name}")


def _count(claim: Claim, view: Eyes) -> Verdict:
    low, high = claim.value
    least, most = view.count(claim.labels, COUNT_HIGH), view.count(claim.labels, COUNT_LOW)
    if claim.how == "<" or (most == 0 and not view.knows(claim.labels)):
        return UNKNOWN
    seen = f"{least} to {most} detected" if least != most else f"{least} detected"
    low = 0 if low is None else low
    inside = low <= most and (high is None or least <= high)
    if claim.restricted:
        return ("supported", 0.85, seen) if inside and least == most == low else _too_many(low, most, seen)
    if inside:
        return ("supported", 0.94, seen) if most - least <= 1 or high != low else UNKNOWN
    if claim.how == ">":
        return ("contradicted", 0.1, seen) if high is not None and high < least else UNKNOWN
    if most - least <= 1 and most <= 5:
        return "contradicted", 0.06, seen
    off = low > 1.5 * most or (high is not None and high * 1.5 < least)
    far = low > 2 * most or (high is not None and high * 2 < least)
    return ("contradicted", 0.15, seen) if (far if least >= 10 else off) else UNKNOWN


def _too_many(low: int, most: int, seen: str) -> Verdict:
    return ("contradicted", 0.1, seen) if most <= 5 and low > most else UNKNOWN


def _side(claim: Claim, view: Eyes) -> Verdict:
    found = view.find(claim.labels, PRESENT)
    size = view.scene.width, view.scene.height
    verdicts = []
    for box in found:
        each = [at_side(box, axis, side, *size) for axis, side in claim.value]
        verdicts.append(
            "contradicted" if "contradicted" in each else "supported" if set(each) == {"supported"} else "unknown"
        )
    return _of_instances(verdicts, SIDE_PRECISION, f"{len(found)} {claim.labels[0]}")


def _relation(claim: Claim, view: Eyes) -> Verdict:
    if claim.subject == claim.object:
        return UNKNOWN
    figures, grounds = view.find(claim.labels, PRESENT), view.find(claim.object_labels, PRESENT)
    height = view.scene.height
    verdicts = [relate(claim.relation, a, b, height) for a in figures for b in grounds if a is not b]
    name = claim.object_labels[0]
    return _of_instances(verdicts, precision(claim.relation, name), f"{claim.labels[0]} and {name}")


def _of_instances(verdicts: list[str], odds: tuple[float, float], evidence: str) -> Verdict:
    """Some instance satisfies it: supported; every one speaks against it: contradicted."""
    if "supported" in verdicts:
        return "supported", odds[0], evidence
    if verdicts and all(v == "contradicted" for v in verdicts):
        return "contradicted", odds[1], evidence
    return UNKNOWN


def _box(claim: Claim, view: Eyes) -> Verdict:
    """IoU with boxes of the named label ≥ .5 supports, < .1 contradicts; a point must lie in a box grown by
    5 %. Pixels, thousandths and shares of the image are all understood; a box of the whole image proves
    nothing."""
    found = view.find(claim.labels, PRESENT)
    if not found or not view.scene.width:
        return UNKNOWN
    best = 0.0
    width, height = view.scene.width, view.scene.height
    scales = [(1.0, 1.0)]
    if max(claim.value) <= 1.0:
        scales = [(float(width), float(height))]
    elif max(claim.value) <= 1000:
        scales.append((width / 1000, height / 1000))
    for sx, sy in scales:
        if len(claim.value) == 2:
            x, y = claim.value[0] * sx, claim.value[1] * sy
            best = max(best, float(any(_holds(b, x, y) for b in found)))
            continue
        x1, y1, x2, y2 = claim.value
        box = Box("", 1.0, min(x1, x2) * sx, min(y1, y2) * sy, max(x1, x2) * sx, max(y1, y2) * sy)
        if (box.x2 - box.x1) * (box.y2 - box.y1) >= 0.9 * width * height:
            return UNKNOWN
        best = max(best, max(iou(box, b) for b in found))
    if best >= 0.5:
        return "supported", 0.95, f"IoU {best:.2f}"
    return ("contradicted", 0.05, f"IoU {best:.2f}") if best < 0.1 else UNKNOWN


def _holds(b: Box, x: float, y: float) -> bool:
    dx, dy = 0.05 * (b.x2 - b.x1), 0.05 * (b.y2 - b.y1)
    return b.x1 - dx <= x <= b.x2 + dx and b.y1 - dy <= y <= b.y2 + dy


def _attribute(claim: Claim, view: Eyes) -> Verdict:
    """Boxes carry no colour: only the references can tell."""
    return UNKNOWN


def _text(claim: Claim, view: Eyes) -> Verdict:
    return judge_text(claim.value, claim.strong, view)


_RULES = {
    "object": _object, "count": _count, "side": _side, "relation": _relation, "box": _box,
    "attribute": _attribute,
    "text": _text,
}  # fmt: skip
