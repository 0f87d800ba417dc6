"""raft++ and dpo: their losses against sums by hand, and that they do to a policy what they say."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from halo_forge.models import load_policy, resolve
from halo_forge.training import objectives
from halo_forge.training.loop import train
from halo_forge.training.rows import IGNORED, Collator, Row
from halo_forge.training.settings import Settings
from halo_forge.training.trainer import Shuffled, filled
from tests.training.lessons import CPU, PAIRS, ROWS, SHORT, WRONG, image, quiet, short

LOGITS = torch.tensor([[[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]], [[1.0, 1.0, 0.0], [5.0, 0.0, 0.0]]])
TARGETS = torch.tensor([[0, 1], [2, IGNORED]])


def softmax(values: list[float], place: int) -> float:
    return math.exp(values[place]) / sum(math.exp(value) for value in values)


CHANCES = [softmax([2, 0, 1], 0), softmax([0, 3, 0], 1), softmax([1, 1, 0], 2)]
"""Of the three targets that count."""


def test_log_probabilities_of_targets() -> None:
    found = objectives.log_probabilities(LOGITS, TARGETS)
    assert found.flatten().tolist() == pytest.approx([*(math.log(chance) for chance in CHANCES), 0.0])
    total = float(objectives.negative_log_likelihood(LOGITS, TARGETS))
    assert total == pytest.approx(-sum(math.log(chance) for chance in CHANCES))


def test_the_ratio_is_clipped_above_and_not_below() -> None:
    start = torch.log(torch.tensor([[CHANCES[0] / 0.5, CHANCES[1] / 1.2], [CHANCES[2] / 1.5, 1.0]]))
    total = objectives.total("raft++", LOGITS, TARGETS, start, 0.0)
    assert float(total) == pytest.approx(-(0.5 + 1.2 + 1.28))  # the fourth does not count


def test_a_token_beyond_the_clip_is_not_pushed_further() -> None:
    now = torch.tensor([0.0, 0.0], requires_grad=True)
    start = torch.log(torch.tensor([1 / 1.27, 1 / 1.29]))
    objectives.clipped_ratio(now, start).sum().backward()
    assert now.grad is not None and now.grad.tolist() == pytest.approx([-1.27, 0.0])


def test_the_preference_by_hand() -> None:
    now, start = torch.tensor([-1.0, -5.0, -2.0, -1.0]), torch.tensor([-3.0, -5.0, -1.5, -1.0])
    found = objectives.preference(now, start, 0.5)
    margin = 0.5 * ((-1 + 3) - (-2 + 1.5))
    assert found.tolist() == pytest.approx([-math.log(1 / (1 + math.exp(-margin))), math.log(2)])
    start = torch.log(torch.tensor([[CHANCES[0] / 1.1, CHANCES[1]], [CHANCES[2], 1.0]]))  # one pair: rows 0 and 1
    assert float(objectives.total("dpo", LOGITS, TARGETS, start, 2.0)) == pytest.approx(math.log(1 + 1.1**-2))


def test_a_pair_that_only_fills_up_counts_nothing() -> None:
    targets = torch.full((2, 2), IGNORED)
    start = torch.zeros(2, 2)
    assert [float(objectives.total(name, LOGITS, targets, start, 0.1)) for name in ("raft", "raft++", "dpo")] == [0] * 3


def test_the_first_step_of_raft_plus_plus_is_one_of_raft(qwen_folder: Path, tmp_path: Path) -> None:
    one = replace(SHORT, max_steps=1, dropout=0.0)
    plain, clipped = (short(qwen_folder, tmp_path / name, replace(one, objective=name)) for name in ("raft", "raft++"))
    assert clipped.log[0]["loss"] == pytest.approx(-1, abs=1e-5)
    assert clipped.log[0]["grad_norm"] == pytest.approx(plain.log[0]["grad_norm"], rel=1e-3)
    assert clipped.log[0]["tokens"] == plain.log[0]["tokens"] and clipped.log[0]["rows"] == 4


def chances(model: Path, rows: list[Row]) -> list[float]:
    """Mean log-probability of a token of each completion."""
    ref = resolve(str(model))
    policy, processor = load_policy(ref, "cpu")
    batch = Collator(policy, processor, image, ref.family)(rows)
    labels = batch.pop("labels")[:, 1:]
    with torch.no_grad():
        found = objectives.log_probabilities(policy(**batch).logits[:, :-1], labels)
    return (found.sum(dim=1) / (labels != IGNORED).sum(dim=1)).tolist()


def test_raft_plus_plus_learns_no_more_than_its_bound_allows(qwen_folder: Path, tmp_path: Path) -> None:
    settings = Settings(learning_rate=5e-3, max_steps=20, batch_size=4, objective="raft++")
    free, bound = (
        short(qwen_folder, tmp_path / name, replace(settings, objective=name)) for name in ("raft", "raft++")
    )
    before, free_now, bound_now = (sum(chances(m, ROWS)) / 12 for m in (qwen_folder, free.folder, bound.folder))
    assert before < bound_now < free_now
    assert min(step["loss"] for step in bound.log) >= -1.28


def test_dpo_tells_right_from_wrong(qwen_folder: Path, tmp_path: Path) -> None:
    settings = Settings(learning_rate=5e-3, max_steps=12, batch_size=4, micro_batch_size=2, objective="dpo")
    done = short(qwen_folder, tmp_path / "m", settings)
    assert done.log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4) and done.log[-1]["loss"] < 0.4
    assert {step["rows"] for step in done.log} == {4}
    wrong = [replace(row, completion=WRONG) for row in ROWS]

    def margin(model: Path) -> float:
        return sum(chances(model, ROWS)) - sum(chances(model, wrong))

    assert margin(done.folder) > margin(qwen_folder) + 1


def test_pairs_of_unequal_length_do_not_depend_on_how_a_step_is_cut(qwen_folder: Path, tmp_path: Path) -> None:
    rows = [replace(row, rejected="no " * (1 + i)) for i, row in enumerate(PAIRS)]
    logs: list[Any] = []
    for name, micro in (("a", 4), ("b", 1)):
        settings = Settings(learning_rate=1e-3, max_steps=3, batch_size=4, micro_batch_size=micro, objective="dpo")
        logs.append(train(resolve(str(qwen_folder)), rows, image, tmp_path / name, settings, CPU, tell=quiet).log)
    assert [step["loss"] for step in logs[1]] == pytest.approx([step["loss"] for step in logs[0]], abs=1e-4)
    assert [step["tokens"] for step in logs[1]] == [step["tokens"] for step in logs[0]]


def test_several_processes_take_the_rows_of_one_in_its_order() -> None:
    rows = filled(ROWS[:10], 8)
    assert len(rows) == 16 and [row.counts for row in rows] == [True] * 10 + [False] * 6
    order = Shuffled(10, 16, seed=3)
    first, second = list(order), list(order)
    assert sorted(first) == list(range(16)) and first[10:] == list(range(10, 16))
    assert first != second and len(order) == 16
    order.set_epoch(0)
    assert list(order) == first
