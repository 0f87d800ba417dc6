"""Memory from config and file headers: counts are exact, sums grow with what they depend on."""

from __future__ import annotations

import dataclasses

from safetensors import safe_open

from halo_forge.models import memory, resolve
from halo_forge.models.resolve import ModelRef

GB = 1e9
SEVEN = {
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18944,
    "vocab_size": 152064,
}


def base() -> ModelRef:
    return resolve("bundled:shapes/base")


def estimate(ref: ModelRef, **other: int) -> memory.Memory:
    asked = {"rank": 16, "micro_batch": 4, "batch": 16, "samples": 4, "tokens": 256, "images": 1280} | other
    return memory.estimate(ref.config, memory.parameters_of(ref) or 0, on_cpu=False, **asked)


def test_weights_are_counted_from_the_file() -> None:
    with safe_open(f"{base().base}/model.safetensors", "np") as file:
        sizes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 - no mapping
    total = 0
    for shape in sizes:
        count = 1
        for side in shape:
            count *= side
        total += count
    assert memory.parameters_of(base()) == total


def test_adapter_of_the_bundled_base_is_what_training_prints() -> None:
    assert estimate(base()).adapter == 107_520


def test_the_adapter_of_a_7b_model() -> None:
    ref = dataclasses.replace(base(), config={"text_config": SEVEN})
    assert round(estimate(ref).adapter / 1e6, 1) == 40.4  # peft's count for these targets at rank 16


def test_more_of_anything_takes_more() -> None:
    usual = estimate(base())
    for name, value in (("batch", 32), ("samples", 8), ("tokens", 512), ("images", 2560)):
        assert estimate(base(), **{name: value}).generate > usual.generate, name
    for name, value in (("rank", 32), ("micro_batch", 8), ("tokens", 512), ("images", 2560)):
        assert estimate(base(), **{name: value}).train > usual.train, name


def test_tokens_of_an_image() -> None:
    merged = {"vision_config": {"patch_size": 14, "spatial_merge_size": 2}}
    assert memory.image_tokens(merged, 1280 * 28 * 28) == 1280
    assert memory.image_tokens({"vision_config": {"patch_size": 14, "image_size": 336}}, 0) == 576
