"""Parts of a finished run made again: forced, from the middle, beside the first, longer, and stopped halfway."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runs import SMALL, config, digests

from halo_forge import sql
from halo_forge.errors import UserError
from halo_forge.models.merge import merge
from halo_forge.store import StaleError, Table
from halo_forge.vlm.check import check
from halo_forge.vlm.run_dir import RunDir, position
from halo_forge.vlm.trainer import VLMRAFTTrainer


def rewards(run: Path, folder: str) -> list[float]:
    return Table(str(run / folder), "rewards").read()["reward"].to_pylist()


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name, digest in before.items() if after.get(name) != digest}


def test_forced_stage_is_rebuilt_with_what_follows_and_nothing_before(finished: Path, copy: Path) -> None:
    VLMRAFTTrainer(config(copy, "--force-from", "reward", "--output-weight", "0.6", "--no-controls")).train()
    other = changed(digests(finished), digests(copy))
    for part in ("images", "prompts", "evidence/cycle=1", "completions/cycle=1", "scores/cycle=1", "eval/prompts"):
        assert f"{part}/part-00000.parquet" not in other
    assert "rewards/cycle=1/part-00000.parquet" in other
    assert rewards(copy, "rewards/cycle=1") != rewards(finished, "rewards/cycle=1")
    assert not RunDir(copy).stale()
    assert any("invariants hold" in line for line in check(str(copy)))


def test_forced_in_the_second_cycle_leaves_the_first_as_it_stands(finished: Path, copy: Path) -> None:
    more = ["--force-from", "reward", "--cycle", "2", "--output-weight", "0.6", "--no-controls"]
    VLMRAFTTrainer(config(copy, *more)).train()
    other = changed(digests(finished), digests(copy))
    assert "rewards/cycle=2/part-00000.parquet" in other
    assert not {name for name in other if "cycle=1" in name or "cycle_1/" in name or "cycle=0" in name}


def test_models_after_a_replaced_table_are_stale_until_made_again(copy: Path) -> None:
    more = ["--output-weight", "0.9", "--perception-weight", "0.05", "--max-per-prompt", "1", "--no-controls"]
    VLMRAFTTrainer(config(copy, "--force-from", "reward", "--cycles", "1", *more)).train()
    assert set(RunDir(copy).stale()) == {"cycle_2"}
    told = check(str(copy))
    assert any(line.startswith("stale: cycle_2") for line in told)
    assert any(line.startswith("stale: rewards") or "was made from" in line for line in told)
    with pytest.raises(StaleError, match=r"--force-from generate --cycle 2 "):
        VLMRAFTTrainer(config(copy, *more)).train()
    VLMRAFTTrainer(config(copy, "--force-from", "generate", "--cycle", "2", *more)).train()
    assert not RunDir(copy).stale()


def test_a_merged_model_goes_the_way_of_its_adapter(copy: Path) -> None:
    for cycle in (1, 2):
        merge(str(copy / f"cycle_{cycle}"), copy / f"cycle_{cycle}-merged")
    RunDir(copy).mark_stale(position("reward", 2), "tried")
    assert set(RunDir(copy).stale()) == {"cycle_2", "cycle_2-merged"}
    VLMRAFTTrainer(config(copy, "--no-controls")).train()  # nothing differs
    assert not RunDir(copy).stale() and (copy / "cycle_1-merged").exists()
    more = ["--force-from", "reward", "--output-weight", "0.9", "--max-per-prompt", "1", "--no-controls"]
    VLMRAFTTrainer(config(copy, *more, "--cycles", "1")).train()
    assert not (copy / "cycle_1-merged").exists()  # its adapter was replaced
    assert set(RunDir(copy).stale()) == {"cycle_2", "cycle_2-merged"}


def test_a_tag_keeps_both(finished: Path, copy: Path) -> None:
    before = digests(finished)
    more = ["--output-weight", "0.6", "--max-per-prompt", "1", "--tag", "strict"]
    VLMRAFTTrainer(config(copy, *more, "--no-controls")).train()
    after = digests(copy)
    assert not changed(before, after)
    made = {name.split("/")[0] for name in set(after) - set(before)}
    assert made == {
        *("rewards_strict", "sft_strict", "training_strict", "cycle_1_strict", "cycle_2_strict"),
        *("evidence_strict", "completions_strict", "scores_strict", "eval"),
    }
    assert not (copy / "completions_strict/cycle=1").exists()
    assert (copy / "best_strict").resolve().name.endswith("_strict")
    assert (copy / "best").resolve() == copy / (finished / "best").readlink()
    assert json.loads((copy / "run_strict.json").read_text())["config"]["output_weight"] == 0.6
    assert json.loads((copy / "run.json").read_text())["config"]["output_weight"] != 0.6
    models = Table(str(copy / "completions_strict/cycle=2"), "completions").read()["model"].to_pylist()
    assert set(models) == {"cycle_1_strict"}
    assert any("invariants hold" in line for line in check(str(copy)))
    VLMRAFTTrainer(config(copy, *more, "--no-controls")).train()  # finished: nothing is made again
    assert digests(copy) == after
    with pytest.raises(StaleError, match=r"--force-from reward --cycle 1 --tag strict .*--tag another"):
        VLMRAFTTrainer(config(copy, "--tag", "strict", "--output-weight", "0.5", "--no-controls")).train()


def test_a_tag_starts_where_it_is_told_to(copy: Path) -> None:
    more = ["--tag", "second", "--from", "verify", "--cycle", "2", "--no-controls"]
    VLMRAFTTrainer(config(copy, *more)).train()
    assert (copy / "scores_second/cycle=2").exists() and not (copy / "scores_second/cycle=1").exists()
    assert not (copy / "completions_second").exists()
    both = Table(str(copy / "scores/cycle=2"), "scores"), Table(str(copy / "scores_second/cycle=2"), "scores")
    same = sql.query(
        "SELECT count(*) AS n FROM a JOIN b USING (prompt_id, sample_index, answer)", dict(zip("ab", both, strict=True))
    )
    assert same["n"].to_pylist() == [24 * 4]


def test_from_takes_what_comes_before_as_it_stands(finished: Path, copy: Path) -> None:
    more = ["--temperature", "0.9", "--from", "filter", "--cycle", "2", "--no-controls"]
    with pytest.raises(StaleError, match=r"eval/completions/cycle=2.*temperature: 1.0 -> 0.9"):
        VLMRAFTTrainer(config(copy, *more)).train()
    assert digests(copy) == digests(finished)
    with pytest.raises(UserError, match=r"cannot start at verify: .*/cycle=3 before it is not finished"):
        VLMRAFTTrainer(config(copy, "--from", "verify", "--cycle", "3", "--cycles", "3")).train()


def test_more_cycles_continue_a_finished_run(finished: Path, copy: Path) -> None:
    outcome = VLMRAFTTrainer(config(copy, "--cycles", "3", "--no-controls")).train()
    assert outcome.cycles == 3 and (copy / "cycle_3").is_dir()
    assert not changed(digests(finished), digests(copy))


def test_a_partial_run_does_not_stand_for_a_whole_one(copy: Path) -> None:
    with pytest.raises(StaleError, match=r"params.limit: 24 -> 30.*--force-from prompts.* another --output"):
        VLMRAFTTrainer(config(copy, "--limit", "30")).train()
    with pytest.raises(StaleError, match=r"params.limit"):
        VLMRAFTTrainer(config(copy, "--limit", "30", "--tag", "more")).train()


def test_a_forced_run_that_was_killed_goes_on_where_it_was(finished: Path, copy: Path) -> None:
    words = ["--dataset", "shapes", "--output", str(copy), "--cycles", "2", *SMALL, "--no-controls"]
    words += ["--force-from", "reward", "--max-per-prompt", "1"]
    command = [sys.executable, "-m", "halo_forge.cli", "vlm", "train", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
    marked = RunDir(copy).stale
    for reached in (lambda: len(marked()) == 2, lambda: len(marked()) == 1):
        while not reached():
            assert process.poll() is None
            time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert set(marked()) == {"cycle_2"}
    made = (copy / "rewards/cycle=1/_stage.json").stat().st_mtime_ns
    subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ, check=True)
    assert (copy / "rewards/cycle=1/_stage.json").stat().st_mtime_ns == made
    assert not RunDir(copy).stale() and not (copy / ".replacing.json").exists()
    assert {n for n in changed(digests(finished), digests(copy)) if n.startswith("completions/cycle=1")} == set()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--from", "verify", "--force-from", "verify"], "exclude each other"),
        (["--cycle", "2"], "--cycle says where"),
        (["--from", "verify", "--cycle", "7"], "the run has cycles 1 to 2"),
        (["--tag", "Strict!"], "--tag takes small letters"),
        (["--force-from", "verfy"], "did you mean 'verify'"),
    ],
)
def test_flags_that_make_no_sense_are_refused(tmp_path: Path, words: list[str], line: str) -> None:
    with pytest.raises(UserError, match=line):
        config(tmp_path, *words)
