"""The store: parts, records, resume, stale tables, damage, and a kill between any two steps of writing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from halo_forge import locks, parts, store
from halo_forge.errors import UserError

PAYLOAD = {"stage": "train", "version": 1, "params": {"rank": 16}, "inputs": {}}


def steps(start: int, stop: int) -> pa.Table:
    return pa.table({"cycle": [1] * (stop - start), "step": list(range(start, stop)), "loss": [0.5] * (stop - start)})


def begun(path: Path, rows: int = 10, size: int = 4) -> store.Writer:
    return store.Writer.begin(path, "training", PAYLOAD, store.ranges(rows, size))


def written(path: Path, rows: int = 10, size: int = 4) -> store.Table:
    writer = begun(path, rows, size)
    for number, start, stop in writer.missing():
        writer.write(number, steps(start, stop))
    return writer.finish()


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


# -- parts that are not what was written ---------------------------------------------------------------------


def gone(part: Path) -> None:
    part.unlink()


def truncated(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:-10])


def swapped(part: Path) -> None:
    part.write_bytes(part.with_name("part-00002.parquet").read_bytes())


@pytest.mark.parametrize("damage", [gone, truncated, swapped])
def test_damage_of_a_finished_table_is_named_and_its_repair_works(tmp_path: Path, damage: object) -> None:
    before = written(tmp_path / "t").digest
    part = tmp_path / "t" / "part-00001.parquet"
    damage(part)  # type: ignore[operator]
    line = r"part-00001.parquet is (missing|not what was written).*delete .*part-00001.json and the _stage.json"
    with pytest.raises(UserError, match=line) as caught:
        store.Table(str(tmp_path / "t"), "training").open()
    assert "--force-from train" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(UserError, match=line):
        begun(tmp_path / "t")
    part.with_suffix(".json").unlink()
    part.with_name("_stage.json").unlink()
    again = begun(tmp_path / "t")
    assert list(again.missing()) == [(1, 4, 8)]
    again.write(1, steps(4, 8))
    assert again.finish().digest == before


def test_a_part_that_vanished_from_an_unfinished_table_is_made_again(tmp_path: Path) -> None:
    writer = begun(tmp_path / "t")
    writer.write(0, steps(0, 4)), writer.write(1, steps(4, 8))
    writer.part(0).unlink()
    assert writer.vanished(0) and not writer.vanished(2)
    assert [number for number, _, _ in begun(tmp_path / "t").missing()] == [0, 2]


def test_a_changed_part_of_an_unfinished_table_stops_the_run(tmp_path: Path) -> None:
    writer = begun(tmp_path / "t")
    writer.write(0, steps(0, 4))
    truncated(writer.part(0))
    with pytest.raises(UserError, match=r"part-00000.parquet is not what was written \(\d+ bytes, its record says"):
        list(begun(tmp_path / "t").missing())


def test_a_part_of_another_table_is_refused(tmp_path: Path) -> None:
    other = store.Writer.begin(tmp_path / "o", "training", {**PAYLOAD, "version": 2}, store.ranges(10, 4))
    other.write(1, steps(4, 8))
    writer = begun(tmp_path / "t")
    for name in ("part-00001.parquet", "part-00001.json"):
        (tmp_path / "t" / name).write_bytes((tmp_path / "o" / name).read_bytes())
    with pytest.raises(UserError, match=r"part-00001.parquet was written for another table"):
        list(writer.missing())


def test_parts_beyond_the_last_are_no_rows(tmp_path: Path) -> None:
    table = written(tmp_path / "t")
    stray = tmp_path / "t" / "part-00007.parquet"
    stray.write_bytes((tmp_path / "t" / "part-00000.parquet").read_bytes())
    assert store.Table(table.path, "training").rows == 10
    (tmp_path / "t" / "_stage.json").unlink()
    assert begun(tmp_path / "t").finish().rows == 10
    assert not stray.exists()


@pytest.mark.parametrize("text", ["", '{"key": "x"', "[1]", '{"key": "x"}'])
def test_a_damaged_beginning_is_begun_again_unless_there_are_parts(tmp_path: Path, text: str) -> None:
    begun(tmp_path / "t")
    (tmp_path / "t" / "_begin.json").write_text(text)
    writer = begun(tmp_path / "t")
    assert json.loads((tmp_path / "t" / "_begin.json").read_text())["key"] == writer.key
    writer.write(0, steps(0, 4))
    (tmp_path / "t" / "_begin.json").write_text(text)
    with pytest.raises(UserError, match=r"_begin.json is damaged.*move .* away"):
        begun(tmp_path / "t")


def test_damaged_records(tmp_path: Path) -> None:
    before = written(tmp_path / "t").digest
    (tmp_path / "t" / "_stage.json").write_text("{")
    with pytest.raises(UserError, match=r"_stage.json is not readable JSON.*delete it and run the command again"):
        store.Table(str(tmp_path / "t"), "training").open()
    (tmp_path / "t" / "_stage.json").unlink()
    (tmp_path / "t" / "part-00002.json").write_text('{"rows": 2')
    again = begun(tmp_path / "t")
    assert list(again.missing()) == [(2, 8, 10)]
    again.write(2, steps(8, 10))
    assert again.finish().digest == before


# -- killed ---------------------------------------------------------------------------------------------------

DRIVER = """
import os, signal, sys
from pathlib import Path
from halo_forge import store
sys.path.insert(0, sys.argv[1])
from test_store import begun, steps

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


