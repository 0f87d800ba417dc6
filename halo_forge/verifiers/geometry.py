"""Spatial rules between boxes, each with the precision it showed against human judgement on VSR captions
(Liu et al. 2023, boxes of COCO): P(claim true | verdict). A rule may support, contradict, or abstain."""

from __future__ import annotations

from halo_forge.verifiers.lexicon_data import FRONTED
from halo_forge.verifiers.scene import Box

SUPPORTED, CONTRADICTED, UNKNOWN = "supported", "contradicted", "unknown"

PRECISION = {
    "left": (0.94, 0.03), "right": (0.94, 0.03), "above": (0.88, 0.14), "over": (0.88, 0.14),
    "below": (0.82, 0.08),
    "under": (0.75, 0.11), "on top of": (0.74, 0.02), "on": (0.83, 0.06), "in": (0.82, 0.14),
    "behind": (0.84, 0.15),
    "in front of": (0.74, 0.21), "touching": (0.5, 0.03), "near": (0.5, 0.05), "far": (0.95, 0.5),
}  # fmt: skip
"""Relation: P(true | supported), P(true | contradicted); left and right of a ground without a front."""
PRECISION_FRONTED = (0.89, 0.19)
"""Left and right of a person, vehicle, chair or animal, whose own left may be meant."""

SIDE_PRECISION = (0.93, 0.07)


def precision(relation: str, ground: str) -> tuple[float, float]:
    """P(true | supported) and P(true | contradicted) of a relation to this ground."""
    if relation in ("left", "right") and ground in FRONTED:
        return PRECISION_FRONTED
    return PRECISION[relation]


def relate(relation: str, a: Box, b: Box, height: float) -> str:
    """Verdict on `a relation b`; `height`: of the image, pixels."""
    rule = {
        "left": _left,
        "right": _right,
        "touching": _touching,
        "near": _near,
        "far": _far,
        "on": _on,
        "in": _inside,
        "in open": _within_reach,
    }
    if relation in rule:
        return rule[relation](a, b)
    if relation in ("above", "over"):
        return _vertical(_dy(a, b), a, b, 0.1)
    if relation in ("below", "under"):
        return _vertical(-_dy(a, b), a, b, 0.1)
    if relation == "on top of":
        return _vertical(_dy(a, b), a, b, 0.2)
    if relation == "behind":
        return _depth((b.y2 - a.y2) / max(height, 1.0), 0.2, 0.05)
    if relation == "in front of":
        return _depth((a.y2 - b.y2) / max(height, 1.0), 0.3, 0.2)
    return UNKNOWN


def _left(a: Box, b: Box) -> str:
    offset, widths = (b.x1 + b.x2 - a.x1 - a.x2) / 2, (a.x2 - a.x1) + (b.x2 - b.x1)
    if offset >= 0.2 * widths:
        return SUPPORTED
    return CONTRADICTED if offset <= -0.05 * widths else UNKNOWN


def _right(a: Box, b: Box) -> str:
    return _left(b, a)


def _dy(a: Box, b: Box) -> float:
    """How far a's centre is above b's."""
    return (b.y1 + b.y2 - a.y1 - a.y2) / 2


def _vertical(up: float, a: Box, b: Box, opposite: float) -> str:
    """GenEval's rule: the offset, shrunk by a tenth of the sizes, makes more than half of the distance;
    contradicted when the centres lie the other way round by a margin."""
    heights, widths = (a.y2 - a.y1) + (b.y2 - b.y1), (a.x2 - a.x1) + (b.x2 - b.x1)
    across = abs((b.x1 + b.x2 - a.x1 - a.x2) / 2)
    dx, dy = max(0.0, across - 0.1 * widths), max(0.0, up - 0.1 * heights)
    if dy > 0 and dy / ((dx * dx + dy * dy) ** 0.5) > 0.5:
        return SUPPORTED
    return CONTRADICTED if up <= -opposite * heights and up < 0 else UNKNOWN


def _depth(share: float, support: float, contradict: float) -> str:
    if share >= support:
        return SUPPORTED
    return CONTRADICTED if share <= -contradict else UNKNOWN


def _overlap(a: Box, b: Box) -> float:
    """Pixels both boxes cover."""
    return max(0.0, min(a.x2, b.x2) - max(a.x1, b.x1)) * max(0.0, min(a.y2, b.y2) - max(a.y1, b.y1))


def _area(a: Box) -> float:
    return max(1e-9, (a.x2 - a.x1) * (a.y2 - a.y1))


def _on(a: Box, b: Box) -> str:
    share = _overlap(a, b) / _area(a)
    return SUPPORTED if share >= 0.7 else CONTRADICTED if share < 0.01 else UNKNOWN


def _inside(a: Box, b: Box) -> str:
    share = _overlap(a, b) / _area(a)
    return SUPPORTED if share >= 0.9 else CONTRADICTED if share < 0.5 else UNKNOWN


def _within_reach(a: Box, b: Box) -> str:
    """In an open container: fruit rises above the bowl, so only boxes apart contradict."""
    share = _overlap(a, b) / _area(a)
    return SUPPORTED if share >= 0.9 else CONTRADICTED if _gap(a, b) > 0.02 else UNKNOWN


def _gap(a: Box, b: Box) -> float:
    """Distance between the boxes as a share of their summed diagonals."""
    dx = max(0.0, a.x1 - b.x2, b.x1 - a.x2)
    dy = max(0.0, a.y1 - b.y2, b.y1 - a.y2)
    diagonals = sum(((c.x2 - c.x1) ** 2 + (c.y2 - c.y1) ** 2) ** 0.5 for c in (a, b))
    return float((dx * dx + dy * dy) ** 0.5 / max(diagonals, 1e-9))


def _touching(a: Box, b: Box) -> str:
    return CONTRADICTED if _gap(a, b) > 0.02 else UNKNOWN


def _near(a: Box, b: Box) -> str:
    return CONTRADICTED if _gap(a, b) > 0.3 else UNKNOWN


def _far(a: Box, b: Box) -> str:
    return SUPPORTED if _gap(a, b) > 0.3 else UNKNOWN


def at_side(box: Box, axis: str, side: str, width: float, height: float) -> str:
    """Verdict on "the thing is at this side of the image": centre against thirds and halves, with a dead
    band."""
    low, high, size = (box.x1, box.x2, width) if axis == "x" else (box.y1, box.y2, height)
    if size <= 0 or high - low > 0.6 * size:
        return UNKNOWN
    centre = (low + high) / 2 / size
    if side == "middle":
        return SUPPORTED if 0.33 <= centre <= 0.67 else CONTRADICTED if not 0.25 <= centre <= 0.75 else UNKNOWN
    if side in ("right", "bottom"):
        centre = 1 - centre
    return SUPPORTED if centre < 0.45 else CONTRADICTED if centre > 0.55 else UNKNOWN


def iou(a: Box, b: Box) -> float:
    """Intersection over union."""
    both = _overlap(a, b)
    return both / max(1e-9, _area(a) + _area(b) - both)
