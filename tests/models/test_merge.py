"""`vlm merge`: one model that transformers loads by itself and that answers as base and adapter do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from halo_forge.cli import main
from halo_forge.models.resolve import resolve
from tests.engines.parts import adapter
from tests.tiny import picture

TARGETS = r"model\.language_model\.layers\.\d+\.(self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj)"
BASE = "bundled:shapes/base"


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapter(BASE, tmp_path_factory.mktemp("run") / "cycle_1", TARGETS)


def answer(model: Any, processor: Any) -> list[int]:
    """Token ids of the greedy answer to one question."""
    import io

    import torch
    from PIL import Image

    from halo_forge.models.prompts import encode

    image = Image.open(io.BytesIO(picture(3, (84, 84)))).convert("RGB")
    inputs = encode(processor, ["What colour is the circle?"], [[image]], side="left")
    with torch.no_grad():
        made = model.generate(**inputs, do_sample=False, max_new_tokens=24)
    ids: list[int] = made[0, inputs["input_ids"].shape[1] :].tolist()
    return ids


def test_transformers_alone_gives_the_adapters_answer(cycle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from halo_forge.models.load import load_policy

    assert main(["vlm", "merge", str(cycle)]) == 0
    merged = cycle.with_name("cycle_1-merged")
    assert f"one model at {merged}" in capsys.readouterr().out
    assert resolve(str(merged)).adapter is None
    alone = AutoModelForImageTextToText.from_pretrained(merged), AutoProcessor.from_pretrained(merged)
    said = answer(*load_policy(resolve(str(cycle)), "cpu"))
    assert answer(*alone) == said != answer(*load_policy(resolve(BASE), "cpu"))

    assert main(["vlm", "merge", str(cycle)]) == 0
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "--model is missing"),
        ([BASE, "--output", "{there}/whole"], "whole model already"),
        (["{cycle}", "--output", "{there}"], "no merged model of ours"),
        (["{cycle}", "--outptu", "x"], "did you mean output"),
        (["{there}/nothing"], "nothing"),
    ],
)
def test_mistakes(cycle: Path, tmp_path: Path, words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["vlm", "merge", *(word.format(cycle=cycle, there=tmp_path) for word in words)]) == 2
    told = capsys.readouterr().err
    assert line in told and told.count("\n") == 1


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vlm", "merge", "--help"]) == 0
    assert "vlm merge MODEL" in capsys.readouterr().out
