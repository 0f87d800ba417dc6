"""Memory from config and file headers: counts are exact, sums are those that others measured."""

from __future__ import annotations

from typing import Any

import pytest
from safetensors import safe_open

from halo_forge.models import known, memory, resolve
from halo_forge.models.memory import Work
from halo_forge.models.resolve import ModelRef
from halo_forge.training import weights
from halo_forge.training.settings import Settings

GB = 1e9
SEVEN = known.MODELS[1]


def base() -> ModelRef:
    return resolve("bundled:shapes/base")


def estimate(ref: ModelRef, **work: Any) -> memory.Memory:
    return memory.estimate(ref.config, memory.parameters_of(ref) or 0, Work(**work))


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


@pytest.mark.parametrize("mode", ["lora", "full"])
@pytest.mark.parametrize("train_vision", [False, True])
def test_trained_weights_are_those_that_training_counts(mode: str, train_vision: bool) -> None:
    settings = Settings(mode=mode, train_vision=train_vision)
    model, _ = weights.load(base(), settings, "cpu", "float32")
    told, ours = weights.counts(model)[0], estimate(base(), mode=mode, train_vision=train_vision).trained
    if mode == "full" and not train_vision:  # norms, biases and patches of the tower are not counted
        assert told < ours < 1.25 * told
    else:
        assert ours == told


def test_a_llava_without_sizes_is_a_llama(llava_folder: Any) -> None:
    config = {"text_config": {"vocab_size": 32064}, "vision_config": known.TOWERS["llava"]}
    trained = memory.estimate(config, 7_063_427_072, Work()).trained
    assert trained == known.MODELS[3].memory().trained == 39_976_960  # peft's count at rank 16
    ref = resolve(str(llava_folder))
    told = weights.counts(weights.load(ref, Settings(train_vision=True), "cpu", "float32")[0])[0]
    assert estimate(ref, train_vision=True).trained == told


def test_the_adapter_of_a_7b_model() -> None:
    assert SEVEN.memory().trained == 40_370_176  # peft's count for these targets at rank 16


@pytest.mark.parametrize(
    ("model", "work", "measured"),
    [  # GB that others published: ms-swift (LoRA of rank 8, 1,003,520 pixels), LLaMA-Factory (weights and states)
        (1, {"rank": 8, "micro_batch": 2}, 20),
        (1, {"mode": "full", "micro_batch": 1}, 120),
        (2, {"micro_batch": 1}, 160),
        (2, {"mode": "qlora", "micro_batch": 1}, 48),
        (1, {"mode": "qlora", "micro_batch": 1, "rank": 8}, 8),
    ],
)
def test_training_by_mode_is_near_what_others_published(model: int, work: dict[str, Any], measured: float) -> None:
    assert known.MODELS[model].memory(**work).train / GB == pytest.approx(measured, rel=0.2)


def test_generation_is_near_what_was_published() -> None:
    """Qwen2-VL's README, one completion after 6,144 tokens: 21.56 GB in 16 bits, 12.7 and 48.6 in 4 bits. 3.7 of each
    are the logits of the whole prompt in 32 bits, which are not computed here."""
    alone = {"batch": 1, "samples": 1, "images": 6144}
    assert SEVEN.memory(**alone).generate / GB == pytest.approx(21.56 - 3.7, rel=0.1)
    assert SEVEN.memory(mode="qlora", **alone).generate / GB == pytest.approx(12.7 - 3.7, rel=0.2)
    assert known.MODELS[2].memory(mode="qlora", **alone).generate / GB == pytest.approx(48.6 - 3.7, rel=0.1)


def test_more_of_anything_takes_more() -> None:
    usual = estimate(base())
    for name, value in (("batch", 32), ("samples", 8), ("tokens", 512), ("images", 2560)):
        assert estimate(base(), **{name: value}).generate > usual.generate, name
    more = {"rank": 32, "micro_batch": 8, "tokens": 512, "images": 2560, "mode": "full", "train_vision": True}
    for name, value in {**more, "processes": 2, "checkpointing": False, "paired": True}.items():
        assert estimate(base(), **{name: value}).train > usual.train, name


def test_what_takes_less() -> None:
    usual = SEVEN.memory()
    assert SEVEN.memory(mode="qlora").train < 0.6 * usual.train
    assert SEVEN.memory(mode="qlora").weights < 0.45 * usual.weights
    assert SEVEN.memory(tensor_parallel=2).generate == usual.generate // 2
    assert SEVEN.memory(processes=16).train < usual.train  # one row for each


def test_processes_share_the_memory_of_a_machine() -> None:
    one, two = (estimate(base(), on_cpu=True, micro_batch=1, processes=n).train for n in (1, 2))
    assert two > 2 * one


def test_tokens_of_an_image() -> None:
    merged = {"vision_config": {"patch_size": 14, "spatial_merge_size": 2}}
    assert memory.image_tokens(merged, 1280 * 28 * 28) == 1280
    clip = {"vision_config": {"patch_size": 14, "image_size": 336}}
    assert memory.image_tokens(clip, 0) == 576
    assert memory.image_tokens({**clip, "model_type": "llava_next"}, 0) == 2880
