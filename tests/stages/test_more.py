"""more: which prompts of a cycle are sampled further, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from halo_forge import schema, sql
from halo_forge.errors import UserError
from halo_forge.stages import more
from halo_forge.store import StaleError, Writer

MIXED, NONE, ALL = "right and wrong completions", "no right completion", "every completion is right"
SAID = {
    "all": [("x", True), ("y", True)],
    "cut": [("x", True), ("y", True)],
    "failed": [("", None), ("", None)],
    "mixed": [("x", True), ("y", False)],
    "none": [("x", False), ("y", False)],
    "twice": [("x", True), ("x", True), ("y", False)],
}
"""Prompt to the text of its samples and whether they are right; of `cut` the second was cut off."""


def tables(said: dict[str, list[tuple[str, bool | None]]]) -> dict[str, pa.Table]:
    completions: list[dict[str, Any]] = []
    rewards: list[dict[str, Any]] = []
    for prompt, samples in said.items():
        for index, (text, correct) in enumerate(samples):
            key = {"prompt_id": prompt, "sample_index": index, "cycle": 2}
            error = "boom" if prompt == "failed" else None
            reason = "length" if prompt == "cut" and index else "stop"
            completions.append({**key, "completion": text, "finish_reason": reason, "error": error})
            rewards.append({**key, "reward": 0.9 if correct else 0.1, "correct": correct, "error": error,
                            "output": None if error else float(bool(correct))})  # fmt: skip
    return {
        "completions": schema.from_rows(completions, "completions"),
        "rewards": schema.from_rows(rewards, "rewards"),
    }


def asked(said: dict[str, list[tuple[str, bool | None]]], **settings: Any) -> dict[str, dict[str, Any]]:
    made = tables(said)
    config = more.Config("r", "c", "o", further=12, **settings)
    rows = more.more(made["rewards"], config, completions=made["completions"])
    assert rows.schema == schema.TABLES["more"] and rows["prompt_id"].to_pylist() == sorted(said)
    return {row["prompt_id"]: row for row in rows.to_pylist()}


def test_mixed_and_all_wrong_prompts_are_sampled_further() -> None:
    rows = asked(SAID)
    assert {name: (row["asked"], row["reason"]) for name, row in rows.items()} == {
        "all": (0, ALL),
        "cut": (12, MIXED),  # what was cut off is not right
        "failed": (0, "no completion without an error"),
        "mixed": (12, MIXED),
        "none": (12, NONE),
        "twice": (12, MIXED),
    }
    assert {name: (row["cycle"], row["samples"], row["judged"], row["right_ones"]) for name, row in rows.items()} == {
        "all": (2, 2, 2, 2),
        "cut": (2, 2, 2, 1),
        "failed": (2, 2, 0, 0),
        "mixed": (2, 2, 2, 1),
        "none": (2, 2, 2, 0),
        "twice": (2, 3, 3, 2),
    }


def test_unfilled_leaves_prompts_with_enough_distinct_right_ones() -> None:
    said = {**SAID, "enough": [("x", True), ("y", True), ("z", False)]}
    chosen = {name for name, row in asked(said, query="unfilled").items() if row["asked"]}
    assert chosen == {"cut", "mixed", "none", "twice"}  # two equal ones are one
    assert {name for name, row in asked(said, query="unfilled", max_per_prompt=1).items() if row["asked"]} == {"none"}


def test_a_query_of_ones_own_must_decide_on_every_prompt_once(tmp_path: Path) -> None:
    own = tmp_path / "own.sql"
    one = "SELECT DISTINCT prompt_id, cycle, prompt_id = 'all' AS more, 'mine' AS reason FROM rewards"
    own.write_text(one)
    assert [name for name, row in asked(SAID, query=str(own)).items() if row["asked"]] == ["all"]
    for text, line in (
        (f"{one} WHERE prompt_id <> 'none'", "first none of cycle 2 \\(0 times\\)"),
        (f"{one} UNION ALL {one} WHERE prompt_id = 'mixed'", "first mixed of cycle 2 \\(2 times\\)"),
        (f"{one} UNION ALL SELECT 'other', 2, true, 'mine'", "first other of cycle 2"),
        ("SELECT DISTINCT prompt_id, cycle FROM rewards", "no column more"),
        ("DELETE FROM rewards", "SQL|reads|only"),
    ):
        own.write_text(text)
        with pytest.raises(UserError, match=line):
            asked(SAID, query=str(own))
    with pytest.raises(UserError, match="did you mean 'default'"):
        asked(SAID, query="defalt")


def test_the_stage_on_disk_is_known_by_what_decides(tmp_path: Path) -> None:
    for name, rows in tables(SAID).items():
        writer = Writer.begin(tmp_path / name, name, {"stage": name})
        writer.write(0, rows)
        writer.finish()
    words = [f"--{name}={tmp_path / name}" for name in ("rewards", "completions")]
    words += ["--output", str(tmp_path / "more"), "--further"]
    assert more.main([*words, "12"]) == 0 and more.main([*words, "12"]) == 0
    inputs = {name: str(tmp_path / name) for name in ("rewards", "completions")}
    same = tmp_path / "same.sql"
    same.write_text(sql.text("more/default") + "\n\n")
    assert more.run(more.Config(**inputs, output=str(tmp_path / "more"), further=12, query=str(same))).rows == len(SAID)
    with pytest.raises(StaleError, match=r"params.further: 12 -> 8"):
        more.run(more.Config(**inputs, output=str(tmp_path / "more"), further=8))
    with pytest.raises(UserError, match="--further takes a number from 1 up"):
        more.Config("r", "c", "o", further=0)
