"""What a run would do: each step's state and reason, what is left in rows and tokens, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import SMALL, config, digests

from halo_forge.cli import main
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.vlm import estimates, room
from halo_forge.vlm.trainer import VLMRAFTTrainer

QUIET = Progress(quiet=True)


def plan(output: Path, *more: str, tries: bool = False) -> estimates.Plan:
    return estimates.plan(VLMRAFTTrainer(config(output, *more)).checked(), tries, QUIET)


def states(made: estimates.Plan) -> dict[tuple[int, str], str]:
    return {(line.cycle, line.step): line.state for line in made.lines}


def test_of_a_finished_run_everything_is_cached(finished: Path) -> None:
    before = digests(finished)
    made = plan(finished)
    assert set(states(made).values()) == {"cached"} and not made.advice
    assert estimates.page(made)[-1] == "everything is there: vlm train would do nothing"
    assert digests(finished) == before


def test_a_changed_setting_is_named_with_what_follows_from_it(finished: Path) -> None:
    made = plan(finished, "--output-weight", "0.6")
    found = states(made)
    assert {found[0, "evaluate"], found[1, "generate"], found[1, "perceive"], found[1, "verify"]} == {"cached"}
    assert found[1, "reward"] == "changed"
    assert {found[1, step] for step in ("filter", "train", "evaluate", "benchmark")} == {"stale"}
    assert {found[2, step] for step in ("generate", "verify")} == {"stale"}
    reason = next(line.reason for line in made.lines if line.state == "changed")
    assert "weights" in reason and "0.6" in reason
    assert made.advice.endswith("--force-from reward --cycle 1, or --tag NAME to keep both")
    assert states(plan(finished, "--output-weight", "0.6", "--tag", "strict"))[1, "reward"] == "to run"
    forced = plan(finished, "--output-weight", "0.6", "--force-from", "reward")
    assert states(forced)[1, "reward"] == "to run" and not forced.advice


def test_more_cycles_are_to_run_and_counted(finished: Path) -> None:
    made = plan(finished, "--cycles", "3")
    left = {line.step: line for line in made.lines if line.state != "cached"}
    assert {line.cycle for line in left.values()} == {3}
    assert (left["generate"].rows, left["evaluate"].rows, left["train"].rows) == (24 * 4, 24 * 3, 4)
    assert left["generate"].tokens and not left["generate"].at_most  # measured on the cycles before
    assert left["generate"].seconds and left["train"].seconds and made.rates == "earlier parts of this run"
    assert made.disk and made.disk < 1e6


def test_nothing_there_yet_and_nothing_tried(tmp_path: Path) -> None:
    made = plan(tmp_path / "run")
    assert set(states(made).values()) == {"to run"} and len(made.lines) == 19
    generate = next(line for line in made.lines if line.step == "generate")
    assert (generate.rows, generate.tokens, generate.at_most) == (96, 96 * 80, True)
    need = made.memory.need
    assert need is not None and (need.parameters, need.trained) == (955_360, 107_520)
    assert need.weights == 4 * 955_360 and need.train > need.weights
    assert made.memory.fit is not None and made.memory.fit.flags == ""
    assert any("memory:" in line and line.endswith("it fits") for line in estimates.page(made))
    assert not (tmp_path / "run").exists()


def test_a_few_rows_are_tried_where_nothing_was_measured(tmp_path: Path) -> None:
    made = plan(tmp_path / "run", tries=True)
    assert made.rates == "a probe of 32 prompts"
    assert all(line.seconds for line in made.lines if line.step in ("generate", "evaluate", "train", "verify"))
    assert not (tmp_path / "run").exists()


def test_a_part_that_is_gone_is_to_run(copy: Path) -> None:
    (copy / "scores/cycle=2/_stage.json").unlink()
    made = plan(copy)
    found = {key: state for key, state in states(made).items() if state != "cached"}
    assert found[2, "verify"] == "to run" and found[2, "train"] == "stale" and (2, "generate") not in found
    assert "1 of 1 parts are there" in [line.reason for line in made.lines]


def test_command_line(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--dataset", "shapes", "--output", str(finished), "--cycles", "2", *SMALL]
    assert main(["vlm", "plan", *words, "--json", "--no-probe"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {line["state"] for line in told["lines"]} == {"cached"}
    assert main(["vlm", "train", *words, "--dry-run"]) == 0
    assert "everything is there" in capsys.readouterr().out
    assert main(["vlm", "plan", "--dataset", "shapse"]) == 2
    assert "shapes" in capsys.readouterr().err


def test_what_training_refuses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no-such-model"):
        plan(tmp_path, "--model", "no-such-model/at-all")


def test_what_does_not_fit_says_what_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.planner, "device_memory", lambda on_cpu: 90_000_000)
    made = plan(tmp_path / "run", "--mode", "full")
    told = estimates.page(made)[-1]
    assert told == "memory: train may not fit here; with --micro-batch-size 2 it would"
