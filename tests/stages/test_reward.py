"""reward: the weighted mean of right answers, and no wrong answer above a right one."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_forge import schema
from halo_forge.errors import UserError
from halo_forge.stages import reward

UNIT = st.floats(0, 1)


def scores(*rows: dict) -> pa.Table:
    base = {"prompt_id": "p", "cycle": 1, "threshold": 0.9}
    return schema.from_rows([{**base, "sample_index": i, **row} for i, row in enumerate(rows)], "scores")


def rewards(table: pa.Table, **settings: object) -> list[float]:
    return reward.STAGE(table, reward.Config("s", "r", **settings))["reward"].to_pylist()


def test_right_answer_scores_exactly_the_weighted_mean() -> None:
    table = scores({"perception": 0.75, "reasoning": 0.5, "output": 1.0, "correct": True})
    assert rewards(table) == [pytest.approx(0.3 * 0.75 + 0.4 * 0.5 + 0.3)]


def test_wrong_answer_is_scaled_and_null_is_neutral() -> None:
    table = scores({"perception": None, "reasoning": None, "output": 0.5, "correct": False})
    assert rewards(table) == [pytest.approx(0.9 * 0.3 * (0.15 + 0.2 + 0.15))]


def test_without_ground_truth_the_rest_is_renormalised_and_flagged() -> None:
    table = scores({"perception": 1.0, "reasoning": 0.0, "output": None, "correct": None})
    made = reward.STAGE(table, reward.Config("s", "r"))
    assert made["reward"].to_pylist() == [pytest.approx(0.3 / 0.7)]
    assert made["gated"].to_pylist() == [False]


def test_error_earns_nothing_and_stays() -> None:
    made = reward.STAGE(scores({"error": "unreadable image"}), reward.Config("s", "r"))
    assert made.select(["reward", "error"]).to_pylist() == [{"reward": 0.0, "error": "unreadable image"}]


@given(
    right=st.tuples(UNIT, UNIT, st.floats(0.9, 1)),
    wrong=st.tuples(UNIT, UNIT, st.floats(0, 0.89)),
    weights=st.tuples(st.floats(0, 10), st.floats(0, 10), st.floats(0.01, 10)),
)
def test_wrong_never_reaches_right_whatever_the_weights(
    right: tuple[float, ...], wrong: tuple[float, ...], weights: tuple[float, ...]
) -> None:
    names = ("perception", "reasoning", "output")
    table = scores(
        {**dict(zip(names, right, strict=True)), "correct": True},
        {**dict(zip(names, wrong, strict=True)), "correct": False},
    )
    good, bad = rewards(table, weights=weights)
    assert 0 <= bad < good <= 1


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (-1.0, 1.0, 1.0), (1.0, 1.0)])
def test_weights_that_make_no_sense_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(UserError, match="--weights"):
        reward.Config("s", "r", weights)


def test_dataset_in_dataset_out() -> None:
    import datasets

    table = scores({"perception": 1.0, "reasoning": 1.0, "output": 1.0, "correct": True})
    made = reward.STAGE(datasets.Dataset(table), reward.Config("s", "r"))
    assert isinstance(made, datasets.Dataset)
    assert made[0]["reward"] == 1.0


def test_empty_in_empty_out() -> None:
    assert reward.STAGE(schema.empty("scores"), reward.Config("s", "r")) == schema.empty("rewards")
