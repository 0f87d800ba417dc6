"""The figures that go around are set beside modes that, by our estimate, take that much."""

from __future__ import annotations

import pytest

from halo_forge.models import known

TWO, SEVEN, SEVENTY = (model.gigabytes() for model in known.MODELS[:3])


def test_what_is_said_to_train_is_what_the_named_mode_takes() -> None:
    assert TWO["full"] == pytest.approx(40, rel=0.2) and TWO["lora"] < 10
    assert SEVEN["full"] / 2 == pytest.approx(75, rel=0.2) and SEVEN["lora"] < 30
    assert SEVENTY["qlora"] < 128 < SEVENTY["lora"]


def test_what_is_said_to_infer_is_what_the_named_way_takes() -> None:
    assert TWO["generate"] == pytest.approx(8, rel=0.2)
    assert SEVEN["generate"] == pytest.approx(20, rel=0.2)
    assert SEVENTY["packed"] == pytest.approx(50, rel=0.2) and SEVENTY["generate"] > 100


def test_the_table_names_mode_and_number() -> None:
    rows = {row["model"]: row for row in known.rows()}
    said = rows["Qwen/Qwen2-VL-72B-Instruct"]["said_elsewhere"]
    assert f"QLoRA ({SEVENTY['qlora']})" in said and "~128+" in said and "{" not in said
    assert all(row["train_qlora_gb"] < row["train_lora_gb"] < row["train_full_gb"] for row in rows.values())
