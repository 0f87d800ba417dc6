"""Verifiers for one image and one completion: the door for a notebook.

    checker = PerceptionChecker(detector="yolov8n", ocr="rapidocr")
    result = checker.check(image, "Two dogs lie on the couch.", question="How many dogs are there?")
    result.score, result.parts, result.claims

Built on the functions the verify stage runs; the detector and OCR are loaded once per checker, on the first
image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from halo_forge.verifiers import judge_reading
from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.output import judge_output
from halo_forge.verifiers.rollout import Rollout
from halo_forge.verifiers.scene import Box, Line, Scene


@dataclass(frozen=True)
class Result:
    """`score` and each of `parts` in [0, 1], None where nothing was judged; `claims` with span, verdict,
    evidence."""

    score: float | None
    parts: dict[str, float | None] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    answer: str | None = None
    correct: bool | None = None


class _Seeing:
    """A checker with eyes. `detector` and `ocr`: a name, a loaded object with `.detect` / `.read`, or None
    for none (what is not looked at is never judged)."""

    def __init__(self, detector: Any = "yolov8n", ocr: Any = "rapidocr") -> None:
        self._detector, self._ocr = detector, ocr

    def look(self, image: Any) -> Scene:
        """The scene of an image: PIL, encoded bytes, or a path."""
        picture = _picture(image)
        detector, ocr = self._eyes()
        objects: Sequence[Box] = detector.detect([picture])[0] if detector is not None else ()
        texts: Sequence[Line] = ocr.read([picture])[0] if ocr is not None else ()
        vocabulary = getattr(detector, "vocabulary", None)
        known = None if vocabulary is None else frozenset(str(v).casefold() for v in vocabulary)
        return Scene(picture.width, picture.height, tuple(objects), tuple(texts), known, ocr is not None)

    def _eyes(self) -> tuple[Any, Any]:
        if isinstance(self._detector, str):
            from halo_forge.perception.detectors import load_detector

            self._detector = load_detector(self._detector)
        if isinstance(self._ocr, str):
            from halo_forge.perception.ocr import load_ocr

            self._ocr = load_ocr(self._ocr)
        return self._detector, self._ocr

    def scenes(self, image: Any, scene: Scene | None) -> list[Scene]:
        """The given scene, or one looked up from the image; none without either."""
        if scene is not None:
            return [scene]
        return [] if image is None else [self.look(image)]


class PerceptionChecker(_Seeing):
    """Are the claims of a completion true of the image?"""

    def check(
        self, image: Any, completion: str, question: str = "", answers: Sequence[str] | None = None,
        scene: Scene | None = None,
    ) -> Result:  # fmt: skip
        """Score the claims; `scene` instead of an image skips detector and OCR."""
        rollout = Rollout(question, completion, None if answers is None else tuple(answers))
        _, seen, _ = judge_reading(rollout, self.scenes(image, scene))
        parts = {
            "objects": seen.objects,
            "text": seen.text,
            "spatial": seen.spatial,
            "counting": seen.counting,
        }
        return Result(seen.score, parts, seen.claims)


class ReasoningChecker(_Seeing):
    """Is the chain consistent, and are the premises that matter grounded in the image?"""

    def check(
        self, image: Any, completion: str, question: str = "", answers: Sequence[str] | None = None,
        scene: Scene | None = None,
    ) -> Result:  # fmt: skip
        """Score the chain; without image and scene only consistency and structure have evidence."""
        rollout = Rollout(question, completion, None if answers is None else tuple(answers))
        reading, _, reasons = judge_reading(rollout, self.scenes(image, scene))
        parts = {
            "structure": reasons.structure, "consistency": reasons.consistency,
            "grounding": reasons.grounding,
        }  # fmt: skip
        return Result(reasons.score, parts, tuple(reading.claims))


class OutputChecker:
    """Is the answer right? `metric` as in the prompts table; `encoder`: optional, for the semantic part."""

    def __init__(self, metric: str = "match", threshold: float = 0.9, encoder: Any = None) -> None:
        self.metric, self.threshold, self.encoder = metric, threshold, encoder

    def check(
        self, image: Any, completion: str, question: str = "", answers: Sequence[str] | None = None,
        choices: Sequence[str] | None = None,
    ) -> Result:  # fmt: skip
        """Score the extracted answer; the image is not looked at. All scores None without `answers`."""
        rollout = Rollout(
            question, completion, None if answers is None else tuple(answers), metric=self.metric,
            choices=None if choices is None else tuple(choices), threshold=self.threshold,
        )  # fmt: skip
        output = judge_output(rollout, self.encoder)
        parts = {"exact": output.exact, "fuzzy": output.fuzzy, "semantic": output.semantic}
        return Result(output.output, parts, (), output.answer, output.correct)


def _picture(image: Any) -> Any:
    """A PIL image in RGB from PIL, bytes or a path, opened the way every stage opens images."""
    from pathlib import Path

    from halo_forge.images import open_image

    if isinstance(image, (str, Path)):
        return open_image(Path(image).read_bytes())
    if isinstance(image, (bytes, bytearray)):
        return open_image(bytes(image))
    return image.convert("RGB")
