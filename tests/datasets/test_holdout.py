"""Roles by image: fixed, near the share asked for, halves of eval even."""

from __future__ import annotations

import hashlib

import pytest

from halo_forge.datasets import holdout

IDS = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(4000)]


def test_the_share_is_kept_and_eval_is_halved() -> None:
    roles = [holdout.role(name, 0.2) for name in IDS]
    held = [r for r in roles if r != "train"]
    assert abs(len(held) / len(IDS) - 0.2) < 0.02
    assert abs(held.count("dev") / len(held) - 0.5) < 0.05
    assert set(held) == {"dev", "test"}


def test_the_role_is_a_function_of_the_image_alone() -> None:
    assert [holdout.role(name, 0.2) for name in reversed(IDS)] == [holdout.role(name, 0.2) for name in IDS][::-1]
    first = hashlib.sha256(b"half:a").hexdigest()[:16]
    assert holdout.fraction("a", "half") == pytest.approx(int(first, 16) / 2**64)
    grown = [name for name in IDS if holdout.role(name, 0.1) != "train" and holdout.role(name, 0.3) == "train"]
    assert not grown  # a larger share keeps what a smaller one held out


def test_all_or_nothing() -> None:
    assert {holdout.role(name, 0.0) for name in IDS} == {"train"}
    assert "train" not in {holdout.role(name, 1.0) for name in IDS}


def test_common_role() -> None:
    assert holdout.common_role(["dev", "dev"]) == "dev"
    assert holdout.common_role(["dev", "train"]) is None
