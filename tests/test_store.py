"""The store: parts, records, resume, stale tables, reading by range and by key."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from halo_forge import store
from halo_forge.errors import UserError

PAYLOAD = {"stage": "train", "version": 1, "params": {"rank": 16}, "inputs": {}}


def steps(start: int, stop: int) -> pa.Table:
    return pa.table({"cycle": [1] * (stop - start), "step": list(range(start, stop)), "loss": [0.5] * (stop - start)})


def written(path: Path, rows: int = 10, size: int = 4) -> store.Table:
    writer = store.Writer.begin(path, "training", PAYLOAD, store.ranges(rows, size))
    for number, start, stop in writer.missing():
        writer.write(number, steps(start, stop))
    return writer.finish()


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    table = written(tmp_path / "t")
    assert table.rows == 10
    assert table.read()["step"].to_pylist() == list(range(10))
    assert table.slice(3, 9)["step"].to_pylist() == [3, 4, 5, 6, 7, 8]
    assert table.where("step", [8, 1, 99])["step"].to_pylist() == [1, 8]


def test_same_key_is_finished_and_other_key_is_stale(tmp_path: Path) -> None:
    written(tmp_path / "t")
    assert store.Writer.begin(tmp_path / "t", "training", PAYLOAD).finished
    with pytest.raises(store.StaleError, match=r"params.rank: 16 -> 8.*--force-from train"):
        store.Writer.begin(tmp_path / "t", "training", {**PAYLOAD, "params": {"rank": 8}})


def test_interrupted_table_keeps_its_parts_and_ranges(tmp_path: Path) -> None:
    writer = store.Writer.begin(tmp_path / "t", "training", PAYLOAD, store.ranges(10, 4))
    writer.write(0, steps(0, 4))
    (tmp_path / "t" / "part-00001.parquet").write_bytes(b"half of a part, no record")
    again = store.Writer.begin(tmp_path / "t", "training", PAYLOAD, store.ranges(10, 3))
    assert list(again.missing()) == [(1, 4, 8), (2, 8, 10)]
    with pytest.raises(UserError, match="unfinished"):
        store.Table(str(tmp_path / "t"), "training").open()
    for number, start, stop in again.missing():
        again.write(number, steps(start, stop))
    assert again.finish().digest == written(tmp_path / "whole").digest


def test_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / "a"), written(tmp_path / "b")
    for name in ("part-00000.parquet", "part-00002.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_tables_of_other_programs(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(steps(0, 3), tmp_path / "x.parquet")
    pq.write_table(steps(3, 5), tmp_path / "y.parquet")
    assert store.Table(str(tmp_path / "*.parquet"), "training").open().rows == 5
    one = store.Table(str(tmp_path / "x.parquet"), "training").open()
    assert one.read(["step", "tokens"]).to_pylist()[2] == {"step": 2, "tokens": None}
    with pytest.raises(UserError, match="no training table at"):
        store.Table(str(tmp_path / "z"), "training").open()
    with pytest.raises(UserError, match="column prompt_id is missing"):
        store.Table(str(tmp_path / "x.parquet"), "completions").open()
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        store.Table(str(tmp_path / "bad.parquet"), "training").open()


def test_folder_with_foreign_parquet_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "someone.parquet").write_bytes(b"theirs")
    with pytest.raises(UserError, match="another program"):
        store.Writer.begin(tmp_path, "training", PAYLOAD)


def test_unwritable_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot make"):
        store.Writer.begin(tmp_path / "file" / "t", "training", PAYLOAD)


def test_empty_table_exists(tmp_path: Path) -> None:
    table = written(tmp_path / "t", rows=0)
    assert table.open().rows == 0
    assert table.where("step", [1]).num_rows == 0


def test_full_disk_is_one_line_and_leaves_the_table_resumable(tmp_path: Path) -> None:
    import resource

    writer = store.Writer.begin(tmp_path / "t", "training", PAYLOAD, store.ranges(8, 4))
    writer.write(0, steps(0, 4))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))  # smaller than a part: as if the disk were full
    try:
        with pytest.raises(UserError, match=r"cannot write .*part-00001.parquet") as caught:
            writer.write(1, steps(4, 8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "t").glob(".*tmp"))
    again = store.Writer.begin(tmp_path / "t", "training", PAYLOAD, store.ranges(8, 4))
    assert list(again.missing()) == [(1, 4, 8)]


def test_a_change_of_schema_or_rows_changes_the_digest(tmp_path: Path) -> None:
    writer = store.Writer.begin(tmp_path / "t", "training", PAYLOAD)
    writer.write(0, steps(0, 3))
    assert writer.finish().digest != written(tmp_path / "u", rows=4).digest
