"""Which adapters an engine takes as they are, and what merging leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halo_forge.engines.adapters import loads_directly, merged, rank_of
from halo_forge.models import load_policy, resolve
from halo_forge.models.families import BY_NAME
from tests.engines.parts import adapter, llava


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory, qwen_folder: Path) -> Path:
    return adapter(str(qwen_folder), tmp_path_factory.mktemp("language"), BY_NAME["qwen_vl"].lora_targets)


def test_plain_lora_on_the_language_model_is_taken(language: Path) -> None:
    assert loads_directly(language, "qwen_vl") and rank_of(language) == 4


@pytest.mark.parametrize("change", [{"use_dora": True}, {"bias": "all"}, {"modules_to_save": ["lm_head"]}, {"r": 1024}])
def test_more_than_plain_lora_is_not(language: Path, change: dict[str, object]) -> None:
    file = language / "adapter_config.json"
    before = file.read_text()
    try:
        file.write_text(json.dumps({**json.loads(before), **change}))
        assert not loads_directly(language, "qwen_vl")
    finally:
        file.write_text(before)


def test_an_adapter_that_changes_the_vision_tower_is_not(qwen_folder: Path, tmp_path: Path) -> None:
    both = rf".*visual.*qkv|{BY_NAME['qwen_vl'].lora_targets}"
    assert not loads_directly(adapter(str(qwen_folder), tmp_path / "both", both), "qwen_vl")


@pytest.mark.parametrize("family", ["qwen_vl", "llava"])
def test_merging_keeps_names_and_adds_the_adapter(family: str, tmp_path: Path, qwen_folder: Path) -> None:
    """Names as on the hub, which is what other programs read; the answer is that of base and adapter."""
    import torch
    from safetensors.torch import load_file

    base = qwen_folder if family == "qwen_vl" else llava(tmp_path / "base")
    ref = resolve(str(adapter(str(base), tmp_path / "adapter", r".*(qkv|k_proj|fc1)", strength=16)))
    with merged(ref) as folder:
        before, after = (load_file(where / "model.safetensors") for where in (base, folder))
        assert set(before) == set(after)
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert changed == {n for n in before if n.endswith(("qkv.weight", "k_proj.weight", "fc1.weight"))}
        whole, _ = load_policy(resolve(str(folder)), "cpu")
    apart, _ = load_policy(ref, "cpu")
    ids = torch.tensor([[1, 2, 3, 40, 50]])
    with torch.no_grad():
        assert torch.allclose(whole(input_ids=ids).logits, apart(input_ids=ids).logits, atol=1e-4)
    assert not folder.exists()
