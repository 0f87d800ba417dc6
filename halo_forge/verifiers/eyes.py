"""A scene indexed for judging: boxes by canonical label, and the lines of text ready to compare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from halo_forge.verifiers.lexicon import canonical_label
from halo_forge.verifiers.scene import Box, Line, Scene
from halo_forge.verifiers.tokens import plain

_MAX_BOXES = 12


@dataclass
class Eyes:
    """`boxes`: by canonical label, most confident first. `vocabulary` None: absence proves nothing."""

    scene: Scene
    boxes: dict[str, list[Box]]
    vocabulary: frozenset[str] | None
    lines: list[tuple[str, float]]
    words: list[list[str]]

    def best(self, labels: tuple[str, ...]) -> float:
        """Highest confidence of any of the labels; 0 when none was detected at all."""
        return max((self.boxes[label][0].confidence for label in labels if label in self.boxes), default=0.0)

    def find(self, labels: tuple[str, ...], confidence: float) -> list[Box]:
        """The boxes of the labels at or above a confidence, at most twelve (relations compare pairs)."""
        found = [b for label in labels for b in self.boxes.get(label, ()) if b.confidence >= confidence]
        return found[:_MAX_BOXES]

    def count(self, labels: tuple[str, ...], confidence: float) -> int:
        """How many boxes of the labels reach a confidence."""
        return sum(b.confidence >= confidence for label in labels for b in self.boxes.get(label, ()))

    def knows(self, labels: tuple[str, ...]) -> bool:
        """Whether the detector could have said one of the labels."""
        return self.vocabulary is not None and any(label in self.vocabulary for label in labels)


def eyes(scene: Scene) -> Eyes:
    """The index of a scene, built once per scene object."""
    held = scene.__dict__.get("_eyes")
    if held is None:
        held = _index(scene)
        object.__setattr__(scene, "_eyes", held)
    found: Eyes = held
    return found


def _index(scene: Scene) -> Eyes:
    boxes: dict[str, list[Box]] = {}
    for box in scene.objects:
        boxes.setdefault(canonical_label(box.label), []).append(box)
    for many in boxes.values():
        many.sort(key=lambda b: -b.confidence)
    vocabulary = None if scene.vocabulary is None else _canonical(scene.vocabulary)
    lines = [(text, conf) for text, conf in _readable(scene.texts) if text]
    return Eyes(scene, boxes, vocabulary, lines, [text.split() for text, _ in lines])


@lru_cache(maxsize=8)
def _canonical(vocabulary: frozenset[str]) -> frozenset[str]:
    return frozenset(canonical_label(label) for label in vocabulary)


def _readable(lines: tuple[Line, ...]) -> list[tuple[str, float]]:
    """Each line, and each pair that continues below the other in one column (gap under 1.5 line heights)."""
    found = [(plain(line.text), line.confidence) for line in lines]
    for a in lines[:100]:
        for b in lines[:100]:
            height = max(1.0, a.y2 - a.y1)
            below = b.y1 >= a.y1 + height / 2 and b.y1 - a.y2 < 1.5 * height
            if a is not b and below and min(a.x2, b.x2) > max(a.x1, b.x1):
                found.append((plain(a.text + " " + b.text), min(a.confidence, b.confidence)))
    return found
