"""The one-image checkers."""

from __future__ import annotations

from scenes import OFFICE

from halo_forge.verifiers.scene import Box, Line
from halo_forge.vlm.verifiers import OutputChecker, PerceptionChecker, ReasoningChecker


class Eyes:
    """A detector and an OCR that know one scene."""

    vocabulary = ("clock", "Person")

    def detect(self, images: list) -> list[list[Box]]:  # type: ignore[type-arg]
        return [[Box("clock", 0.9, 0, 0, 10, 10)] for _ in images]

    def read(self, images: list) -> list[list[Line]]:  # type: ignore[type-arg]
        return [[Line("EXIT", 0.9, 0, 0, 10, 10)] for _ in images]


def test_perception_from_an_image() -> None:
    from PIL import Image

    checker = PerceptionChecker(detector=Eyes(), ocr=Eyes())
    result = checker.check(Image.new("L", (40, 40)), 'A clock and a person. It reads "EXIT".')
    assert [c.verdict for c in result.claims] == ["supported", "contradicted", "supported"]
    assert result.parts["text"] == 0.75 and result.score is not None and result.score < 0.75


def test_without_eyes_nothing_is_judged() -> None:
    from PIL import Image

    result = PerceptionChecker(detector=None, ocr=None).check(Image.new("RGB", (9, 9)), 'A clock. It reads "EXIT".')
    assert result.score is None


def test_reasoning_and_output() -> None:
    text = "<think>The clock is above the person.</think><answer>clock</answer>"
    reasons = ReasoningChecker().check(None, text, "What is above the person?", scene=OFFICE)
    assert reasons.score is not None and reasons.score > 0.8
    output = OutputChecker().check(None, text, "What is above the person?", answers=["clock"])
    assert output.correct and output.answer == "clock" and output.score == 1.0