# -- two processes --------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_store import begun, steps
writer = begun(Path(sys.argv[2]))
writer.write(0, steps(0, 4))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-c", HOLDER, str(Path(__file__).parent), str(tmp_path / "t")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_stops_with_one_line(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"another process is writing .*/t: wait"):
        begun(tmp_path / "t")
    with pytest.raises(UserError, match="another process is writing"):
        store.discard(tmp_path / "t")
    holder.kill()
    holder.wait()
    assert [number for number, _, _ in begun(tmp_path / "t").missing()] == [1, 2]


def test_who_only_reads_waits_for_nobody(holder: subprocess.Popen[bytes], tmp_path: Path) -> None:
    written(tmp_path / "other")
    assert begun(tmp_path / "other").finished
    assert store.Table(str(tmp_path / "t" / "part-00000.parquet"), "training").rows == 4


def refused(folder: Path) -> bool:
    """Whether another process may not write the table at `folder`."""
    words = [sys.executable, "-c", HOLDER.replace("sleep(60)", "sleep(0)"), str(Path(__file__).parent), str(folder)]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    return "another process is writing" in told.stderr


def test_a_stage_that_failed_may_be_run_again_by_the_same_process(tmp_path: Path) -> None:
    first = begun(tmp_path / "t")
    assert written(tmp_path / "t").rows == 10
    store.discard(tmp_path / "t")  # `first` still holds the lock of the folder that is gone
    second = begun(tmp_path / "t")
    assert refused(tmp_path / "t")
    assert not first.finished and not second.finished


def test_the_lock_of_a_folder_that_was_just_replaced_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, taken = locks._take, []

    def late(folder: Path, file: Path) -> locks.Lock:
        taken.append(take(folder, file))
        if len(taken) == 1:  # between opening the file and locking it another process discards and begins anew
            folder.rename(tmp_path / "old")
            folder.mkdir()
        return taken[-1]

    monkeypatch.setattr(locks, "_take", late)
    (tmp_path / "t").mkdir()
    writer = begun(tmp_path / "t")
    assert len(taken) == 2 and refused(tmp_path / "t")
    assert not writer.finished


def test_the_lock_goes_when_the_table_is_finished(tmp_path: Path) -> None:
    writer = begun(tmp_path / "t")
    for number, start, stop in writer.missing():
        writer.write(number, steps(start, stop))
    assert refused(tmp_path / "t")
    writer.finish()
    (tmp_path / "t" / "_stage.json").unlink()
    assert not refused(tmp_path / "t")
