"""The store: parts, records, resume, stale tables, and a kill between any two steps of writing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from halo_forge import parts, store
from halo_forge.errors import UserError
from tests.store_tables import PAYLOAD, begun, steps, written


def test_same_key_is_finished_and_other_key_is_stale(tmp_path: Path) -> None:
    written(tmp_path / "t")
    assert begun(tmp_path / "t").finished
    with pytest.raises(store.StaleError, match=r"params.rank: 16 -> 8.*--force-from train") as caught:
        store.Writer.begin(tmp_path / "t", "training", {**PAYLOAD, "params": {"rank": 8}})
    assert caught.value.changes == ("params.rank: 16 -> 8",)


def test_interrupted_table_keeps_its_parts_and_ranges(tmp_path: Path) -> None:
    writer = begun(tmp_path / "t")
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


def test_folder_with_foreign_parquet_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "someone.parquet").write_bytes(b"theirs")
    with pytest.raises(UserError, match="another program"):
        store.Writer.begin(tmp_path, "training", PAYLOAD)


def test_empty_table_exists(tmp_path: Path) -> None:
    table = written(tmp_path / "t", rows=0)
    assert table.open().rows == 0
    assert table.where("step", [1]).num_rows == 0


def test_a_change_of_schema_or_rows_changes_the_digest(tmp_path: Path) -> None:
    writer = store.Writer.begin(tmp_path / "t", "training", PAYLOAD)
    writer.write(0, steps(0, 3))
    assert writer.finish().digest != written(tmp_path / "u", rows=4).digest


DRIVER = """
import os, signal, sys
from pathlib import Path
from halo_forge import store
sys.path.insert(0, sys.argv[1])
from store_tables import begun, steps

def life(folder, after):
    count = 0
    def counted(call):
        def step(*words, **named):
            nonlocal count
            if count == after:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return call(*words, **named)
        return step
    os.replace, os.unlink, os.rename = counted(os.replace), counted(os.unlink), counted(os.rename)
    writer = begun(folder)
    for number, start, stop in writer.missing():
        writer.write(number, steps(start, stop))
    writer.finish()
    writer.write(1, steps(104, 108))  # as when rows that failed are tried again
    writer.finish()
    store.discard(folder)

after, killed = 0, True
while killed:
    child = os.fork()
    if child == 0:
        life(Path(sys.argv[2], str(after), "cycle=1"), after)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or status == 0, status
    after += killed
print(after)
"""


def test_killed_between_any_two_steps_it_goes_on_with_nothing_lost(tmp_path: Path) -> None:
    """Every rename and removal of a table's whole life is a place to be killed at, once each."""
    old = written(tmp_path / "old").digest
    writer = begun(tmp_path / "new")
    for number, start, stop in writer.missing():
        writer.write(number, steps(start + 100 * (number == 1), stop + 100 * (number == 1)))
    new = writer.finish().digest
    words = [sys.executable, "-c", DRIVER, str(Path(__file__).parent), str(tmp_path)]
    kills = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert kills > 10
    seen = set()
    for after in range(kills):
        folder = tmp_path / f"{after}" / "cycle=1"
        finished = (folder / "_stage.json").exists()
        if finished:
            assert store.Table(str(folder), "training").open().digest in (old, new)
        writer = begun(folder)
        lost = [number for number, _, _ in writer.missing()]
        if not finished:
            for number in lost:
                writer.write(number, steps(*writer.ranges[number]))
            writer.finish()
        found = store.Table(str(folder), "training").open()
        assert found.digest in (old, new) and found.rows == 10 and parts.verify(folder) == 3
        seen.add((finished, len(lost), found.digest == new))
        rest = [path.name for path in [*folder.iterdir(), *folder.parent.iterdir()]]
        assert not [name for name in rest if name.endswith((".tmp", ".old"))] or finished
    assert {(False, 3, False), (False, 0, False), (False, 0, True), (True, 0, True)} <= seen


def test_a_discarded_table_half_removed_is_no_table_and_goes(tmp_path: Path) -> None:
    scores = tmp_path / "scores"
    written(scores / "cycle=1"), written(scores / "cycle=2")
    os.replace(scores / "cycle=2", scores / ".cycle=2.999999.old")
    (scores / ".cycle=2.999999.old" / "part-00001.parquet").unlink()
    for path in (scores, scores / "cycle=*", scores / "cycle=*" / "part-*.parquet", scores / "**" / "*.parquet"):
        assert store.Table(str(path), "training").open().rows == 10
    written(scores / "cycle=2")
    assert sorted(path.name for path in scores.iterdir()) == ["cycle=1", "cycle=2"]
    (scores / f".cycle=2.{os.getpid()}.old").mkdir()  # the number of a killed process comes again
    (scores / f".cycle=2.{os.getpid()}.old" / "x").touch()
    store.discard(scores / "cycle=2")
    assert [path.name for path in scores.iterdir()] == ["cycle=1"]
