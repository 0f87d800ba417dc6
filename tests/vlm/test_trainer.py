"""The whole loop on the bundled dataset, small: real generation, detection, OCR and LoRA steps."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runs import SMALL, config, digests

from halo_forge.errors import UserError
from halo_forge.store import StaleError, Table
from halo_forge.vlm import summary
from halo_forge.vlm.check import check
from halo_forge.vlm.config import from_flags
from halo_forge.vlm.trainer import VLMRAFTTrainer

TABLES = ("completions", "evidence", "scores", "rewards", "sft", "training", "eval/completions", "eval/benchmark")


def test_every_table_is_there_and_whole(finished: Path) -> None:
    for name in TABLES:
        for folder in sorted((finished / name).glob("cycle=*")):
            assert (folder / "_stage.json").exists(), folder
    assert {p.name for p in (finished / "eval/benchmark").iterdir()} == {"cycle=0", "cycle=1", "cycle=2"}
    assert json.loads((finished / "run.json").read_text())["config"]["num_cycles"] == 2
    assert any("invariants hold" in line for line in check(str(finished)))
    assert (finished / "best").resolve().name in ("cycle_1", "cycle_2")


def test_detector_and_ocr_saw_each_image_once(finished: Path) -> None:
    shown = {i for ids in Table(str(finished / "prompts"), "prompts").read()["image_ids"].to_pylist() for i in ids}
    seen = Table(str(finished / "evidence/cycle=*/part-*.parquet"), "evidence").read()
    assert sorted(seen["image_id"].to_pylist()) == sorted(shown)
    assert all(boxes for boxes in seen["objects"].to_pylist())


def test_weights_change_and_the_next_cycle_samples_from_them(finished: Path) -> None:
    models = [
        set(Table(str(finished / f"completions/cycle={c}"), "completions").read()["model_digest"].to_pylist())
        for c in (1, 2)
    ]
    assert [len(m) for m in models] == [1, 1] and models[0] != models[1]
    records = [json.loads((finished / f"cycle_{c}/halo_forge.json").read_text()) for c in (1, 2)]
    assert all(r["adapter_before"] != r["adapter_after"] for r in records)
    assert records[1]["adapter_before"] == records[0]["adapter_after"]


def test_nothing_wrong_is_kept_and_every_drop_has_a_reason(finished: Path) -> None:
    for cycle in (1, 2):
        sft = Table(str(finished / f"sft/cycle={cycle}"), "sft").read().to_pylist()
        rewards = Table(str(finished / f"rewards/cycle={cycle}"), "rewards").read().to_pylist()
        right = {(r["prompt_id"], r["sample_index"]): r["correct"] for r in rewards}
        sampled = [r for r in sft if r["origin"] == "sampled"]
        assert len(sampled) == 24 * 4
        assert all(right[r["prompt_id"], r["sample_index"]] for r in sampled if r["keep"])
        assert all(r["reason"] for r in sft)


def test_same_command_does_nothing_and_soon(finished: Path) -> None:
    before = digests(finished)
    started = time.time()
    VLMRAFTTrainer(config(finished)).train()
    assert digests(finished) == before
    assert time.time() - started < 20  # seconds would say; minutes would mean work was done again


def test_another_setting_stops_and_says_what_differs(finished: Path) -> None:
    with pytest.raises(StaleError, match=r"params.temperature: 1.0 -> 0.9.*--force-from generate"):
        VLMRAFTTrainer(config(finished, "--temperature", "0.9")).train()
    assert json.loads((finished / "run.json").read_text())["config"]["temperature"] == 1.0


def test_model_opens_in_transformers_and_peft(finished: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    from halo_forge.models import resolve

    ref = resolve(str(finished / "cycle_2"))
    model = PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(ref.base), finished / "cycle_2")
    assert model.peft_config["default"].r == 16


def test_a_second_writer_stops_with_one_line(finished: Path) -> None:
    trainer = VLMRAFTTrainer(config(finished))
    with trainer.dir.locked(), pytest.raises(UserError, match="another run is writing"):
        VLMRAFTTrainer(config(finished)).train()


def test_reverification_alone_leaves_the_completions(finished: Path, tmp_path: Path) -> None:
    from halo_forge.stages import verify

    again = verify.Config(
        completions=str(finished / "completions/cycle=1"),
        prompts=str(finished / "prompts"),
        evidence=(str(finished / "evidence/cycle=1"),),
        output=str(tmp_path / "scores"),
        threshold=0.9,
    )
    assert verify.STAGE.run(again).digest == Table(str(finished / "scores/cycle=1"), "scores").digest


def test_edited_part_is_named(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy, symlinks=True)
    part = copy / "rewards/cycle=1/part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(
        UserError, match=r"rewards/cycle=1/part-00000.parquet is not what was written.*--force-from reward"
    ):
        check(str(copy))


def test_killed_anywhere_it_ends_the_same(finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "vlm_raft"
    code = "import sys; from halo_forge.cli import main; sys.exit(main())"
    words = ["vlm", "train", "--dataset", "shapes", "--output", str(run), "--cycles", "2", *SMALL, "--no-controls"]
    for after in (6, 9, 12):
        process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL, env=os.environ)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    subprocess.run([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL, check=True, env=os.environ)
    whole = {name: digest for name, digest in digests(finished).items() if not name.startswith("controls/")}
    assert digests(run) == whole


def test_nothing_to_train_on_is_one_line(tmp_path: Path) -> None:
    own = tmp_path / "none.sql"
    own.write_text("SELECT prompt_id, sample_index, cycle, false AS keep, 'never' AS reason FROM rewards")
    with pytest.raises(UserError, match="no completion passed the filter"):
        VLMRAFTTrainer(config(tmp_path / "run", "--filter", str(own), "--limit", "4", "--eval-limit", "4")).train()


def test_what_is_wrong_is_said_before_anything_loads(tmp_path: Path) -> None:
    for words, line in (
        (["--model", "no/such-model-here-at-all"], "no/such-model-here-at-all"),
        (["--detector", "nowhere.pt"], "nowhere.pt"),
        (["--filter", "defalt"], "did you mean 'default'"),
        (["--verifier", "nowhere.py:rule"], "there is no file nowhere.py"),
    ):
        with pytest.raises(UserError, match=line):
            VLMRAFTTrainer(config(tmp_path / "run", *words)).train()
    assert not (tmp_path / "run" / "prompts").exists()


def test_flag_beats_file_beats_card_beats_default(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("cycles: 5\nsamples: 8\n")
    made = from_flags(["--dataset", "shapes", "--config", str(file), "--samples", "2"])
    assert (made.samples_per_prompt, made.num_cycles, made.ocr, made.rank) == (2, 5, "rapidocr:192", 16)
    file.write_text("url_hosts: [a.example, b.example]\nreport_to: tensorboard\n")
    made = from_flags(["--dataset", "shapes", "--config", str(file)])
    assert (made.url_hosts, made.report_to) == (("a.example", "b.example"), ("tensorboard",))
    file.write_text("cycels: 5\n")
    with pytest.raises(UserError, match="no setting 'cycels': did you mean 'cycles'"):
        from_flags(["--dataset", "shapes", "--config", str(file)])


def test_the_card_decides_the_threshold(finished: Path) -> None:
    scores = Table(str(finished / "scores/cycle=1"), "scores").read()
    assert set(scores["threshold"].to_pylist()) == {0.9}
    assert dataclasses.is_dataclass(summary.outcome(VLMRAFTTrainer(config(finished)).dir, 1, 2))
