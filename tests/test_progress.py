"""Progress: plain lines, a line written over itself on a terminal, and events for programs."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from halo_forge import progress
from halo_forge.cli import main
from halo_forge.progress import Progress

PAGE = (Path(__file__).resolve().parents[1] / "docs/tracking.md").read_text(encoding="utf-8").split("## Events")[1]
FIELDS = {
    event: re.findall(r"`(\w+)`", said) for event, said in re.findall(r"^\| `(\w+)` \| (.*)\|$", PAGE, re.MULTILINE)
}
FIELDS["end"] = [name for name in FIELDS["progress"] if name != "left"]
"""Event to its fields, as the docs say."""
WATCHED = """
import time
from halo_forge import progress
progress.OFTEN = 0.0
with progress.Progress().stage("verify", 3) as tick:
    for _ in range(3):
        tick(1, 10, 1, 2)
        time.sleep(0.01)
"""


def test_plain_lines_are_rare_and_say_what_was_right(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(prefix="cycle 1: ", live=False).stage("verify", 100) as tick:
        tick(50, 0, 20, 40)
        tick(50, 700, 10, 20)
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and "\r" not in told.err
    assert told.err.startswith("cycle 1: verify: 100 rows in ") and "tokens/s, 50 % right" in told.err


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(quiet=True).stage("verify", 1) as tick:
        tick(1)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_a_running_stage_is_one_line() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run([sys.executable, "-c", WATCHED], stderr=theirs, stdout=subprocess.PIPE, check=True)
    os.close(theirs)
    told = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.stdout == b""
    assert told.count("\r\x1b[K") == 3 and "verify: 2/3 rows" in told and "s left" in told
    assert told.endswith("\n") and told.count("\n") == 1


def test_events_have_the_numbers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "OFTEN", 0.0)
    show = Progress(events=True, quiet=True)
    with show.stage("verify", 4) as tick:
        tick(1, 0, 0, 1)
        tick(3, 0, 3, 3)
    show.note("done")
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert told.err == ""
    assert [row["event"] for row in rows] == ["begin", "progress", "end", "note"]
    assert (rows[1]["rows"], rows[1]["total"], rows[1]["pass_rate"]) == (1, 4, 0.0)
    assert rows[2]["pass_rate"] == 0.75


@pytest.mark.parametrize("child", ["0", "1"])
def test_a_run_as_events(
    child: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where stages run in processes of their own; and its last word is the outcome, or the error."""
    monkeypatch.setenv("HALO_FORGE_ISOLATE", child)
    words = ["vlm", "train", "--dataset", "shapes", "--json", "--output", str(tmp_path / "run"), "--cycles", "1"]
    words += ["--max-steps", "2", "--threads", "1", "--no-controls"]
    assert main([*words, "--limit", "8", "--eval-limit", "8"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"note", "begin", "end", "cycle", "outcome"} <= {row["event"] for row in rows}
    assert all(set(row) <= {"event", "text", *FIELDS[row["event"]]} for row in rows)
    ends = {row["stage"]: row for row in rows if row["event"] == "end"}
    assert {"generate", "perceive", "verify", "reward", "filter"} <= set(ends)
    assert ends["generate"]["tokens"] > 0 and 0 <= ends["verify"]["pass_rate"] <= 1
    assert rows[-1]["event"] == "outcome" and rows[-1]["gain"] and rows[-1]["model"].endswith("cycle_1")
    if child == "0":
        assert main([*words, "--limit", "9", "--eval-limit", "8"]) == 2
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert last["event"] == "error" and "--force-from" in last["text"]
