"""train on tables: kept rows only, an adapter and its log, once, resumable, from a table alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from halo_forge import schema
from halo_forge.errors import UserError
from halo_forge.images import image_id
from halo_forge.models import folder, resolve
from halo_forge.progress import Progress
from halo_forge.stages.train import Config, train, training_rows
from halo_forge.store import StaleError, Table
from halo_forge.training import weights
from tests.tiny import picture

QUIET = Progress(quiet=True)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory with prompts, images and sft: six rows kept, two not, one whose prompt is unknown."""
    images, prompts, sft = [], [], []
    for number in range(8):
        data = picture(number)
        images.append({"image_id": image_id(data), "image": {"bytes": data, "path": None}})
        prompts.append(
            {
                "prompt_id": f"p{number}",
                "image_ids": [image_id(data)],
                "question": "q",
                "prompt": f"{number}?",
            }
        )
        sft.append({"prompt_id": f"p{number}", "sample_index": 0, "cycle": 1, "keep": number < 6,
                    "prompt": f"{number}?", "completion": "I see 2" if number < 6 else "never",
                    "token_ids": [60, 61] if number == 0 else None})  # fmt: skip
    sft.append({"prompt_id": "lost", "sample_index": 0, "cycle": 1, "keep": True, "completion": "x"})
    for name, rows in (("images", images), ("prompts", prompts), ("sft", sft)):
        write(rows, name, tmp_path)
    return tmp_path


def write(rows: list[dict[str, Any]], name: str, folder: Path) -> None:
    (folder / name).mkdir(exist_ok=True)
    pq.write_table(schema.from_rows(rows, name), folder / name / "part-00000.parquet")


def config(run: Path, model: Path, **named: Any) -> Config:
    fixed = {
        "learning_rate": 5e-3,
        "max_steps": 4,
        "batch_size": 4,
        "device": "cpu",
        "threads": 1,
        "save_steps": 2,
    }
    paths = {"sft": str(run / "sft"), "prompts": str(run / "prompts"), "output": str(run / "cycle_1")}
    return Config(model=str(model), **{**fixed, **paths, **named})


def test_only_kept_rows_with_a_prompt(run: Path) -> None:
    rows, left_out = training_rows(Table(str(run / "sft"), "sft"), Table(str(run / "prompts"), "prompts"))
    assert [row.prompt_id for row in rows] == [f"p{number}" for number in range(6)]
    assert list(left_out.values()) == [1]
    assert rows[0].token_ids == (60, 61) and rows[1].token_ids is None
    assert all(len(row.image_ids) == 1 and row.prompt for row in rows)


def test_an_adapter_and_its_table(run: Path, qwen_folder: Path) -> None:
    table = train(config(run, qwen_folder), QUIET)
    assert Path(table.path) == run / "training" / "cycle=1"
    made = table.read()
    assert made.schema.equals(schema.arrow("training"))
    assert made["step"].to_pylist() == [1, 2, 3, 4] and set(made["cycle"].to_pylist()) == {1}
    ref = resolve(str(run / "cycle_1"))
    assert ref.adapter == str(run / "cycle_1") and ref.base == str(qwen_folder)


