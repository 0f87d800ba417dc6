"""The bench measures real calls, and refuses to time wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from halo_forge import bench, bench_rows
from halo_forge.schema import from_rows
from halo_forge.store import Table


def test_numbers_are_measured_and_written(tmp_path: Path) -> None:
    assert bench.main(["--rows", "40", "--disk-rows", "1200", "--json", str(tmp_path / "bench.json")]) == 0
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
        bench.disk_stages(str(tmp_path), 40)


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
    numbers = bench.of_run(str(tmp_path))
    assert numbers["completions"] == 20 and numbers["images"] == bench_rows.SCENES
    assert numbers["detector rows per image"] == numbers["ocr rows per image"] == 1
    size = (tmp_path / "completions/cycle=1/part-00000.parquet").stat().st_size
    assert numbers["bytes per completion"] == size / 20

    again = tmp_path / "evidence/cycle=2"
    again.mkdir()
    pq.write_table(from_rows([bench_rows.scene(0) | {"cycle": 2}], "evidence"), again / "part-00000.parquet")
    assert bench.of_run(str(tmp_path))["detector rows per image"] > 1


def test_a_run_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--run", "/no/such/run"]) == 2
    assert "has no completions table" in capsys.readouterr().err
