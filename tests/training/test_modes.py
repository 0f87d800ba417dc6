"""Full fine-tuning, a trained vision tower, merged weights, early stop: what is trained, and what is left alone."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from halo_forge.engines.adapters import loads_directly
from halo_forge.errors import UserError
from halo_forge.models import load_policy, resolve
from halo_forge.models.digest import digest_folder
from halo_forge.models.folder import record_of
from halo_forge.models.merge import merge
from halo_forge.training.settings import Settings
from tests.training.lessons import SHORT, short

FULL = replace(SHORT, mode="full", learning_rate=1e-3, max_steps=3)


def changed(before: Path, after: Path) -> tuple[set[str], set[str]]:
    """(names of weights that differ, names of those that do not)."""
    old, new = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    assert old.keys() == new.keys()
    other = {name for name in old if not torch.equal(old[name], new[name])}
    return other, set(old) - other


def test_full_fine_tuning_makes_a_whole_model(qwen_folder: Path, tmp_path: Path) -> None:
    base = digest_folder(qwen_folder)
    first = short(qwen_folder, tmp_path / "cycle_1", FULL)
    other, same = changed(qwen_folder, first.folder)
    assert other and not any("visual" in name for name in other)
    assert same and all("visual" in name for name in same)
    ref = resolve(str(first.folder))
    assert ref.adapter is None and ref.digest != resolve(str(qwen_folder)).digest
    second = short(first.folder, tmp_path / "cycle_2", FULL)
    assert second.before == first.after != second.after
    assert second.log[0]["loss"] < first.log[0]["loss"]
    assert digest_folder(qwen_folder) == base


def test_a_model_stored_in_bfloat16_stays_so(qwen_folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    small = tmp_path / "bf16"
    AutoModelForImageTextToText.from_pretrained(qwen_folder, dtype=torch.bfloat16).save_pretrained(small)
    AutoProcessor.from_pretrained(qwen_folder).save_pretrained(small)
    first = short(small, tmp_path / "cycle_1", FULL)
    assert {value.dtype for value in load_file(first.folder / "model.safetensors").values()} == {torch.bfloat16}
    assert short(first.folder, tmp_path / "cycle_2", FULL).before == first.after


def test_full_fine_tuning_goes_on_from_an_adapter(qwen_folder: Path, tmp_path: Path) -> None:
    adapter = short(qwen_folder, tmp_path / "cycle_1")
    whole = short(adapter.folder, tmp_path / "cycle_2", FULL)
    assert resolve(str(whole.folder)).adapter is None
    assert whole.log[0]["loss"] < adapter.log[0]["loss"]


@pytest.mark.parametrize("kind", ["qwen_folder", "llava_folder"])
def test_the_vision_tower_is_trained_where_asked_for(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    base = request.getfixturevalue(kind)
    settings = replace(SHORT, train_vision=True, max_steps=3)
    done = short(base, tmp_path / "m", settings)
    names = load_file(done.folder / "adapter_model.safetensors")
    seeing = {name: value for name, value in names.items() if "language_model" not in name}
    assert 0 < len(seeing) < len(names)
    assert any(value.abs().max() > 0 for name, value in seeing.items() if "lora_B" in name)
    assert not loads_directly(done.folder, resolve(str(base)).family)  # vLLM gets it merged
    with pytest.raises(UserError, match="--train-vision"):
        short(done.folder, tmp_path / "n", replace(SHORT, max_steps=3))


def test_the_whole_of_a_model_is_trained_where_asked_for(qwen_folder: Path, tmp_path: Path) -> None:
    done = short(qwen_folder, tmp_path / "m", replace(FULL, train_vision=True))
    assert any("visual" in name for name in changed(qwen_folder, done.folder)[0])


@pytest.mark.parametrize("vision", [False, True])
def test_merged_weights_say_what_base_and_adapter_say(qwen_folder: Path, tmp_path: Path, vision: bool) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    done = short(qwen_folder, tmp_path / "cycle_1", replace(SHORT, train_vision=vision, max_steps=3))
    place = merge(str(done.folder), tmp_path / "cycle_1-merged")
    assert not (place / "adapter_config.json").exists() and resolve(str(place)).adapter is None
    ids = AutoProcessor.from_pretrained(place).tokenizer("How many?", return_tensors="pt")
    plain = AutoModelForImageTextToText.from_pretrained(place)
    ours, _ = load_policy(resolve(str(done.folder)), "cpu")
    base, _ = load_policy(resolve(str(qwen_folder)), "cpu")
    expected = ours(**ids).logits
    assert torch.allclose(plain(**ids).logits, expected, atol=1e-4)
    assert not torch.allclose(base(**ids).logits, expected, atol=1e-2)


def test_merging_again_happens_only_for_another_adapter(qwen_folder: Path, tmp_path: Path) -> None:
    one, place = replace(SHORT, max_steps=1), tmp_path / "merged"
    first = short(qwen_folder, tmp_path / "a", one)
    said: list[str] = []
    for _ in range(2):
        merge(str(first.folder), place, tell=said.append)
    assert len(said) == 1
    before = digest_folder(place)
    merge(str(short(qwen_folder, tmp_path / "b", replace(one, seed=1)).folder), place)
    assert digest_folder(place) != before
    with pytest.raises(UserError, match="no merged model of ours"):
        merge(str(first.folder), tmp_path / "b")
    with pytest.raises(UserError, match="whole model"):
        merge(str(qwen_folder), tmp_path / "c")


def test_qlora_is_refused_before_anything_loads(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SHORT, mode="qlora")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"install halo-forge\[qlora\]"):
        short(qwen_folder, tmp_path / "m", settings)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with pytest.raises(UserError, match="needs an accelerator"):
        short(qwen_folder, tmp_path / "m", settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="QLoRA needs a GPU")
def test_qlora_trains_an_adapter_on_a_base_in_4_bits(qwen_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from halo_forge.training.loop import Run

    done = short(qwen_folder, tmp_path / "m", replace(SHORT, mode="qlora"), Run(device="cuda"))
    assert done.log[-1]["loss"] < done.log[0]["loss"]


def test_a_loss_that_no_longer_falls_ends_the_training(qwen_folder: Path, tmp_path: Path) -> None:
    settings = replace(SHORT, learning_rate=1e-7, max_steps=40, dropout=0.0, patience=2)
    said: list[str] = []
    done = short(qwen_folder, tmp_path / "m", settings, tell=said.append)
    losses = [step["loss"] for step in done.log]
    assert 4 <= len(losses) < 40 and settings.stalled(losses) and not settings.stalled(losses[:-1])
    assert any(f"stopped early at step {len(losses)}/40" in line for line in said)


def test_it_stops_at_the_same_step_after_an_interruption(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from halo_forge.training import loop
    from tests.training.lessons import Killed, weights

    settings = replace(SHORT, learning_rate=1e-7, max_steps=40, patience=2)
    whole = short(qwen_folder, tmp_path / "whole", settings)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loop, "_put", die)
        short(qwen_folder, tmp_path / "m", settings)
    resumed = short(qwen_folder, tmp_path / "m", settings)
    assert resumed.log == whole.log and weights(resumed.folder) == weights(whole.folder)


def test_the_rule_of_the_early_stop() -> None:
    settings = Settings(patience=2)
    assert not settings.stalled([3, 1, 2])
    assert not settings.stalled([9, 9, 3, 2, 1, 2])
    assert settings.stalled([3, 2, 3, 2]) and settings.stalled([9, 2, 2, 2, 3])
    assert not Settings().stalled([1.0] * 100)


def test_the_record_says_how_it_was_trained(qwen_folder: Path, tmp_path: Path) -> None:
    record = record_of(short(qwen_folder, tmp_path / "m", FULL).folder)
    assert record is not None and record["settings"]["mode"] == "full"
    assert (record["micro_batch_size"], record["accumulation"], record["processes"]) == (2, 2, 1)
    assert record["out_of_memory"] is False
