"""A run's rows for other trainers: TRL's own ones take them, our loader reads them back, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from halo_forge import schema, sql
from halo_forge.cli.giving import export as command
from halo_forge.errors import UserError
from halo_forge.images import image_id
from halo_forge.models.resolve import resolve
from halo_forge.stages import prompts
from halo_forge.store import Table, Writer, discard
from halo_forge.vlm import views
from halo_forge.vlm.export import Config, export, finished_cycle
from halo_forge.vlm.questions import columns
from halo_forge.vlm.run_dir import RunDir

Rows = list[dict[str, Any]]


def table(run: Path, name: str) -> Rows:
    return Table(str(run / name), name.split("/")[0]).read().to_pylist()


def given(run: Path, output: Path, **options: Any) -> Path:
    return export(Config(str(run), output=str(output), **options))[0]


def lines(folder: Path) -> Rows:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]


def parquet(folder: Path, cache: Path) -> Any:
    import datasets

    return datasets.load_dataset(
        "parquet", data_files=str(folder / "*.parquet"), split="train", cache_dir=str(cache / "cache")
    )


def model_and_processor() -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    base = resolve("bundled:shapes/base").base
    torch.manual_seed(0)
    return AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32), AutoProcessor.from_pretrained(base)


ARGUMENTS: dict[str, Any] = {
    "max_steps": 1, "per_device_train_batch_size": 4, "learning_rate": 1e-3, "use_cpu": True, "bf16": False,
    "report_to": [], "save_strategy": "no", "gradient_checkpointing": False,
}  # fmt: skip


def one_step(trainer: Any, model: Any) -> None:
    before = [p.detach().clone() for p in model.parameters()]
    trainer.train()
    assert trainer.state.global_step == 1
    assert any(not a.equal(b) for a, b in zip(before, model.parameters(), strict=True))


def test_trl_learns_from_the_kept_rows(finished: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    rows = parquet(given(finished, tmp_path / "out"), tmp_path)
    kept = [row for row in table(finished, "sft/cycle=2") if row["keep"]]
    said = [(row["prompt_id"], row["completion"][0]["content"][0]["text"]) for row in rows]
    assert sorted(said) == sorted((row["prompt_id"], row["completion"]) for row in kept) and len(said) > 4
    model, processor = model_and_processor()
    trainer = trl.SFTTrainer(
        model=model, processing_class=processor, train_dataset=rows,
        args=trl.SFTConfig(output_dir=str(tmp_path), **ARGUMENTS),
    )  # fmt: skip
    batch = trainer.data_collator([rows[0]])
    learned = processor.tokenizer.decode(batch["labels"][batch["labels"] != -100])
    assert said[0][1] in learned and "<answer></answer>" not in learned and batch["pixel_values"].numel()
    one_step(trainer, model)


def test_trl_learns_from_pairs(finished: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    rows = parquet(given(finished, tmp_path / "out", cycle=1, rows="all", pairs=True), tmp_path)
    model, processor = model_and_processor()
    trainer = trl.DPOTrainer(
        model=model, processing_class=processor, train_dataset=rows,
        args=trl.DPOConfig(output_dir=str(tmp_path), **ARGUMENTS),
    )  # fmt: skip
    one_step(trainer, model)


def test_images_are_the_bytes_of_the_dataset(finished: Path, tmp_path: Path) -> None:
    import datasets

    bytes_of = {row["image_id"]: row["image"]["bytes"] for row in table(finished, "images")}
    shown = {row["prompt_id"]: row["image_ids"] for row in table(finished, "prompts")}
    encoded = datasets.List(datasets.Image(decode=False))
    rows = parquet(given(finished, tmp_path / "trl", rows="all"), tmp_path).cast_column("images", encoded)
    assert len(rows) == len(table(finished, "completions/cycle=2"))
    for row in rows:
        assert [image["bytes"] for image in row["images"]] == [bytes_of[i] for i in shown[row["prompt_id"]]]
    folder = given(finished, tmp_path / "jsonl", rows="all", to="jsonl")
    named = {name for row in lines(folder) for name in row["images"]}
    assert {f"images/{path.name}" for path in (folder / "images").iterdir()} == named
    assert all(image_id((folder / name).read_bytes()) == Path(name).stem for name in named)


@pytest.mark.parametrize("options", [{"rows": "kept"}, {"rows": "all"}, {"cycle": 1, "rows": "all", "pairs": True}])
def test_our_own_loader_reads_it_back(options: dict[str, Any], finished: Path, tmp_path: Path) -> None:
    folder = given(finished, tmp_path / "out", to="jsonl", **options)
    exported = {row["prompt_id"] for row in lines(folder)}
    words = ["--dataset", str(folder / "rows.jsonl"), "--split", "train", "--hold-out", "0"]
    assert prompts.main([*words, "--output", str(tmp_path / "back")]) == 0
    names = ("question", "answers", "choices", "image_ids")
    before = [[row[n] for n in names] for row in table(finished, "prompts") if row["prompt_id"] in exported]
    assert [[row[n] for n in names] for row in table(tmp_path / "back", "prompts")] == before and before


def test_pairs_are_a_right_and_a_wrong_completion_of_one_prompt(finished: Path, tmp_path: Path) -> None:
    judged = {(row["prompt_id"], row["sample_index"]): row for row in table(finished, "rewards/cycle=1")}
    rows = lines(given(finished, tmp_path / "out", cycle=1, rows="all", pairs=True, to="jsonl"))
    both = {key for key, _ in judged if {r["correct"] for (k, _), r in judged.items() if k == key} >= {True, False}}
    assert rows and {row["prompt_id"] for row in rows} <= both
    for row in rows:
        wrong = judged[row["prompt_id"], row["rejected_index"]]
        assert judged[row["prompt_id"], row["sample_index"]]["correct"] is True
        assert wrong["correct"] is False and wrong["finish_reason"] != "length"
        assert row["chosen"] != row["rejected"]
    kept = {(r["prompt_id"], r["sample_index"]) for r in table(finished, "sft/cycle=1") if r["keep"]}
    some = lines(given(finished, tmp_path / "kept", cycle=1, pairs=True, to="jsonl"))
    assert {(row["prompt_id"], row["sample_index"]) for row in some} == kept & {
        (row["prompt_id"], row["sample_index"]) for row in rows
    }


def test_wrong_completions_take_turns() -> None:
    """Three right ones, two wrong ones, and a wrong one that was cut off."""
    key = [{"prompt_id": "p", "sample_index": sample, "cycle": 1} for sample in range(6)]
    ends = ["length" if sample == 5 else "stop" for sample in range(6)]
    said = [{**k, "completion": f"{k['sample_index']}", "finish_reason": e} for k, e in zip(key, ends, strict=True)]
    judged = [{**k, "correct": k["sample_index"] < 3} for k in key]
    tables = {**views.empty(), "prompts": schema.from_rows([{"prompt_id": "p", "prompt": "?"}], "prompts")}
    tables |= {"completions": schema.from_rows(said, "completions"), "rewards": schema.from_rows(judged, "rewards")}
    found = sql.query(sql.text("export/pairs"), tables, cycle=1, rows="all").to_pylist()
    assert [(row["chosen"], row["rejected"]) for row in found] == [("0", "3"), ("1", "4"), ("2", "3")]


@pytest.mark.parametrize("name", sql.names("export"))
def test_columns_are_those_of_the_header(name: str, finished: Path) -> None:
    text = sql.text(f"export/{name}")
    values = {"cycle": 1, "rows": "all"}
    connection = sql.connect({**views.empty(), **views.of_run(finished)})
    found = connection.sql(text, params={key: values[key] for key in sql.parameters(text)})
    assert list(zip(found.columns, map(str, found.types), strict=True)) == columns(text)
    connection.close()


def test_the_command_writes_below_the_run_and_never_twice(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command([str(copy), "--to", "jsonl"]) == 0
    folder = copy / "export/cycle_2_kept_jsonl"
    rows = lines(folder)
    images = len(list((folder / "images").iterdir()))
    assert capsys.readouterr().out == f"{len(rows)} rows with {images} images in {folder}\n"
    with pytest.raises(UserError, match="cycle_2_kept_jsonl is there already: give another --output or delete it"):
        command([str(copy), "--to", "jsonl"])
    assert command([str(copy), "--cycle", "1", "--rows", "all", "--pairs"]) == 0
    assert [path.name for path in (copy / "export/cycle_1_all_pairs_trl").iterdir()] == ["train.parquet"]
    assert command(["--help"]) == 0 and "--pairs" in capsys.readouterr().out


def test_what_is_not_finished_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "training/cycle=2/_stage.json").unlink()
    with pytest.raises(UserError, match=r"cycle 2 of .* is unfinished \(training\): .*, or take --cycle 1$"):
        given(copy, tmp_path / "out")
    assert finished_cycle(RunDir(copy), 1) == 1
    (copy / "rewards/cycle=1/_stage.json").unlink()
    with pytest.raises(UserError, match=r"cycle 1 of .* is unfinished \(rewards\): [^,]*$"):
        given(copy, tmp_path / "out", cycle=1)
    with pytest.raises(UserError, match=r"--cycle 7: .* has 1, 2$"):
        given(copy, tmp_path / "out", cycle=7)
    with pytest.raises(UserError, match="has no cycle"):
        given(tmp_path, tmp_path / "out")
    with pytest.raises(UserError, match="did you mean 'trl'"):
        command([str(copy), "--to", "tlr"])
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_of_an_export_that_fails(copy: Path, tmp_path: Path) -> None:
    shown = [{**row, "image": None} for row in table(copy, "images")]
    discard(str(copy / "images"))
    writer = Writer.begin(copy / "images", "images", {"stage": "prompts"})
    writer.write(0, schema.from_rows(shown, "images"))
    writer.finish()
    for to in ("trl", "jsonl"):
        with pytest.raises(UserError, match=r"holds no bytes for image .*: run halo-forge vlm check on the run"):
            given(copy, tmp_path / "made/out", to=to)
    assert list((tmp_path / "made").iterdir()) == []