def test_once(run: Path, qwen_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(config(run, qwen_folder), QUIET)
    before = first.files[0].read_bytes()
    monkeypatch.setattr(weights, "load_policy", lambda *_, **__: pytest.fail("trained twice"))
    assert train(config(run, qwen_folder, device="auto"), QUIET).files[0].read_bytes() == before
    shutil.rmtree(run / "training")  # the adapter alone still holds its log
    assert train(config(run, qwen_folder), QUIET).files[0].read_bytes() == before
    with pytest.raises(StaleError, match="learning_rate"):
        train(config(run, qwen_folder, learning_rate=1e-3), QUIET)
    with pytest.raises(StaleError, match="another model"):
        train(config(run, qwen_folder, learning_rate=1e-3, log=str(run / "log")), QUIET)


def test_a_lost_adapter_is_made_again(run: Path, qwen_folder: Path) -> None:
    table = train(config(run, qwen_folder), QUIET)
    before, digest = table.files[0].read_bytes(), resolve(str(run / "cycle_1")).digest
    shutil.rmtree(run / "cycle_1")
    assert train(config(run, qwen_folder), QUIET).files[0].read_bytes() == before
    assert resolve(str(run / "cycle_1")).digest == digest


def test_the_next_cycle(run: Path, qwen_folder: Path) -> None:
    train(config(run, qwen_folder), QUIET)
    second = train(config(run, run / "cycle_1", output=str(run / "cycle_2"), cycle=2), QUIET)
    assert set(second.read()["cycle"].to_pylist()) == {2}
    one, two = (folder.record_of(run / name) for name in ("cycle_1", "cycle_2"))
    assert one is not None and two is not None and two["adapter_before"] == one["adapter_after"]


def test_nothing_kept_is_said_before_a_model_loads(
    run: Path, qwen_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write([{"prompt_id": "p0", "sample_index": 0, "keep": False, "completion": "x"}], "sft", run)
    monkeypatch.setattr(weights, "load_policy", lambda *_, **__: pytest.fail("loaded a model for nothing"))
    with pytest.raises(UserError, match="nothing to train on"):
        train(config(run, qwen_folder), QUIET)


def test_settings_are_checked_at_once(run: Path, qwen_folder: Path) -> None:
    with pytest.raises(UserError, match="learning_rate"):
        config(run, qwen_folder, learning_rate=-1.0)
    with pytest.raises(UserError, match="no such folder"):
        train(config(run, run / "a" / "b"), QUIET)


def pairs_of(run: Path) -> list[dict[str, Any]]:
    """An sft table: p0 with two right and two wrong completions, p1 with none wrong but one cut off, p2 transferred."""
    rows = [
        ("p0", 0, True, "right", "yes"), ("p0", 1, True, "right", "yes!"), ("p0", 2, False, "wrong answer", "no"),
        ("p0", 3, False, "wrong answer", "never"), ("p1", 0, True, "right", "yes"),
        ("p1", 1, False, "truncated", "yes and"), ("p1", 2, False, "duplicate completion", "yes"),
        ("p2", 0, True, "right under the grounded prompt only", "two"),
        ("p2", 1, False, "no right completion for this prompt", "three"),
    ]  # fmt: skip
    names = ("prompt_id", "sample_index", "keep", "reason", "completion")
    return [{**dict(zip(names, row, strict=True)), "cycle": 1} for row in rows]


def test_right_against_wrong_of_the_same_prompt(run: Path) -> None:
    write(pairs_of(run), "sft", run)
    tables = Table(str(run / "sft"), "sft"), Table(str(run / "prompts"), "prompts")
    rows, left_out = training_rows(*tables, "dpo")
    assert [(row.prompt_id, row.completion) for row in rows] == [("p0", "yes"), ("p0", "yes!"), ("p2", "two")]
    assert {row.rejected for row in rows[:2]} == {"no", "never"} and rows[2].rejected == "three"
    assert list(left_out.values()) == [1]
    assert rows == training_rows(*tables, "dpo")[0]
    drawn = {tuple(row.rejected for row in training_rows(*tables, "dpo", seed)[0]) for seed in range(8)}
    assert len(drawn) == 2
    assert [row.rejected for row in training_rows(*tables)[0]] == [None] * 4


def test_dpo_with_nothing_wrong_is_said_before_a_model_loads(
    run: Path, qwen_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "load_policy", lambda *_, **__: pytest.fail("loaded a model for nothing"))
    with pytest.raises(UserError, match="dropped as wrong"):
        train(config(run, qwen_folder, objective="dpo"), QUIET)


def test_dpo_and_merged_weights(run: Path, qwen_folder: Path) -> None:
    write(pairs_of(run), "sft", run)
    table = train(config(run, qwen_folder, objective="dpo", batch_size=2, merge=True), QUIET)
    assert set(table.read()["rows"].to_pylist()) <= {1, 2}
    merged = run / "cycle_1-merged"
    assert resolve(str(merged)).adapter is None
    shutil.rmtree(merged)
    train(config(run, qwen_folder, objective="dpo", batch_size=2, merge=True), QUIET)  # trained before, merged anew
    assert resolve(str(merged)).adapter is None


def test_a_whole_model_and_its_table(run: Path, qwen_folder: Path) -> None:
    train(config(run, qwen_folder, mode="full", learning_rate=1e-3), QUIET)
    assert resolve(str(run / "cycle_1")).adapter is None
    again = config(run, qwen_folder, mode="full", learning_rate=1e-3, device="auto")
    assert train(again, QUIET).read().num_rows == 4


@pytest.mark.parametrize(
    ("named", "reason"),
    [({"objective": "drpo"}, "dpo"), ({"mode": "fulll"}, "full"), ({"num_processes": 3}, "no multiple of 3"),
     ({"merge": True, "mode": "full"}, "leave it out"), ({"num_processes": 2, "device": "cuda:1"}, "names one"),
     ({"beta": 0.0}, "beta"), ({"patience": -1}, "patience")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_at_once(
    run: Path, qwen_folder: Path, named: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UserError, match=reason):
        config(run, qwen_folder, **named)
