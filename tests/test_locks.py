"""Two processes, one table: who writes, who waits, who is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from halo_forge import locks, store
from halo_forge.errors import UserError
from tests.store_tables import begun, steps, written

HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from store_tables import begun, steps
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
