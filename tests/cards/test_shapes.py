"""The bundled dataset: deterministic scenes, true answers, a base with good eyes and a habit, a detector that sees."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from halo_forge.cards.shapes import scenes as shapes

FOLDER = Path(shapes.__file__).parent


def digest(split: str, n: int) -> str:
    return hashlib.sha256(b"".join(shapes.png(e.scene) for e in shapes.scenes(split, n))).hexdigest()


def test_same_bytes_in_another_process() -> None:
    here = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {here!r}); import test_shapes as t; print(t.digest('train', 40))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == digest("train", 40)


def test_splits_share_no_layout_and_no_image() -> None:
    layouts = {s: {e.scene.layout for e in shapes.scenes(s, shapes.ROWS[s])} for s in ("train", "eval")}
    layouts["base"] = {e.scene.layout for e in shapes.scenes("base", 2000)}
    assert not layouts["train"] & layouts["eval"]
    assert not layouts["base"] & (layouts["train"] | layouts["eval"])


@pytest.mark.parametrize("made", list(shapes.scenes("eval", 60)), ids=lambda e: e.question)
def test_answer_follows_from_the_scene(made: shapes.Example) -> None:
    items = made.scene.items
    words = made.question.rstrip("?").split()
    if made.kind == "count":
        assert Counter(f"{i.shape}s" for i in items)[words[2]] == int(made.answer)
    elif made.kind == "colour":
        assert [i.colour for i in items if i.shape == words[-1]] == [made.answer]
    elif made.kind == "text":
        assert made.answer == made.scene.word
    else:
        assert [{0: "left", 2: "right"}[i.column] for i in items if i.shape == words[2]] == [made.answer]


@pytest.fixture(scope="module")
def base() -> Any:
    from halo_forge.engines.transformers import Generator
    from halo_forge.models import load_policy, resolve

    ref = resolve("bundled:shapes/base")
    return Generator(*load_policy(ref, "cpu"), ref.family)


def answers(base: Any, made: list[shapes.Example]) -> list[str]:
    from halo_forge.engines.transformers import Request, Sampling

    asked = [Request(e.question + shapes.GROUNDED, (shapes.png(e.scene),)) for e in made]
    return [done[0].text for done in base.answer(asked, [Sampling(1, 0.0, 1.0, 80, 0)])]


def test_base_sees_well_and_has_the_habit(base: Any) -> None:
    made = list(shapes.scenes("eval", 96))
    told = answers(base, made)
    right = {
        kind: [f"<answer>{e.answer}<" in t for e, t in zip(made, told, strict=True) if e.kind == kind]
        for kind in shapes.KINDS
    }
    share = {kind: sum(hits) / len(hits) for kind, hits in right.items()}
    assert share["colour"] > 0.9 and share["text"] > 0.9
    assert share["count"] < 0.1 and share["side"] < 0.1
    seen = [t.split(" <answer>")[0] == e.evidence for e, t in zip(made, told, strict=True)]
    assert sum(seen) / len(seen) > 0.9


def test_an_image_is_nine_tokens(base: Any) -> None:
    made = shapes.example("eval", 0)
    text = base.processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}], add_generation_prompt=True
    )
    ids = base.processor(text=[text], images=[[shapes.draw(made.scene)]], return_tensors="pt")["input_ids"][0]
    assert (ids == base.processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")).sum() == shapes.GRID**2


def test_files_are_small_and_say_their_licence() -> None:
    size = sum(f.stat().st_size for part in ("base", "detector") for f in (FOLDER / part).rglob("*") if f.is_file())
    assert size < 12e6
    assert "AGPL-3.0" in (FOLDER / "detector" / "LICENSE.txt").read_text()
    assert "spoiled on purpose" in (FOLDER / "base" / "README.md").read_text()


def test_ocr_reads_the_words() -> None:
    from halo_forge.perception.ocr import load_ocr

    made = [e for e in shapes.scenes("eval", 80) if e.kind == "text"]
    read = load_ocr("rapidocr:192").read([shapes.draw(e.scene) for e in made])
    hits = [any(line.text == e.answer for line in lines) for e, lines in zip(made, read, strict=True)]
    assert sum(hits) / len(hits) >= 0.95
