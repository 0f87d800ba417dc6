"""Which flags make a run fit: they do, they exist, and the costly ones come last."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from halo_forge.cli import flags
from halo_forge.models import known
from halo_forge.models.fit import FLAGS, ROOM, fit
from halo_forge.models.memory import Work, estimate
from halo_forge.vlm.config import VLMRAFTConfig

SEVEN = known.MODELS[1]
WEIGHTS = round(SEVEN.billions * 1e9)


def advised(gigabytes: float, **work: Any) -> str | None:
    return fit(SEVEN.config, WEIGHTS, Work(**work), round(gigabytes * 1e9)).flags


@pytest.mark.parametrize(
    ("gigabytes", "work", "flags"),
    [
        (80, {}, ""),
        (22, {"batch": 4}, "--micro-batch-size 2"),
        (24, {}, "--generate-batch-size 4"),
        (22, {}, "--generate-batch-size 4 --micro-batch-size 2"),
        (16, {"batch": 1}, "--mode qlora"),
        (80, {"mode": "full"}, "--mode lora"),
        (11, {}, "--mode qlora --generate-batch-size 4 --micro-batch-size 2"),
        (9.5, {"images": 16384}, "--mode qlora --generate-batch-size 4 --micro-batch-size 1 --max-pixels 501760"),
        (6, {}, None),
        (16, {}, "--mode qlora"),
        (64, {"on_cpu": True}, "--micro-batch-size 2"),
        (24, {"on_cpu": True}, None),
        (42, {"on_cpu": True}, "--generate-batch-size 4 --micro-batch-size 1 --gradient-checkpointing on"),
        (21, {"batch": 1, "checkpointing": "off"}, "--micro-batch-size 1 --gradient-checkpointing on"),
    ],
)
def test_advice(gigabytes: float, work: dict[str, Any], flags: str | None) -> None:
    assert advised(gigabytes, **work) == flags


def test_what_is_too_large_is_told() -> None:
    found = fit(SEVEN.config, WEIGHTS, Work(batch=1, samples=1), round(21e9))
    assert (found.generate, found.train) == (True, False)


def test_what_is_advised_fits() -> None:
    changed = dataclasses.replace(Work(), mode="qlora", batch=1, micro_batch=2)
    need = estimate(SEVEN.config, WEIGHTS, changed)
    assert max(need.generate, need.train) <= ROOM * 11e9


def test_flags_exist() -> None:
    words = " ".join(text.format({"mode": "lora"}.get(name, 1)) for name, text in FLAGS.items()).split()
    assert len(flags.read(VLMRAFTConfig, words)) == len(FLAGS)
