"""Learning rates of cycles and steps, and settings that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from halo_forge.errors import UserError
from halo_forge.training.settings import Settings, learning_rate


def test_the_rate_decays_by_cycle_to_a_floor() -> None:
    assert learning_rate(1) == 5e-5
    assert learning_rate(2) == pytest.approx(5e-5 * 0.85)
    assert learning_rate(6) == pytest.approx(5e-5 * 0.85**5)
    assert learning_rate(100) == 1e-6
    assert learning_rate(3, base=5e-4, decay=1.0) == 5e-4
    with pytest.raises(ValueError, match="from 1"):
        learning_rate(0)


@pytest.mark.parametrize("scheduler", ["cosine", "linear", "constant"])
def test_every_step_learns_something(scheduler: str) -> None:
    settings = Settings(scheduler=scheduler)
    for steps in (1, 2, 7, 100):
        factors = [settings.factor(step, steps) for step in range(steps)]
        assert all(0 < factor <= 1 for factor in factors)
        assert max(factors) == 1
    rising = [settings.factor(step, 100) for step in range(11)]
    assert rising == sorted(rising) and rising[0] < 0.1 and rising[10] == 1


@pytest.mark.parametrize(
    "bad",
    [{"learning_rate": 0}, {"rank": 0}, {"batch_size": 10, "micro_batch_size": 4}, {"scheduler": "cosin"},
     {"dropout": 1.0}, {"max_steps": -1}, {"learning_rate": float("nan")}],
)  # fmt: skip
def test_settings_that_make_no_sense(bad: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="training:"):
        Settings(**bad)


def test_steps_that_a_training_takes() -> None:
    settings = Settings(batch_size=16, micro_batch_size=4, epochs=2)
    assert [settings.steps(rows) for rows in (1, 16, 17, 160)] == [2, 2, 4, 20]
    assert Settings(max_steps=7).steps(5) == 7
    assert Settings(batch_size=2, micro_batch_size=8).micro == 2
