"""Children: fresh, talkative, and gone when they have to be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from halo_forge.engines.process import Child, Gone, members

ROOT = Path(__file__).parents[2]


def gone(pid: int, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False


def test_a_child_is_another_process_that_answers() -> None:
    child = Child("tests.engines.jobs:echo")
    try:
        child.send({"a": [1, 2]})
        assert child.receive(30) == (child.pid, {"a": [1, 2]}) and child.pid != os.getpid()
        with pytest.raises(TimeoutError):
            child.receive(0.05)
    finally:
        child.stop()
    assert gone(child.pid) and not members(child.pid)
    child.stop()


def test_a_killed_child_is_noticed_and_leaves_nobody() -> None:
    child = Child("tests.engines.jobs:leave_behind")
    left = child.receive(30)
    assert set(members(child.pid)) == {child.pid, left}
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(Gone, match="killed by SIGKILL"):
        child.receive(30)
    child.stop(rest=0.2)
    assert gone(left)


def test_a_child_that_fails_says_its_exit_code(tmp_path: Path) -> None:
    with open(tmp_path / "log", "wb") as log:
        child = Child("tests.engines.jobs:fail", log)
    with pytest.raises(Gone, match="exit code 1"):
        child.receive(30)
    child.stop()
    assert "ValueError: no more" in (tmp_path / "log").read_text()


def test_a_stopped_child_may_put_things_away(tmp_path: Path) -> None:
    child = Child("tests.engines.jobs:tidy")
    child.send(str(tmp_path / "left"))
    assert child.receive(30) == "here"
    child.stop()
    assert (tmp_path / "left").read_text() == "tidy"


def test_children_do_not_outlive_a_killed_parent() -> None:
    code = (
        "from halo_forge.engines.process import Child; child = Child('tests.engines.jobs:leave_behind');"
        "print(child.pid, child.receive(30), flush=True); child.receive()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2 and not any(gone(pid, 0.1) for pid in pids)
    parent.kill()
    parent.wait()
    assert all(gone(pid) for pid in pids)
