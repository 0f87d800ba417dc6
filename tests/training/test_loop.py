"""Real LoRA training of tiny models: it learns, repeats, resumes, and touches nothing but its adapter."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from halo_forge.engines.transformers import Completion, Generator, Request, Sampling
from halo_forge.errors import UserError
from halo_forge.models import load_policy, resolve
from halo_forge.models.digest import digest_folder
from halo_forge.models.folder import record_of
from halo_forge.training.loop import Run, train
from halo_forge.training.rows import Row
from halo_forge.training.settings import Settings
from tests.training.lessons import CPU, ROWS, SAID, SHORT, Killed, die_at, image, quiet, short, weights


def answer(model: Path) -> Completion:
    ref = resolve(str(model))
    generator = Generator(*load_policy(ref, "cpu"), ref.family)
    found = generator.answer([Request(ROWS[3].prompt, (image("3"),))], [Sampling(1, 0.0, 1.0, 40)])[0]
    assert isinstance(found, list)
    return found[0]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.mark.parametrize("kind", ["qwen_folder", "llava_folder", "llava_next_folder"])
def test_it_learns_what_it_is_shown(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    base = request.getfixturevalue(kind)
    before = digest_folder(base)
    settings = Settings(learning_rate=1e-2, max_steps=40, batch_size=8)
    done = train(resolve(str(base)), ROWS, image, tmp_path / "cycle_1", settings, CPU, tell=quiet)
    assert done.log[0]["loss"] > 2 and done.log[-1]["loss"] < 0.2
    assert answer(base).text != SAID
    assert answer(done.folder).text == SAID and answer(done.folder).finish_reason == "stop"
    assert digest_folder(base) == before


def test_the_log_says_what_each_step_was(qwen_folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    done = short(qwen_folder, tmp_path / "m", tell=said.append)
    assert [step["step"] for step in done.log] == list(range(1, 9))
    assert {step["rows"] for step in done.log} == {4}
    assert [step["learning_rate"] for step in done.log] == [5e-3 * SHORT.factor(step, 8) for step in range(8)]
    assert all(step["tokens"] > 4 and math.isfinite(step["grad_norm"]) for step in done.log)
    assert any("rank 16" in line and "seed 0" in line for line in said)


def test_the_same_training_gives_the_same_bytes(qwen_folder: Path, tmp_path: Path) -> None:
    first, second = (short(qwen_folder, tmp_path / name) for name in "ab")
    assert weights(first.folder) == weights(second.folder)
    assert first.log == second.log and (first.before, first.after) == (second.before, second.after)
    other = short(qwen_folder, tmp_path / "c", Settings(**{**SHORT.__dict__, "seed": 1}))
    assert weights(other.folder) != weights(first.folder)


@pytest.mark.parametrize(
    ("step", "changed"),
    [(1, {}), (5, {}), (8, {}), (5, {"objective": "raft++"}), (8, {"objective": "dpo"}), (5, {"objective": "dpo"}),
     (5, {"mode": "full"}), (8, {"mode": "full"})],
)  # fmt: skip
def test_an_interrupted_training_ends_as_an_unbroken_one(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, changed: dict[str, Any]
) -> None:
    from halo_forge.training.trainer import Progress

    settings = replace(SHORT, **changed)
    whole = short(qwen_folder, tmp_path / "whole", settings)

    output = tmp_path / "broken"
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Progress, "on_log", die_at(step))
        short(qwen_folder, output, settings)
    assert not output.exists()
    said: list[str] = []
    resumed = short(qwen_folder, output, settings, tell=said.append)
    assert any("continuing from step" in line for line in said) == (step > 3)
    assert weights(resumed.folder) == weights(whole.folder)
    assert resumed.log == whole.log and resumed.before == whole.before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_it_resumes_in_the_middle_of_an_epoch(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from halo_forge.training.trainer import Progress

    run = replace(CPU, save_steps=2)
    whole = short(qwen_folder, tmp_path / "whole", run=run)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Progress, "on_log", die_at(6))  # an epoch has three steps: it goes on after step 4
        short(qwen_folder, tmp_path / "m", run=run)
    assert weights(short(qwen_folder, tmp_path / "m", run=run).folder) == weights(whole.folder)


def test_a_kill_after_the_last_step_loses_nothing(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from halo_forge.training import loop

    def die(*_: Any) -> None:
        raise Killed

    whole = short(qwen_folder, tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loop, "_put", die)
        short(qwen_folder, tmp_path / "broken")
    resumed = short(qwen_folder, tmp_path / "broken")
    assert weights(resumed.folder) == weights(whole.folder) and resumed.log == whole.log


def test_a_checkpoint_of_another_training_or_half_written_is_not_used(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from halo_forge.training.trainer import Progress

    for name, key in (("other", "another key"), ("half", "k")):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Progress, "on_log", die_at(5))
            short(qwen_folder, tmp_path / name, key=key)
    checkpoint = tmp_path / ".half.training" / "checkpoint-3"
    (checkpoint / "complete").unlink()
    (checkpoint / "adapter_model.safetensors").write_bytes(b"half")
    said: list[str] = []
    whole = short(qwen_folder, tmp_path / "whole")
    for name in ("other", "half"):
        assert weights(short(qwen_folder, tmp_path / name, tell=said.append).folder) == weights(whole.folder)
    assert not any("continuing" in line for line in said)


def test_only_language_layers_are_trained(qwen_folder: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    done = short(qwen_folder, tmp_path / "m")
    with safe_open(str(done.folder / "adapter_model.safetensors"), "pt") as file:
        names = list(file.keys())
    assert names and all(".language_model.layers." in name and ".lora_" in name for name in names)
    assert len(names) == 2 * 2 * 7  # A and B, two layers, seven linear maps
    config = json.loads((done.folder / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (
        16,
        32,
        str(qwen_folder),
    )


def test_plain_peft_loads_it(qwen_folder: Path, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText, AutoProcessor

    done = short(qwen_folder, tmp_path / "m")
    base = AutoModelForImageTextToText.from_pretrained(qwen_folder)
    theirs = PeftModel.from_pretrained(base, done.folder).eval()
    ours, _ = load_policy(resolve(str(done.folder)), "cpu")
    ids = AutoProcessor.from_pretrained(done.folder).tokenizer("How many?", return_tensors="pt")
    assert torch.equal(theirs(**ids).logits, ours(**ids).logits)


def test_the_next_cycle_goes_on_from_the_last(qwen_folder: Path, tmp_path: Path) -> None:
    first = short(qwen_folder, tmp_path / "cycle_1")
    second = short(first.folder, tmp_path / "cycle_2")
    assert second.before == first.after != second.after
    assert second.log[0]["loss"] < first.log[0]["loss"] / 2
    record = record_of(second.folder)
    assert record is not None and record["base"] == str(qwen_folder)
    assert resolve(str(second.folder)).base_digest == resolve(str(qwen_folder)).digest
    with pytest.raises(UserError, match="rank 16"):
        short(first.folder, tmp_path / "cycle_3", Settings(rank=8))


def test_micro_batches_and_checkpointing_do_not_change_what_is_learned(qwen_folder: Path, tmp_path: Path) -> None:
    """Tokens of a step weigh the same however it is cut; rows here have different lengths."""
    rows = [Row(f"p{i}", "?", (str(i),), "word " * (1 + i % 4)) for i in range(8)]
    losses = []
    for name, micro, again in (("a", 8, "off"), ("b", 1, "off"), ("c", 8, "on")):
        settings = Settings(learning_rate=1e-3, max_steps=3, batch_size=8, micro_batch_size=micro)
        run = Run(device="cpu", gradient_checkpointing=again)
        done = train(resolve(str(qwen_folder)), rows, image, tmp_path / name, settings, run, tell=quiet)
        losses.append([step["loss"] for step in done.log])
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)
    assert losses[2] == pytest.approx(losses[0], abs=1e-4)


def test_the_loss_is_the_mean_over_completion_tokens(qwen_folder: Path, tmp_path: Path) -> None:
    import torch

    from halo_forge.training.rows import Collator

    ref = resolve(str(qwen_folder))
    model, processor = load_policy(ref, "cpu")
    batch = Collator(model, processor, image, ref.family)(ROWS[:4])
    with torch.no_grad():
        expected = float(model(**batch).loss)  # transformers' own causal loss
    settings = Settings(learning_rate=1e-9, max_steps=1, batch_size=4)
    done = train(ref, ROWS[:4], image, tmp_path / "m", settings, CPU, tell=quiet)
    assert done.log[0]["loss"] == pytest.approx(expected, rel=1e-5)


def test_no_rows_no_change_and_no_number_are_errors(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from halo_forge.training import objectives

    ref = resolve(str(qwen_folder))
    with pytest.raises(UserError, match="nothing to train on"):
        train(ref, [], image, tmp_path / "m", SHORT, CPU, tell=quiet)
    frozen = Settings(learning_rate=1e-45, max_steps=1, batch_size=4)
    with pytest.raises(UserError, match="changed no weight"):
        train(ref, ROWS, image, tmp_path / "m", frozen, CPU, tell=quiet)
    real = objectives.cross_entropy
    monkeypatch.setattr(objectives, "cross_entropy", lambda *a, **k: real(*a, **k) * float("nan"))
    with pytest.raises(UserError, match="loss is nan"):
        train(ref, ROWS, image, tmp_path / "m", SHORT, CPU, tell=quiet)
    assert not (tmp_path / "m").exists()
