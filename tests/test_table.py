"""Reading tables: ranges and keys over parts and row groups, tables of other programs, globs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halo_forge import parts, store
from halo_forge.errors import UserError

PAYLOAD = {"stage": "reward", "version": 1, "params": {}, "inputs": {}}


def steps(start: int, stop: int) -> pa.Table:
    return pa.table({"cycle": [1] * (stop - start), "step": list(range(start, stop)), "loss": [0.5] * (stop - start)})


def written(path: Path, rows: int = 10, size: int = 4) -> store.Table:
    writer = store.Writer.begin(path, "training", PAYLOAD, store.ranges(rows, size))
    for number, start, stop in writer.missing():
        writer.write(number, steps(start, stop))
    return writer.finish()


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> store.Table:
    """Files of 0 to 7 rows in row groups of 3, written by another program: 0, 1, 2 … 27."""
    folder, row = tmp_path_factory.mktemp("pieces"), 0
    for number, count in enumerate((5, 0, 7, 1, 0, 0, 6, 9, 0)):
        pq.write_table(steps(row, row + count), folder / f"part-{number:05d}.parquet", row_group_size=3)
        row += count
    return store.Table(str(folder), "training")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(wanted=st.lists(st.integers(-3, 35)), start=st.integers(0, 30), more=st.integers(0, 30))
def test_rows_come_as_from_a_list(pieces: store.Table, wanted: list[int], start: int, more: int) -> None:
    rows = list(range(28))
    assert pieces.slice(start, start + more)["step"].to_pylist() == rows[start : start + more]
    assert pieces.where("step", wanted)["step"].to_pylist() == [row for row in rows if row in wanted]


def test_keys_may_be_of_any_arrow_form(pieces: store.Table) -> None:
    for values in (pa.array([3, 3, 27], pa.int64()), pa.chunked_array([[3], [27]], pa.int32()), {3, 27}):
        assert pieces.where("step", values)["step"].to_pylist() == [3, 27]
    assert pieces.where("step", pa.chunked_array([], pa.int32())).num_rows == 0
    assert pieces.read(["step", "tokens"]).slice(2, 1).to_pylist() == [{"step": 2, "tokens": None}]


def test_rows_in_order_read_each_row_group_once(pieces: store.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda self, i: (read.append(i), whole(self, i))[1])
    table = store.Table(pieces.path, "training")
    for row in range(28):
        table.slice(row, row + 1)
    assert read == [0, 1, 0, 1, 2, 0, 0, 1, 0, 1, 2]


def test_a_finished_table_is_counted_and_digested_from_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = written(tmp_path / "t")
    with_files = store.Table(str(tmp_path / "t" / "*.parquet"), "training")
    assert with_files.digest == made.digest
    monkeypatch.setattr(pq, "ParquetFile", lambda path: pytest.fail(f"opened {path}"))
    monkeypatch.setattr("halo_forge.keys.sha256_file", lambda path: pytest.fail(f"read {path}"))
    table = store.Table(str(tmp_path / "t"), "training")
    assert (table.rows, table.counts, table.digest) == (10, [4, 4, 2], made.digest)


def test_records_of_an_older_form_count_by_the_files(tmp_path: Path) -> None:
    import json

    made = written(tmp_path / "t")
    file = tmp_path / "t" / "_stage.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({k: v for k, v in record.items() if k not in ("part_rows", "part_bytes", "owed")}))
    old = store.Table(str(tmp_path / "t"), "training").open()
    assert (old.rows, old.digest) == (10, made.digest)


def test_tables_of_other_programs(tmp_path: Path) -> None:
    pq.write_table(steps(0, 3), tmp_path / "x.parquet")
    pq.write_table(steps(3, 5), tmp_path / "y.parquet")
    assert store.Table(str(tmp_path / "*.parquet"), "training").open().rows == 5
    assert store.Table(str(tmp_path / "*"), "training").open().rows == 5
    with pytest.raises(UserError, match="no training table at"):
        store.Table(str(tmp_path / "z"), "training").open()
    with pytest.raises(UserError, match="column prompt_id is missing"):
        store.Table(str(tmp_path / "x.parquet"), "completions").open()
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(UserError, match=r"bad.parquet is not a readable Parquet file"):
        store.Table(str(tmp_path / "bad.parquet"), "training").open()


def test_several_tables_as_one(tmp_path: Path) -> None:
    written(tmp_path / "scores" / "cycle=1"), written(tmp_path / "scores" / "cycle=2", rows=3)
    for path in ("scores", "scores/cycle=*", "scores/*", "scores/cycle=*/part-*.parquet", "scores/*/*"):
        assert store.Table(str(tmp_path / path), "training").open().rows == 13, path
    both = store.Table(str(tmp_path / "scores/cycle=1"), "training", (str(tmp_path / "scores/cycle=2"),))
    assert both.open().rows == 13
    assert store.Table(str(tmp_path / "scores/cycle=1/part-00001.parquet"), "training").open().rows == 4


def test_a_glob_misses_what_is_missing(tmp_path: Path) -> None:
    written(tmp_path / "scores" / "cycle=1"), written(tmp_path / "scores" / "cycle=2")
    (tmp_path / "scores/cycle=2/part-00001.parquet").unlink()
    for path in ("scores", "scores/cycle=*", "scores/cycle=*/part-*.parquet"):
        with pytest.raises(UserError, match=r"cycle=2/part-00001.parquet is missing.*--force-from reward"):
            store.Table(str(tmp_path / path), "training").open()
    (tmp_path / "scores/cycle=2/_stage.json").unlink()
    for path in ("scores", "scores/cycle=*", "scores/cycle=*/part-*.parquet"):
        with pytest.raises(UserError, match="cycle=2 is unfinished"):
            store.Table(str(tmp_path / path), "training").open()


def test_a_part_of_the_same_size_and_other_rows_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    written(tmp_path / "t", rows=10, size=5)
    part = tmp_path / "t" / "part-00001.parquet"
    pq.write_table(steps(0, 2), part)
    table = store.Table(str(tmp_path / "t"), "training")
    with pytest.raises(UserError, match=r"part-00001.parquet is not what was written \(2 rows, its record says 5\)"):
        table.slice(6, 8)
    part.unlink()
    with pytest.raises(UserError, match=r"part-00001.parquet is not a readable Parquet file \(it is gone\)"):
        table.slice(6, 8)


def test_every_byte_is_verified(tmp_path: Path) -> None:
    written(tmp_path / "scores" / "cycle=1")
    (tmp_path / "scores" / ".cycle=2.9.old").mkdir()
    (tmp_path / "scores" / ".cycle=2.9.old" / "_begin.json").write_text("{}")
    (folder,) = parts.tables(tmp_path)
    assert parts.verify(folder) == 3
    part = folder / "part-00002.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    store.Table(str(folder), "training").open()  # of the same size: only reading tells
    with pytest.raises(UserError, match=r"part-00002.parquet is not what was written.*--force-from reward"):
        parts.verify(folder)
    (folder / "_stage.json").unlink()
    with pytest.raises(UserError, match=r"part-00002.parquet is not what was written"):
        parts.verify(folder)
    part.unlink(), part.with_suffix(".json").unlink()
    assert parts.verify(folder) == 2
