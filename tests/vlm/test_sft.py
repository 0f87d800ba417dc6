"""A cold start on human answers: what is trained on, and that its model is trained further and scored."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from runs import digests

from halo_forge import schema
from halo_forge.cli import flags, main
from halo_forge.errors import UserError
from halo_forge.models import resolve
from halo_forge.progress import Progress
from halo_forge.store import StaleError, Table, Writer
from halo_forge.vlm import sft
from halo_forge.vlm.config import VLMRAFTConfig

SMALL = ["--dataset", "shapes", "--limit", "12", "--eval-limit", "8", "--threads", "1", "--device", "cpu", "--quiet"]


def start(output: Path, *more: str) -> VLMRAFTConfig:
    return sft.from_flags([*SMALL, "--max-steps", "2", "--output", str(output), *more])


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("cold") / "vlm_sft"
    assert sft.sft(start(output)) == output / "model"
    return output


def test_the_path_from_a_cold_start_to_a_score(cold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, run, scores = str(cold / "model"), tmp_path / "run", tmp_path / "scores.json"
    assert main(["vlm", "train", *SMALL, "--model", model, "--output", str(run), "--cycles", "1", "--samples", "2",
                 "--max-steps", "2", "--no-controls", "--eval-samples", "1"]) == 0  # fmt: skip
    first, after = resolve(model), resolve(str(run / "cycle_1"))
    assert after.base_given == first.base_given == "bundled:shapes/base"
    records = [json.loads((folder / "halo_forge.json").read_text()) for folder in (cold / "model", run / "cycle_1")]
    assert records[1]["adapter_before"] == records[0]["adapter_after"] != records[1]["adapter_after"]
    words = ["--model", str(run / "cycle_1"), "--baseline", model, "--limit", "8", "--max-new-tokens", "16"]
    command = ["vlm", "benchmark", "--dataset", "shapes", "--device", "cpu", "--quiet", "--json", str(scores)]
    assert main([*command, *words, "--output", str(tmp_path / "b")]) == 0
    assert [row["model"] for row in json.loads(scores.read_text())["scores"]] == [model, str(run / "cycle_1")]
    capsys.readouterr()
    assert main(["vlm", "check", str(cold)]) == 0 and "invariants hold" in capsys.readouterr().out


def test_what_it_learns_are_the_answers_and_no_held_out_image(cold: Path) -> None:
    rows = Table(str(cold / "sft/cycle=0"), "sft").read().to_pylist()
    prompts = {row["prompt_id"]: row for row in Table(str(cold / "prompts"), "prompts").read().to_pylist()}
    assert len(rows) == 12 and all(row["keep"] and row["origin"] == "human" for row in rows)
    assert all(row["completion"] == f"<answer>{prompts[row['prompt_id']]['answers'][0]}</answer>" for row in rows)
    held_out = Table(str(cold / "eval/prompts"), "prompts").read()["image_ids"].to_pylist()
    assert {i for ids in held_out for i in ids}.isdisjoint(i for row in prompts.values() for i in row["image_ids"])
    assert Table(str(cold / "training/cycle=0"), "training").rows == 2


def test_the_same_command_does_nothing_and_another_stops(cold: Path) -> None:
    before = {name: (cold / name).stat().st_mtime_ns for name in digests(cold)}
    sft.sft(start(cold))
    assert {name: (cold / name).stat().st_mtime_ns for name in digests(cold)} == before
    with pytest.raises(StaleError, match=r"params.max_steps: 2 -> 3; give another --output"):
        sft.sft(start(cold, "--max-steps", "3"))


def test_a_stopped_one_goes_on_and_ends_the_same(cold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sft, "isolated", stop)
        sft.sft(start(tmp_path / "again"))
    sft.sft(start(tmp_path / "again"))
    assert digests(tmp_path / "again") == digests(cold)


def table(folder: Path, *rows: dict[str, Any]) -> Table:
    writer = Writer.begin(folder, "prompts", {"stage": "prompts"}, [(0, len(rows))])
    usual = {"image_ids": ["i"], "question": "What?", "prompt": "What?", "metric": "vqa_accuracy", "style": "direct"}
    writer.write(0, schema.from_rows([{**usual, "prompt_id": str(i), **row} for i, row in enumerate(rows)], "prompts"))
    writer.finish()
    return Table(str(folder), "prompts")


def test_of_ten_people_what_most_said(tmp_path: Path) -> None:
    ten = ["halt", *["stop"] * 7, "halt", "x"]
    number = {"answers": ["14", "15"], "metric": "relaxed_accuracy", "style": "grounded"}
    made = table(tmp_path / "prompts", {"answers": ten}, {"answers": list("abcdefghij")}, {"answers": None}, number)
    rows = sft.answers(made, str(tmp_path / "sft"), 0.6, Progress(True)).read().to_pylist()
    assert [(row["keep"], row["completion"]) for row in rows] == [
        (True, "stop"), (False, "a"), (False, ""), (True, "<answer>14</answer>"),
    ]  # fmt: skip
    assert [row["reason"] for row in rows[1:3]] == [
        "no answer counts as right: annotators disagree", "no readable ground truth",
    ]  # fmt: skip
    only = table(tmp_path / "none", {"answers": None})
    with pytest.raises(UserError, match="no row has an answer to train on: no readable ground truth"):
        sft.answers(only, str(tmp_path / "nothing"), 0.6, Progress(True))


def test_flags_are_those_of_train() -> None:
    theirs = {flags.flag_of(field): field for field in dataclasses.fields(VLMRAFTConfig)}
    ours = {flags.flag_of(field): field for field in dataclasses.fields(sft.flags_class())}
    assert ours.keys() <= theirs.keys()
    other = {name for name, field in ours.items() if field.default != theirs[name].default}
    assert other == {"output", "style"}
    with pytest.raises(UserError, match="unknown flag --samples"):
        start(Path("x"), "--samples", "4")


def test_settings_of_a_file_that_are_for_train_alone_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("samples: 8\noutput: elsewhere\nrank: 8\n")
    made = start(tmp_path / "out", "--config", str(file))
    assert (made.rank, made.output_dir, made.samples_per_prompt) == (8, str(tmp_path / "out"), 4)
    assert sft.from_flags(["--dataset", "shapes", "--config", str(file)]).output_dir == sft.OUTPUT


@pytest.mark.parametrize(("words", "line"), [
    (["--dataset", "realworldqa"], "allows no derivatives"),
    (["--dataset", "mathvista"], "prohibit using it as a training set"),
    (["--model", "no/such-model-here-at-all"], "no/such-model-here-at-all"),
    (["--dataset", "shaeps"], "did you mean 'shapes'"),
])  # fmt: skip
def test_what_is_wrong_is_said_before_anything_is_written(words: list[str], line: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=line):
        sft.sft(start(tmp_path / "out", *words))
    assert not (tmp_path / "out").exists()
