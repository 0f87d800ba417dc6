"""TRL's GRPOTrainer on the bundled base: it asks what we ask, trains, is scored as a run is, and is not made twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from halo_forge.cards.shapes import compare, grpo

pytest.importorskip("trl")
WORDS = ["--seconds", "0.1", "--batch", "8", "--limit", "8", "--eval-limit", "16", "--threads", "1"]


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_run_is_trained_scored_and_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--output", str(tmp_path), *WORDS]
    assert grpo.main([*words, "--learning-rate", "1e-2"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert grpo.lines(tmp_path) == [told]
    assert told["steps"] >= 1 and told["seconds"] >= 0.1 and 0 <= told["reward"] <= 1
    assert set(told["before"]) == set(told["after"]) == {"greedy", "sampled"}
    run = tmp_path / "grpo__0"
    after = run / "eval/completions_grpo_lora_0_01_0_1s_b8/cycle=1/part-00000.parquet"
    assert digest(after) != digest(run / "eval/completions/cycle=0/part-00000.parquet")

    assert grpo.main([*words, "--learning-rate", "1e-2"]) == 0 and len(grpo.lines(tmp_path)) == 1
    (tmp_path / grpo.LINES).unlink()  # as if it had been stopped before the last line
    assert grpo.main([*words, "--learning-rate", "1e-2"]) == 0 and grpo.lines(tmp_path) == [told]
    assert grpo.main([*words, "--learning-rate", "2e-2"]) == 0 and len(grpo.lines(tmp_path)) == 2
    assert len(list(run.glob("eval/completions/cycle=*"))) == 1  # the base was asked once
    page = compare.table_of(tmp_path, compare.GRPO, 3)[2:]
    assert [line.split("|")[1].strip()[-4:] for line in page] == ["0.01", "0.02"]
    assert f"| {told['after']['greedy']:.1f} |" in page[0] and page[0].endswith("| 1 |")


def test_it_asks_what_the_engine_asks(tmp_path: Path) -> None:
    from trl.data_utils import prepare_multimodal_messages

    from halo_forge.models.load import load_processor
    from halo_forge.models.prompts import prompt_ids
    from halo_forge.models.resolve import resolve
    from halo_forge.store import Table
    from halo_forge.vlm.steps import steps

    recipes = grpo.recipes_of(grpo.Config(str(tmp_path), limit=4, eval_limit=4))
    for step in steps(1):
        if step.name in ("prompts", "perceive"):
            step.run(step.config(recipes))
    prompts = Table(recipes.dir.table("prompts"), "prompts").read(["prompt"])["prompt"].to_pylist()
    processor = load_processor(resolve("bundled:shapes/base"), 7056, 7056)
    for row, prompt in zip(grpo.rows(recipes), prompts, strict=True):
        messages = prepare_multimodal_messages(row["prompt"], images=row["images"])
        theirs = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)
        assert theirs["input_ids"][0] == prompt_ids(processor, prompt, row["images"])
        assert json.loads(row["evidence"])["objects"] and row["answers"]
