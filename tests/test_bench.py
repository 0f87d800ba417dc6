"""The bench measures real calls, and refuses to time wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from halo_forge import bench
from halo_forge.schema import from_rows


def test_numbers_are_measured_and_written(tmp_path: Path) -> None:
    assert bench.main(["--rows", "40", "--json", str(tmp_path / "bench.json")]) == 0
    numbers = json.loads((tmp_path / "bench.json").read_text())
    assert set(numbers) == {"--help seconds", "vlm datasets seconds", "verify rows/s", "reward rows/s"}
    assert all(value > 0 for value in numbers.values())


def test_a_verifier_that_is_wrong_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_prompt", lambda i: _wrong(i))
    with pytest.raises(RuntimeError, match="wrongly"):
        bench.verification(40)


RIGHT = bench._prompt


def _wrong(i: int) -> dict[str, object]:
    return RIGHT(i) | {"answers": ["eleven"]}


def test_a_run_is_counted(tmp_path: Path) -> None:
    completions, _, evidence = bench.synthetic(20)
    for name, table in (("completions", completions), ("evidence", evidence)):
        folder = tmp_path / name / "cycle=1"
        folder.mkdir(parents=True)
        pq.write_table(table, folder / "part-00000.parquet")
    numbers = bench.of_run(str(tmp_path))
    assert numbers["completions"] == 20 and numbers["images"] == bench.SCENES
    assert numbers["detector rows per image"] == numbers["ocr rows per image"] == 1
    size = (tmp_path / "completions/cycle=1/part-00000.parquet").stat().st_size
    assert numbers["bytes per completion"] == size / 20

    again = tmp_path / "evidence/cycle=2"
    again.mkdir()
    pq.write_table(from_rows([bench._scene(0) | {"cycle": 2}], "evidence"), again / "part-00000.parquet")
    assert bench.of_run(str(tmp_path))["detector rows per image"] > 1


def test_a_run_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--run", "/no/such/run"]) == 2
    assert "has no completions table" in capsys.readouterr().err
