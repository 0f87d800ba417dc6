"""--samples-max: prompts that are not all right are sampled further, and what that finds is trained on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runs import SMALL, config, digests

from halo_forge import sql
from halo_forge.cli import main
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.store import StaleError, Table
from halo_forge.vlm import estimates, further, views, whatif
from halo_forge.vlm.check import check
from halo_forge.vlm.run_dir import RunDir
from halo_forge.vlm.trainer import VLMRAFTTrainer

ONE = ["--cycles", "1", "--no-controls"]
MORE = ["--samples-max", "12", *ONE]
FIRST, FURTHER = 4, 8


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("further") / "run"
    VLMRAFTTrainer(config(folder, *MORE)).train()
    return folder


def rows(folder: Path, place: str, name: str) -> list[dict]:
    return Table(str(folder / place), name).read().to_pylist()


def test_chosen_prompts_and_no_others_get_further_samples(run: Path) -> None:
    chosen = {row["prompt_id"]: row for row in rows(run, "more/cycle=1", "more")}
    assert len(chosen) == 24 and {row["asked"] for row in chosen.values()} == {0, FURTHER}
    assert all((row["asked"] > 0) == (row["right_ones"] < FIRST) for row in chosen.values())
    made = rows(run, "more/completions/cycle=1", "completions")
    asked = [prompt for prompt, row in chosen.items() if row["asked"]]
    assert sorted((row["prompt_id"], row["sample_index"]) for row in made) == sorted(
        (prompt, index) for prompt in asked for index in range(FIRST, FIRST + FURTHER)
    )
    assert {row["temperature"] for row in made} == {1.0} and {row["cycle"] for row in made} == {1}


def test_they_are_of_the_same_policy_with_other_seeds(run: Path) -> None:
    first, more = rows(run, "completions/cycle=1", "completions"), rows(run, "more/completions/cycle=1", "completions")
    assert {row["model_digest"] for row in more} == {row["model_digest"] for row in first}
    assert {row["seed"] for row in more}.isdisjoint(row["seed"] for row in first)
    said = {(row["prompt_id"], row["completion"]) for row in first}
    assert {(row["prompt_id"], row["completion"]) for row in more} - said


def test_what_they_find_is_kept_and_trained_on(run: Path, finished: Path) -> None:
    right = {(r["prompt_id"], r["sample_index"]): r["correct"] for r in rows(run, "more/rewards/cycle=1", "rewards")}
    sft = [row for row in rows(run, "sft/cycle=1", "sft") if row["origin"] == "sampled"]
    assert len(sft) == 24 * FIRST + len(right)
    kept = {(row["prompt_id"], row["sample_index"]) for row in sft if row["keep"]}
    found = {key for key in kept if key[1] >= FIRST}
    assert found and all(right[key] for key in found)
    without = [row for row in rows(finished, "sft/cycle=1", "sft") if row["keep"]]
    assert len(kept) > len(without)
    trained = ["cycle_1/adapter_model.safetensors", "sft/cycle=1/part-00000.parquet"]
    assert not {digests(run)[name] for name in trained} & {digests(finished)[name] for name in trained}


def test_sql_sees_them_in_the_tables_of_the_cycle(run: Path) -> None:
    tables = views.views(run)
    for name in ("completions", "scores", "rewards"):
        counts = sql.query(f"SELECT count(*) AS n, max(sample_index) AS last FROM {name}", tables).to_pylist()[0]
        assert counts == {"n": 96 + Table(str(run / f"more/{name}/cycle=1"), name).rows, "last": FIRST + FURTHER - 1}
    asked = sql.query("SELECT count(*) AS n FROM more WHERE asked > 0", tables)["n"].to_pylist()
    assert asked == [Table(str(run / "more/completions/cycle=1"), "completions").rows // FURTHER]
    told = check(str(run))
    assert any("invariants hold" in line for line in told) and not any("stale" in line for line in told)


def test_whatif_takes_them_all(run: Path) -> None:
    own, again = whatif.table(whatif.Config(str(run))).to_pylist()
    assert {**own, "setting": ""} == {**again, "setting": ""} and own["overlap"] == 1
    sft = [row for row in rows(run, "sft/cycle=1", "sft") if row["origin"] == "sampled"]
    kept = [row["sample_index"] for row in sft if row["keep"]]
    assert own["kept"] == len(kept) and max(kept) >= FIRST
    assert own["kept_share"] == pytest.approx(len(kept) / len(sft))


def test_the_budget_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipes = VLMRAFTTrainer(config(run, *MORE)).checked()
    further.show(recipes, 1, Progress())
    made = rows(run, "more/completions/cycle=1", "completions")
    right = sum(row["correct"] for row in rows(run, "more/rewards/cycle=1", "rewards"))
    tokens = sum(row["completion_tokens"] for row in made)
    asked = len(made) // FURTHER
    line = capsys.readouterr().err
    assert f"{FURTHER} further samples of {asked} of 24 prompts: {len(made)} completions, {tokens} tokens, " in line
    assert f"{right} right; " in line
    record = (run / "more/completions/cycle=1/_stage.json").read_text()
    assert f'"tokens": {tokens}' in record


def test_the_first_samples_are_those_of_a_run_without(run: Path, finished: Path) -> None:
    with_, without = digests(run), digests(finished)
    for name in ("completions", "scores", "rewards"):
        assert with_[f"{name}/cycle=1/part-00000.parquet"] == without[f"{name}/cycle=1/part-00000.parquet"]
    assert not (finished / "more").exists()


def test_where_no_prompt_is_worth_it_nothing_is_sampled_and_nothing_differs(finished: Path, tmp_path: Path) -> None:
    own = tmp_path / "none.sql"
    own.write_text("SELECT DISTINCT prompt_id, cycle, false AS more, 'never' AS reason FROM rewards ORDER BY 1")
    VLMRAFTTrainer(config(tmp_path / "run", *MORE, "--more", str(own))).train()
    assert Table(str(tmp_path / "run/more/completions/cycle=1"), "completions").rows == 0
    made, whole = digests(tmp_path / "run"), digests(finished)
    same = {name for name in made if not name.startswith("more/")}
    assert {name: made[name] for name in same} == {name: whole[name] for name in same} and len(same) > 12


def test_killed_anywhere_it_ends_the_same(run: Path, tmp_path: Path) -> None:
    words = ["--dataset", "shapes", "--output", str(tmp_path / "run"), "--cycles", "2", *SMALL, *MORE]
    command = [sys.executable, "-m", "halo_forge.cli", "vlm", "train", *words]
    for reached in ("more/completions/cycle=1/_begin.json", "more/scores/cycle=1/_stage.json"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
        while not (tmp_path / "run" / reached).exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "run/sft/cycle=1/_stage.json").exists()
    subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ, check=True)
    assert digests(tmp_path / "run") == digests(run)


def test_a_finished_run_gets_them_by_force_and_loses_them_again(finished: Path, copy: Path) -> None:
    before = digests(copy)
    with pytest.raises(StaleError, match=r"samples_max: 0 -> 12.*--force-from more --cycle 1"):
        VLMRAFTTrainer(config(copy, *MORE)).train()
    assert digests(copy) == before  # it stops before it samples
    VLMRAFTTrainer(config(copy, *MORE, "--force-from", "more", "--cycle", "1")).train()
    assert digests(copy)["completions/cycle=1/part-00000.parquet"] == before["completions/cycle=1/part-00000.parquet"]
    assert (copy / "more/rewards/cycle=1/_stage.json").exists() and set(RunDir(copy).stale()) == {"cycle_2"}
    VLMRAFTTrainer(config(copy, *ONE, "--force-from", "filter", "--cycle", "1")).train()
    assert not (copy / "more/cycle=1").exists() and digests(copy) == before
    assert any("invariants hold" in line for line in check(str(copy)))


def test_a_tag_keeps_a_run_with_and_one_without(run: Path, finished: Path, copy: Path) -> None:
    VLMRAFTTrainer(config(copy, *MORE, "--tag", "longer")).train()
    assert (copy / "more_longer/cycle=1").exists() and not (copy / "more/cycle=1").exists()
    assert (copy / "more/completions_longer/cycle=1").exists() and (copy / "sft_longer/cycle=1").exists()
    counts = {
        tag: sql.query("SELECT count(*) AS n FROM completions WHERE cycle = 1", views.views(copy, tag))["n"].to_pylist()
        for tag in ("", "longer")
    }
    assert counts[""] == [96] and counts["longer"] == [96 + Table(str(run / "more/completions"), "completions").rows]
    assert (
        digests(copy)["cycle_1_longer/adapter_model.safetensors"] == digests(run)["cycle_1/adapter_model.safetensors"]
    )
    assert not any("stale" in line for line in check(str(copy)))


def test_the_plan_counts_them(run: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def plan(output: Path, *more: str) -> dict[str, estimates.Line]:
        made = estimates.plan(VLMRAFTTrainer(config(output, *more)).checked(), False, Progress(quiet=True))
        return {line.step: line for line in made.lines if line.cycle == 1}

    assert {line.state for line in plan(run, *MORE).values()} == {"cached"}
    new = plan(tmp_path / "new", *MORE)
    assert [(new[s].rows, new[s].at_most) for s in ("more", "more/generate")] == [(24, False), (24 * FURTHER, True)]
    late = plan(finished, *MORE)
    assert (late["more"].state, late["more"].reason) == ("changed", "samples_max: 0 -> 12")
    assert (late["reward"].state, late["filter"].state) == ("cached", "stale")
    words = ["--dataset", "shapes", "--output", str(finished), "--cycles", "2", *SMALL, *MORE, "--no-probe"]
    assert main(["vlm", "plan", *words]) == 0
    told = capsys.readouterr().out
    assert f"≤ {24 * FURTHER}" in told and "--force-from more --cycle 1" in told


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--samples-max", "4"], "--samples-max takes a number above --samples"),
        (["--samples-max", "12", "--more", "defalt"], "did you mean 'default'"),
        (["--force-from", "more"], "no prompt is sampled further without --samples-max"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, words: list[str], line: str) -> None:
    with pytest.raises(UserError, match=line):
        VLMRAFTTrainer(config(tmp_path / "run", *words)).checked()


def test_of_both_styles_a_question_gets_no_more_than_it_should(tmp_path: Path) -> None:
    recipes = VLMRAFTTrainer(config(tmp_path / "run", "--samples-max", "16", "--style", "mixed")).checked()
    asked = recipes.generate_more(1)
    assert (recipes.samples, recipes.further, asked.samples, asked.first_index) == (2, 6, 6, 2)
    assert asked.batch_size * asked.samples <= recipes.generate(1).batch_size * recipes.samples
