"""Both prompt styles at once, and another slice of the prompts in every cycle."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import config

from halo_forge.store import Table
from halo_forge.vlm.check import check
from halo_forge.vlm.trainer import VLMRAFTTrainer

MIXED = ["--style", "mixed", "--prompts-per-cycle", "12", "--no-controls"]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("mixed") / "run"
    VLMRAFTTrainer(config(run, *MIXED)).train()
    return run


def rows(run: Path, table: str, name: str) -> list[dict]:
    return Table(str(run / table), name).read().to_pylist()


def test_half_of_the_samples_under_each_prompt(mixed: Path) -> None:
    prompts = {row["prompt_id"]: row for row in rows(mixed, "prompts", "prompts")}
    assert len(prompts) == 48 and {p["style"] for p in prompts.values()} == {"direct", "grounded"}
    made = rows(mixed, "completions/cycle=1", "completions")
    assert len(made) == 12 * 4 and {row["sample_index"] for row in made} == {0, 1}
    styles = [prompts[row["prompt_id"]]["style"] for row in made]
    assert styles.count("direct") == styles.count("grounded") == 24
    for row in rows(mixed, "sft/cycle=1", "sft"):
        assert row["prompt"] == prompts[row["prompt_id"]]["prompt"]


def test_a_cycle_asks_its_slice_and_looks_at_new_images_only(mixed: Path) -> None:
    asked = [{r["prompt_id"] for r in rows(mixed, f"completions/cycle={c}", "completions")} for c in (1, 2)]
    assert len(asked[0]) == len(asked[1]) == 24 and not asked[0] & asked[1]
    images = {row["prompt_id"]: set(row["image_ids"]) for row in rows(mixed, "prompts", "prompts")}
    seen = [{r["image_id"] for r in rows(mixed, f"evidence/cycle={c}", "evidence")} for c in (1, 2)]
    wanted = [set().union(*(images[p] for p in part)) for part in asked]
    assert seen[0] == wanted[0] and seen[1] == wanted[1] - wanted[0]
    assert all(row["perception"] is not None or row["claims"] == [] for row in rows(mixed, "scores/cycle=2", "scores"))


def test_transferred_and_replayed_rows_are_verified_ones(mixed: Path) -> None:
    answers = {row["prompt_id"]: row["answers"] for row in rows(mixed, "prompts", "prompts")}
    styles = {row["prompt_id"]: row["style"] for row in rows(mixed, "prompts", "prompts")}
    sft = [row for c in (1, 2) for row in rows(mixed, f"sft/cycle={c}", "sft")]
    moved = [row for row in sft if row["origin"] == "transferred"]
    assert moved
    for row in moved:
        assert styles[row["prompt_id"]] == "direct" and row["completion"] in answers[row["prompt_id"]]
    again = [row for row in sft if row["origin"] == "replayed"]
    first = {(r["prompt_id"], r["sample_index"], r["completion"]) for r in sft if r["cycle"] == 1 and r["keep"]}
    assert again and all((r["prompt_id"], r["sample_index"], r["completion"]) in first for r in again)
    assert {(row["cycle"], row["from_cycle"]) for row in again} == {(2, 1)}


def test_both_styles_are_evaluated_and_the_run_is_whole(mixed: Path) -> None:
    scored = rows(mixed, "eval/benchmark/cycle=2", "benchmark")
    assert {row["style"] for row in scored} == {"direct", "grounded"}
    told = check(str(mixed))
    assert any("invariants hold" in line for line in told) and not [line for line in told if line.startswith("stale")]
