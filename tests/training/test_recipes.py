"""What a run's settings make of the training of each cycle."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from halo_forge.datasets.cards import card_of
from halo_forge.errors import UserError
from halo_forge.executor import identity_of
from halo_forge.vlm.config import VLMRAFTConfig, defaults_of
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.run_dir import RunDir

BASE = "bundled:shapes/base"


def recipes(**named: object) -> Recipes:
    config = VLMRAFTConfig(dataset="shapes", model_name=BASE, **named)  # type: ignore[arg-type]
    return Recipes(config, RunDir(Path("run")), card_of(config))


def test_a_cycle_goes_on_from_the_last_or_starts_from_the_base() -> None:
    last, base = recipes(), recipes(start="base")
    assert [last.train(cycle).model for cycle in (1, 2, 3)] == [BASE, "run/cycle_1", "run/cycle_2"]
    assert [base.train(cycle).model for cycle in (1, 2, 3)] == [BASE] * 3
    assert base.generate(3).model == "run/cycle_2"


def test_every_setting_reaches_the_stage() -> None:
    made = recipes(objective="dpo", beta=0.3, mode="full", train_vision=True, patience=5, num_processes=2).train(1)
    assert (made.objective, made.beta, made.mode, made.train_vision) == ("dpo", 0.3, "full", True)
    assert (made.patience, made.num_processes, made.merge) == (5, 2, False)
    assert recipes(merge=True).train(1).merge


def test_checkpointing_reaches_training_and_is_no_part_of_its_key() -> None:
    plain, on = recipes(), recipes(gradient_checkpointing="on")
    assert (plain.train(1).gradient_checkpointing, on.train(1).gradient_checkpointing) == ("auto", "on")
    assert identity_of(on.train(1)) == identity_of(plain.train(1)) and identity_of(on.config) == identity_of(
        plain.config
    )
    with pytest.raises(UserError, match=r"gradient_checkpointing yes: "):
        recipes(gradient_checkpointing="yes")
    assert defaults_of(yaml.safe_load("gradient-checkpointing: off"), "a file") == {"gradient_checkpointing": "off"}


def test_controls_learn_by_cross_entropy() -> None:
    made = recipes(objective="dpo").lesson("sft", BASE, Path("control"), "log", 1, 1e-3)
    assert made.objective == "raft" and not made.merge


def test_qlora_and_a_base_in_4_bits_are_one_and_the_same() -> None:
    for named in ({"mode": "qlora"}, {"quantization": "nf4"}):
        made = recipes(**named)
        assert made.train(1).mode == "qlora" and made.generate(1).quantization == "nf4"
    with pytest.raises(UserError, match="not packed"):
        recipes(mode="full", quantization="nf4")
