"""Models side by side on held-out rows: scores with intervals, paired differences, the blind control."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halo_forge.cli import main
from halo_forge.vlm.intervals import bootstrap, smallest_difference
from tests.tiny import picture

WORDS = ["--dataset", "shapes", "--max-new-tokens", "80", "--batch-size", "32", "--device", "cpu", "--quiet"]


def test_models_are_compared_by_prompt_and_blind(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, figures = str(finished / "cycle_2"), tmp_path / "figures.json"
    words = ["--model", model, "--baseline", "bundled:shapes/base", "--limit", "24", "--blind"]
    command = ["vlm", "benchmark", *WORDS, *words, "--output", str(tmp_path / "b"), "--json", str(figures)]
    assert main(command) == 0
    told = capsys.readouterr().out
    found = json.loads(figures.read_text())
    assert [(row["model"], row["blind"]) for row in found["scores"]] == [
        ("bundled:shapes/base", False),
        ("bundled:shapes/base", True),
        (model, False),
        (model, True),
    ]
    seen, blind = found["scores"][0], found["scores"][1]
    assert seen["n"] == 24 and seen["low"] <= seen["score"] <= seen["high"] and seen["tokens_per_second"] > 0
    assert blind["score"] < seen["score"]  # colours and words cannot be guessed
    assert {(row["model"], row["over"]) for row in found["differences"]} == {
        (model, "bundled:shapes/base"),
        (f"{model} (blind)", "bundled:shapes/base (blind)"),
        ("bundled:shapes/base (blind)", "bundled:shapes/base"),
        (f"{model} (blind)", model),
    }
    assert {row["category"] for row in found["categories"]} == {"colour", "count", "side", "text"}
    assert "a sample of 24 of 384 rows cannot show" in told and "paired" in told
    kept = sorted((tmp_path / "b").rglob("part-*.parquet"))
    before = [part.stat().st_mtime_ns for part in kept]
    assert main(command) == 0
    assert [part.stat().st_mtime_ns for part in kept] == before


def test_one_model_writes_where_it_is_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", "bundled:shapes/base", "--limit", "8", "--output", str(tmp_path / "own")]
    assert main(["vlm", "benchmark", *WORDS, *words]) == 0
    assert (tmp_path / "own/benchmark/_stage.json").exists()
    assert "shapes grounded: bundled:shapes/base: match" in capsys.readouterr().out


def test_what_is_wrong_is_said_before_anything_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, line in (
        (["--model", "bundled:shapes/base,no/such-model-anywhere"], "no/such-model-anywhere"),
        (["--model", "bundled:shapes/base", "--guard", "docvqaa"], "did you mean 'docvqa'"),
        (["--model", "bundled:shapes/base", "--engine", "openai"], "--base-url"),
    ):
        assert main(["vlm", "benchmark", *WORDS, *words, "--output", str(tmp_path / "b")]) == 2
        assert line in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_rows_that_cannot_be_scored_are_told_before_a_model_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("halo_forge.models.load.load_policy", None)
    for n in range(12):
        (tmp_path / f"{n}.png").write_bytes(picture(n))
    rows = [json.dumps({"question": f"Which is {n}?", "image": f"{n}.png"}) + "\n" for n in range(12)]
    (tmp_path / "rows.jsonl").write_text("".join(rows))
    words = ["--model", "bundled:shapes/base", "--dataset", str(tmp_path / "rows.jsonl"), "--device", "cpu", "--quiet"]
    for share, line in (("0.6", "have no answers to score against"), ("0", "none of its 12 rows is held out")):
        output = str(tmp_path / f"b{share}")
        assert main(["vlm", "benchmark", *words, "--hold-out", share, "--output", output]) == 2
        assert line in capsys.readouterr().err


def test_the_interval_is_of_images_not_of_questions() -> None:
    values = [1.0, 0.0] * 50
    alone = bootstrap(values, [str(i) for i in range(100)])
    assert alone.mean == 0.5 and 0.08 < alone.half < 0.12
    together = bootstrap(sorted(values), [str(i // 10) for i in range(100)])
    assert together.half > 2.5 * alone.half  # ten questions of an image are right or wrong together
    assert bootstrap(values, [None] * 100).half == pytest.approx(alone.half, rel=0.2)
    assert bootstrap(values, [str(i) for i in range(100)]) == alone


def test_what_so_few_rows_can_show() -> None:
    assert smallest_difference(bootstrap([1.0] * 60, [str(i) for i in range(60)]), 60) == 0.05
    wide = bootstrap([1.0, 0.0] * 50, [str(i) for i in range(100)])
    assert smallest_difference(wide, 100) == pytest.approx(2**0.5 * wide.half)
