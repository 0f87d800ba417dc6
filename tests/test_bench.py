"""The bench measures real calls, and refuses to time wrong ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from halo_forge import bench, bench_disk, bench_models, bench_rows, bench_run
from halo_forge.errors import UserError
from halo_forge.schema import from_rows
from halo_forge.store import Table
from halo_forge.training.rows import Row


def test_numbers_are_measured_and_written(tmp_path: Path) -> None:
    words = ["--rows", "40", "--disk-rows", "1200", "--steps", "0", "--prompts", "0", "--sql-rows", "0"]
    assert bench.main([*words, "--json", str(tmp_path / "bench.json")]) == 0
    numbers = json.loads((tmp_path / "bench.json").read_text())
    assert list(numbers) == [
        "--help seconds",
        "vlm datasets seconds",
        "verify rows/s",
        "reward rows/s",
        "verify + reward + filter rows/s",
        "peak MiB, prompts to rewards, 1,200 completions",
        "peak MiB with filter, 1,200 completions",
        "finished verify + reward + filter again, 1,200 completions, seconds",
    ]
    assert all(value > 0 for value in numbers.values())


def test_a_verifier_that_is_wrong_is_not_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = bench_rows.prompt
    monkeypatch.setattr(bench_rows, "prompt", lambda i: right(i) | {"answers": ["eleven"]})
    with pytest.raises(RuntimeError, match="wrongly"):
        bench.verification(40)
    with pytest.raises(RuntimeError, match="wrongly"):
        bench_disk.disk_stages(str(tmp_path), 40)


def test_tables_on_disk_are_those_in_memory(tmp_path: Path) -> None:
    bench_rows.on_disk(tmp_path, 1100)
    made = Table(str(tmp_path / "completions"), "completions").open()
    assert made.counts == [512, 512, 76]
    assert made.read(["completion"]) == bench_rows.synthetic(1100)[0].select(["completion"])


def test_a_run_is_counted(tmp_path: Path) -> None:
    completions, _, evidence = bench_rows.synthetic(20)
    for name, table in (("completions", completions), ("evidence", evidence)):
        folder = tmp_path / name / "cycle=1"
        folder.mkdir(parents=True)
        pq.write_table(table, folder / "part-00000.parquet")
    numbers = bench_run.sizes(str(tmp_path)) | bench_run.looks(str(tmp_path))
    assert numbers["completions"] == 20 and numbers["images"] == bench_rows.SCENES
    assert numbers["detector rows per image"] == numbers["ocr rows per image"] == 1
    size = (tmp_path / "completions/cycle=1/part-00000.parquet").stat().st_size
    assert numbers["bytes per completion"] == size / 20

    again = tmp_path / "evidence/cycle=2"
    again.mkdir()
    pq.write_table(from_rows([bench_rows.scene(0) | {"cycle": 2}], "evidence"), again / "part-00000.parquet")
    assert bench_run.looks(str(tmp_path))["detector rows per image"] > 1


def finished(run: Path, table: str, cycle: int, seconds: float, parts: list[float], at: float) -> None:
    folder = run / table / f"cycle={cycle}"
    folder.mkdir(parents=True)
    for number, took in enumerate(parts):
        (folder / f"part-{number:05d}.json").write_text(json.dumps({"seconds": took}))
    (folder / "_stage.json").write_text(json.dumps({"seconds": seconds}))
    os.utime(folder / "_stage.json", (at, at))


def test_the_share_of_a_cycle_that_is_not_model_work(tmp_path: Path) -> None:
    finished(tmp_path, "eval/benchmark", 0, 1, [], at=1_000_000)
    for cycle, end in ((1, 1_000_100), (2, 1_000_300)):
        for table in bench_run.CYCLE:
            finished(tmp_path, table, cycle, 10, [4, 4], at=end)
    finished(tmp_path, "completions", 3, 10, [4, 4], at=1_000_400)  # a cycle that is under way does not count
    numbers = bench_run.cycles(str(tmp_path))
    assert numbers["cycle, seconds"] == 150 and numbers["cycle, seconds in completions"] == 8
    assert numbers["cycle, seconds in training"] == numbers["cycle, seconds in scores"] == 10
    assert numbers["cycle, share not model work"] == pytest.approx(1 - (3 * 8 + 10) / 150)
    assert bench_run.cycle(tmp_path, 3) == {}
    with pytest.raises(UserError, match="no cycle"):
        bench_run.cycles(str(tmp_path / "scores"))


def test_further_samples_are_model_work(tmp_path: Path) -> None:
    finished(tmp_path, "eval/benchmark", 0, 1, [], at=1_000_000)
    for table in bench_run.CYCLE:
        finished(tmp_path, table, 1, 10, [4, 4], at=1_000_200)
    for table in bench_run.FURTHER:
        finished(tmp_path, table, 1, 10, [30], at=1_000_200)
    numbers = bench_run.cycles(str(tmp_path))
    assert numbers["cycle, seconds in more/completions"] == 30 and numbers["cycle, seconds in more/scores"] == 10
    assert numbers["cycle, share not model work"] == pytest.approx(1 - (3 * 8 + 10 + 30) / 200)


def test_a_copied_run_counts_the_seconds_of_its_tables(tmp_path: Path) -> None:
    finished(tmp_path, "eval/benchmark", 0, 1, [], at=1_000_000)
    for table in bench_run.CYCLE:
        finished(tmp_path, table, 1, 10, [4, 4], at=1_000_000)
    assert bench_run.cycle(tmp_path, 1)["all"] == 3 * 8 + 5 * 10


def test_training_is_compared_on_the_same_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[list[str]] = []
    bare = bench_models._bare

    def watched(ref: object, batches: list[list[Row]], pictures: dict[str, bytes], settings: object) -> float:
        shown.append([row.image_ids[0] for batch in batches for row in batch])
        return bare(ref, batches, pictures, settings)

    monkeypatch.setattr(bench_models, "_bare", watched)
    monkeypatch.setattr(bench_models, "TURNS", 1)
    numbers = bench_models.training(1)
    assert len(shown[0]) >= 2 * bench_models.BATCH and set(shown[0]) == {f"image-{i}" for i in range(32)}
    assert 0.3 < numbers["training step, ours / bare"] < 3


def test_what_cannot_be_measured_is_left_out_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run/completions/cycle=1"
    folder.mkdir(parents=True)
    pq.write_table(bench_rows.synthetic(20)[0], folder / "part-00000.parquet")
    monkeypatch.setattr(bench_models.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(bench, "start_seconds", lambda *words: 1 / 0)
    words = ["--rows", "40", "--disk-rows", "0", "--steps", "0", "--prompts", "4", "--sql-rows", "0"]
    file = tmp_path / "bench.json"
    assert bench.main([*words, "--run", str(tmp_path / "run"), "--json", str(file)]) == 1  # a part broke
    numbers = json.loads(file.read_text())
    assert numbers["verify rows/s"] > 0 and numbers["bytes per completion"] > 0
    assert list(numbers["left out"]) == ["generation", "run, cycles", "run, again", "run, looks", "start"]
    assert "left out: generation: vLLM is not installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "goal", "told"),
    [(0.04, "<= 0.05, remark", "yes"), (0.9, ">= 0.95", "no"), (1.0, "1", "yes"), (1.1, "1", "no"), (3.0, "", "")],
)
def test_goals(value: float, goal: str, told: str) -> None:
    assert bench.verdict(value, goal) == told


def test_a_run_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--run", "/no/such/run"]) == 2
    assert "has no completions table" in capsys.readouterr().err
