"""LoRA goes on the language layers of every family, and on nothing that sees."""

from __future__ import annotations

import re

import pytest

from halo_forge.models.families import BY_NAME, family_of

TYPES = {"qwen2_vl": "qwen_vl", "qwen2_5_vl": "qwen_vl", "qwen3_vl": "qwen_vl", "llava": "llava",
         "llava_next": "llava", "llava_onevision": "auto", "internvl": "auto", "gemma3": "auto"}  # fmt: skip


@pytest.mark.parametrize(("model_type", "family"), TYPES.items())
def test_targets_are_language_layers(model_type: str, family: str) -> None:
    """On the real architecture at its real size, without memory (meta device)."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForImageTextToText

    config = CONFIG_MAPPING[model_type]()
    found = family_of(config.to_dict())
    assert found is BY_NAME[family]
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    hits = {name: module for name, module in model.named_modules() if re.fullmatch(found.lora_targets, name)}
    layers = config.get_text_config().num_hidden_layers
    assert len(hits) == 7 * layers
    assert all(isinstance(module, torch.nn.Linear) for module in hits.values())
    assert not any(re.search(r"visual|vision|tower|projector|merger", name) for name in hits)


def test_text_models_have_no_family() -> None:
    assert family_of({"model_type": "llama"}) is None
    assert family_of({"model_type": "something_new", "vision_config": {}}) is BY_NAME["auto"]
