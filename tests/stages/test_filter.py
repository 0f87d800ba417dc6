"""filter: which completions are trained on, and the reason for every one that is not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from halo_forge import schema
from halo_forge.errors import UserError
from halo_forge.stages import filter

Row = tuple[str, str, float, bool | None]


def tables(rows: list[Row], **more: list) -> dict[str, pa.Table]:
    keys = [{"prompt_id": p, "sample_index": i, "cycle": 1} for i, (p, *_) in enumerate(rows)]
    completions = [
        {**key, "completion": text, "completion_tokens": len(text), "finish_reason": "stop", "token_ids": [1, 2]}
        for key, (_, text, _, _) in zip(keys, rows, strict=True)
    ]
    for name, values in more.items():
        for row, value in zip(completions, values, strict=True):
            row[name] = value
    rewards = [
        {**key, "reward": reward, "correct": correct, "output": None if correct is None else float(correct)}
        for key, (_, _, reward, correct) in zip(keys, rows, strict=True)
    ]
    prompts = [{"prompt_id": p, "question": "?", "prompt": f"ask {p}", "image_ids": []} for p in {r[0] for r in rows}]
    return {
        "rewards": schema.from_rows(rewards, "rewards"),
        "completions": schema.from_rows(completions, "completions"),
        "prompts": schema.from_rows(prompts, "prompts"),
    }


def chosen(made: dict[str, pa.Table], **settings: object) -> dict[int, tuple[bool, str]]:
    config = filter.Config("r", "c", "p", "o", **settings)
    sft = filter.filter_rows(made["rewards"], config, completions=made["completions"], prompts=made["prompts"])
    assert sft.schema == schema.TABLES["sft"]
    assert sft.num_rows == made["rewards"].num_rows
    return {row["sample_index"]: (row["keep"], row["reason"]) for row in sft.to_pylist()}


def test_two_distinct_right_ones_the_best_first() -> None:
    made = tables([("a", "x", 0.7, True), ("a", "x", 0.7, True), ("a", "y", 0.9, True), ("a", "z", 0.8, True)])
    assert chosen(made) == {
        0: (False, "enough right completions for this prompt"),
        1: (False, "duplicate completion"),
        2: (True, "right"),
        3: (True, "right"),
    }


def test_wrong_and_all_wrong_are_told_apart() -> None:
    made = tables([("a", "x", 0.9, True), ("a", "y", 0.2, False), ("b", "x", 0.2, False)])
    assert chosen(made) == {
        0: (True, "right"),
        1: (False, "wrong answer"),
        2: (False, "no right completion for this prompt"),
    }


def test_truncated_and_failed_are_never_kept() -> None:
    made = tables(
        [("a", "x", 0.9, True), ("b", "y", 0.9, True)], finish_reason=["length", "stop"], error=[None, "boom"]
    )
    assert chosen(made) == {0: (False, "truncated"), 1: (False, "error")}


def test_shorter_wins_between_equals() -> None:
    made = tables([("a", "long one", 0.9, True), ("a", "short", 0.9, True)])
    assert chosen(made, max_per_prompt=1)[1] == (True, "right")


def test_without_ground_truth_the_reward_decides() -> None:
    made = tables([("a", "x", 0.8, None), ("a", "y", 0.4, None)])
    assert [keep for keep, _ in chosen(made).values()] == [True, False]


def test_own_query_decides(tmp_path: Path) -> None:
    own = tmp_path / "own.sql"
    own.write_text("SELECT prompt_id, sample_index, cycle, reward >= 0.5 AS keep, 'by reward' AS reason FROM rewards")
    made = tables([("a", "x", 0.8, True), ("a", "y", 0.4, True)])
    assert chosen(made, filter=str(own)) == {0: (True, "by reward"), 1: (False, "by reward")}
    own.write_text("SELECT prompt_id, sample_index, cycle FROM rewards")
    with pytest.raises(UserError, match="no column keep"):
        chosen(made, filter=str(own))
    own.write_text("SELECT 1 AS x FROM read_csv('/etc/passwd')")
    with pytest.raises(UserError, match="SQL:"):
        chosen(made, filter=str(own))


def test_text_of_completions_stays_text() -> None:
    hostile = "'); DROP TABLE rewards; --\x00 <script>"
    made = tables([("a'); --", hostile, 0.9, True)])
    assert chosen(made) == {0: (True, "right")}
