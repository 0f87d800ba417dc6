"""One rule per kind of claim: what one image says about it, with the probability that the claim is true.

Two thresholds: a label is there at `PRESENT`, absent below `ABSENT` when the detector knows it, and between the
two nothing is said. A label the detector often confuses with a detected one is not called absent unless that
other label is certain. Counts are an interval between two thresholds.
"""

from __future__ import annotations

from collections.abc import Callable

from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.eyes import Eyes
from halo_forge.verifiers.geometry import SIDE_PRECISION, at_side, iou, precision, relate
from halo_forge.verifiers.lexicon import siblings
from halo_forge.verifiers.lexicon_data import CONTAINERS
from halo_forge.verifiers.reading_text import judge_entry, judge_text
from halo_forge.verifiers.scene import Box

PRESENT, ABSENT = 0.5, 0.1
CERTAIN_SIBLING = 0.8
COUNT_HIGH, COUNT_LOW = 0.6, 0.2

Verdict = tuple[str, float, str]
UNKNOWN: Verdict = ("unknown", 0.5, "")


def _object(claim: Claim, view: Eyes) -> Verdict:
    best = view.best(claim.labels)
    name = claim.labels[0]
    if best >= PRESENT:
        return UNKNOWN if claim.how == "<" else ("supported", 0.95, f"{name} {best:.2f}")
    if best >= ABSENT or claim.how == ">" or not view.knows(claim.labels):
        return UNKNOWN
    if claim.named and any(name in words or name + "s" in words for words in view.words):
        return UNKNOWN  # "the Bears" of a table of teams
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
    if claim.object:
        return _extreme(claim, view)
    found = view.find(claim.labels, PRESENT)
    size = view.scene.width, view.scene.height
    verdicts = []
    for box in found:
        each = [at_side(box, axis, side, *size) for axis, side in claim.value]
        verdicts.append(
            "contradicted" if "contradicted" in each else "supported" if set(each) == {"supported"} else "unknown"
        )
    if claim.restricted and len(found) > 1 and "supported" not in verdicts:
        return UNKNOWN  # "the car on the left" of two may be the left one of them
    return _of_instances(verdicts, SIDE_PRECISION, f"{len(found)} {claim.labels[0]}")


def _extreme(claim: Claim, view: Eyes) -> Verdict:
    """Who is leftmost: by the centres of the named kind's boxes; a tie within .03 of the image says nothing."""
    axis, side = claim.value[0]
    several = [
        (b, label) for label in claim.object_labels for b in view.boxes.get(label, ()) if b.confidence >= PRESENT
    ]
    size = view.scene.width if axis == "most x" else view.scene.height
    if len(several) < 2 or not size:
        return UNKNOWN
    sign = -1 if side in ("right", "bottom") else 1
    centres = sorted(
        (sign * (b.x1 + b.x2 if axis == "most x" else b.y1 + b.y2) / 2 / size, label) for b, label in several
    )
    first = {label for centre, label in centres if centre - centres[0][0] < 0.03}
    if len(first) > 1:
        return UNKNOWN
    evidence = f"{side}most is {centres[0][1]}"
    return ("supported", 0.9, evidence) if first & set(claim.labels) else ("contradicted", 0.08, evidence)


def _more(claim: Claim, view: Eyes) -> Verdict:
    """ "More cars than people": by count intervals that do not overlap."""
    if not (view.knows(claim.labels) and view.knows(claim.object_labels)):
        return UNKNOWN
    sides = [claim.labels, claim.object_labels]
    many, few = sides if claim.relation == "more" else sides[::-1]
    if view.count(many, COUNT_HIGH) > view.count(few, COUNT_LOW):
        return "supported", 0.9, "by count"
    return ("contradicted", 0.1, "by count") if view.count(many, COUNT_LOW) <= view.count(few, COUNT_HIGH) else UNKNOWN


def _relation(claim: Claim, view: Eyes) -> Verdict:
    if claim.subject == claim.object:
        return UNKNOWN
    if claim.relation in ("more", "fewer"):
        return _more(claim, view)
    figures, grounds = view.find(claim.labels, PRESENT), view.find(claim.object_labels, PRESENT)
    height = view.scene.height
    name = claim.object_labels[0]
    relation = "in open" if claim.relation == "in" and name in CONTAINERS else claim.relation
    verdicts = [relate(relation, a, b, height) for a in figures for b in grounds if a is not b]
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
    """Boxes carry no colour, unless the detector's labels do ("red circle"); else only the references can tell."""
    name = f"{claim.value} {claim.subject}"
    own = [label for label in view.boxes if label.endswith(" " + claim.subject) and view.best((label,)) >= PRESENT]
    if not view.knows((name,)):
        return UNKNOWN
    if view.best((name,)) >= PRESENT:
        return "supported", 0.95, name
    return ("contradicted", 0.05, ", ".join(own)) if own and view.best((name,)) < ABSENT else UNKNOWN


def _text(claim: Claim, view: Eyes) -> Verdict:
    if claim.object:
        return judge_entry(claim.object, claim.value, view)
    return judge_text(claim.value, claim.strong, view)


RULES: dict[str, Callable[[Claim, Eyes], Verdict]] = {
    "object": _object, "count": _count, "side": _side, "relation": _relation, "box": _box,
    "attribute": _attribute,
    "text": _text,
}  # fmt: skip
