"""One image and one question, with the real model, detector and OCR."""

from __future__ import annotations

from pathlib import Path

import pytest

from halo_forge.cards.shapes import scenes as shapes
from halo_forge.cli import main

EYES = ["--detector", "bundled:shapes/detector/shapes.pt", "--ocr", "rapidocr:192", "--device", "cpu"]


def test_what_it_says_and_what_that_earns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = next(e for e in shapes.scenes("eval", 20) if e.kind == "text")
    image = tmp_path / "scene.png"
    image.write_bytes(shapes.png(made.scene))
    words = ["vlm", "try", "bundled:shapes/base", str(image), made.question, *EYES]
    assert main([*words, "--answer", made.answer, "--prompt", "{question}" + shapes.GROUNDED]) == 0
    told = capsys.readouterr().out
    assert f"answer: {made.answer!r} (right)" in told and f"'{made.answer}'" in told.split("claims:")[0]
    assert "supported" in told and float(told.rsplit("reward: ", 1)[1]) > 0.7


def test_what_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    for image, line in ((tmp_path / "none.png", "cannot read the image"), (broken, "no image that can be used")):
        assert main(["vlm", "try", "bundled:shapes/base", str(image), "What?", *EYES]) == 2
        assert line in capsys.readouterr().err
    assert main(["vlm", "try", "bundled:shapes/base"]) == 2
    assert "--image is missing" in capsys.readouterr().err
