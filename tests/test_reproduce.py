"""The recipes of bin/reproduce: every command that they would run is one that the commands take."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from halo_forge.cli import flags
from halo_forge.datasets.cards import load_card
from halo_forge.vlm import benchmark, config, sft

SCRIPT = Path(__file__).parents[1] / "bin/reproduce"


def told(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("recipe", ["chartqa-2b", "textvqa-7b"])
def test_every_command_of_a_recipe_is_understood(recipe: str, cold: bool) -> None:
    done = told(recipe, "--dry-run", *["--sft"] * cold)
    assert done.returncode == 0 and not done.stderr
    commands = [shlex.split(line) for line in done.stdout.splitlines()]
    assert all(words[:2] == ["bin/halo-forge", "vlm"] for words in commands)
    assert [words[2] for words in commands] == [*["sft"] * cold, "train", "benchmark"]
    named = {words[2]: words[3:] for words in commands}
    trained = config.from_flags(named["train"])
    scored = flags.parse(benchmark.Config, named["benchmark"])
    base = trained.model_name
    if cold:
        first = sft.from_flags(named["sft"])
        assert trained.model_name == f"{first.output_dir}/{sft.MODEL}" and first.dataset == trained.dataset
        base = first.model_name
    assert scored.model == (f"{trained.output_dir}/best",) and scored.baseline == base
    assert scored.dataset == trained.dataset and load_card(scored.dataset).published_score(base)
    assert scored.guard and scored.dataset not in scored.guard and all(map(load_card, scored.guard))


@pytest.mark.parametrize("words", [[], ["chartqa-7b"], ["chartqa-2b", "--cycles"]])
def test_what_it_does_not_know_is_told_and_nothing_runs(words: list[str]) -> None:
    done = told(*words)
    assert done.returncode == 2 and not done.stdout
    assert "bin/reproduce chartqa-2b|textvqa-7b" in done.stderr and "not run on a GPU yet" in done.stderr


def test_a_command_that_fails_ends_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "reproduce").write_bytes(SCRIPT.read_bytes())
    (tmp_path / "halo-forge").write_text("#!/bin/sh\necho ran $2\n[ $2 != train ]\n")
    for name in ("reproduce", "halo-forge"):
        (tmp_path / name).chmod(0o755)
    done = subprocess.run([tmp_path / "reproduce", "chartqa-2b"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("ran")] == ["ran train"]
