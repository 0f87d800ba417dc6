"""vlm why: one prompt's story in the terminal."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from halo_forge import sql
from halo_forge.cli import main
from halo_forge.errors import UserError
from halo_forge.vlm import views, why
from tests.sql_run import identity, put

C = identity("c")


def story(run: Path, prompt_id: str, **given: Any) -> str:
    return "\n".join(why.story(why.Config(str(run), prompt_id, **given)))


def rows_of(run: Path, view: str) -> list[dict[str, Any]]:
    return sql.query(f'SELECT * FROM "{view}"', views.views(str(run))).to_pylist()


def test_it_tells_what_was_asked_seen_said_and_kept(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vlm", "why", str(small_run), C[:10]]) == 0
    told = capsys.readouterr().out
    lines = told.splitlines()
    assert lines[0] == f"prompt {C} (pictures train row 99; grounded; for training)"
    assert "question: How many dogs are in picture c?" in lines and "answers (match): '2'" in lines
    assert "  objects: dog 0.90, dog 0.90, cat 0.90" in lines
    assert "cycle 1: 1 of 4 right" in lines and "cycle 2: 0 of 4 right" in lines
    assert "  sample 0 (T = 1, cycle_1): right" in lines and "  sample 1 (T = 1, cycle_1): wrong" in lines
    assert re.search(r"^    supported 0\.9\d: cat \(cat 0\.90\)$", told, re.M)
    assert re.search(r"^    contradicted 0\.\d+: 3 dog \(2 detected\)$", told, re.M)
    assert re.search(r"^    perception 0\.5 \(objects 0\.75, counting 0\.25\)$", told, re.M)
    kept = [row for row in rows_of(small_run, "sft") if row["prompt_id"] == C]
    for row in kept:
        fate = f"; {'kept' if row['keep'] else 'dropped'}: {row['reason']}"
        assert f"    reward {row['reward']:.3g}{fate}" in lines
    assert told.count("; kept: right") == 1 and told.count("dropped: wrong answer") == 3


def test_one_cycle_and_a_rerun(small_run: Path) -> None:
    first, strict = story(small_run, C, cycle=1), story(small_run, identity("f"), cycle=2, tag="strict")
    assert "cycle 1:" in first and "cycle 2:" not in first
    assert "reward 1;" in strict and "reward 1;" not in story(small_run, identity("f"), cycle=2)
    assert "no completion in cycle 7" in story(small_run, C, cycle=7)


def test_a_held_out_prompt(small_run: Path) -> None:
    told = story(small_run, identity("x"))
    assert "held out, never trained on" in told and "cycle 0: 1 of 1 right" in told and "answer: '2'; match 1" in told
    assert "  objects" not in told and "nobody looked at it" in told


def test_rows_trained_on_again_are_told(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    rows = [row for row in rows_of(small_run, "sft") if row["cycle"] == 2]
    again = next(row for row in rows_of(small_run, "sft") if row["prompt_id"] == C and row["keep"])
    shutil.rmtree(run / "sft/cycle=2")
    put(run / "sft/cycle=2", "sft", [*rows, {**again, "cycle": 2, "from_cycle": 1, "origin": "replayed"}])
    assert "cycle 2: also trained on (replayed, of cycle 1): I see 2 dogs" in story(run, C)


def test_a_prefix_must_be_of_one_prompt(small_run: Path) -> None:
    assert story(small_run, C[:12]) == story(small_run, C)
    with pytest.raises(UserError, match=r"no prompt of .* begins with 'zz'"):
        story(small_run, "zz")
    with pytest.raises(UserError, match=r"9 prompts or more begin with ''.*give more letters"):
        story(small_run, "")
    with pytest.raises(UserError, match="no prompt"):
        story(small_run, "' OR true --")
    with pytest.raises(UserError, match="is no folder"):
        story(small_run / "nothing", C)


def test_a_half_finished_run_has_a_story(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copytree(small_run / "prompts", run / "prompts")
    assert story(run, C).endswith("no completion yet")
    shutil.copytree(small_run / "completions/cycle=1", run / "completions/cycle=1")
    told = story(run, C)
    assert "cycle 1: 4 completions" in told and "not filtered yet" in told


def test_what_a_model_says_cannot_command_the_terminal(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    rows = rows_of(small_run, "completions")
    said = next(row for row in rows if row["prompt_id"] == C and row["cycle"] == 1)
    said["completion"] = "\x1b]0;owned\x07\x1b[2J" + "long " * 3000
    shutil.rmtree(run / "completions/cycle=1")
    put(run / "completions/cycle=1", "completions", [row for row in rows if row["cycle"] == 1])
    told = story(run, C)
    assert "\x1b" not in told and "\x07" not in told
    assert "… (15014 characters, see --full)" in told
    assert len(story(run, C, full=True)) > len(told) + 10000
    assert max(map(len, told.splitlines())) <= 120
