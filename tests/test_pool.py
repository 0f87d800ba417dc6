"""Parts made in several processes: the same bytes, whatever happens to a worker, and no worker left behind."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from halo_forge import bench_rows, pool, store
from halo_forge.engines.process import members
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.stages import verify
from halo_forge.store import Table

STAGE = dataclasses.replace(verify.STAGE, part_rows=32)
ROWS = 150
MINE = """
import os, signal, time
from pathlib import Path

HERE = Path(__file__).parent

def mine(row):
    if (HERE / "dies").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if (HERE / "sleeps").exists():
        (HERE / f"{os.getpid()}.pid").touch()
        time.sleep(60)
    return len(row["completion"]) % 2
"""


@pytest.fixture
def config(tmp_path: Path) -> verify.Config:
    bench_rows.on_disk(tmp_path, ROWS)
    (tmp_path / "rules.py").write_text(MINE)
    return verify.Config(
        str(tmp_path / "completions"),
        str(tmp_path / "prompts"),
        str(tmp_path / "scores"),
        (str(tmp_path / "evidence"),),
        verifier=(f"{tmp_path}/rules.py:mine",),
        processes=2,
    )


def run(config: verify.Config, **changes: object) -> Table:
    return STAGE.run(dataclasses.replace(config, **changes), progress=Progress(quiet=True))


def test_two_processes_write_the_bytes_of_one(config: verify.Config, tmp_path: Path) -> None:
    both = run(config)
    one = run(config, processes=1, output=str(tmp_path / "one"))
    assert both.rows == ROWS and len(both.files) == 5
    assert [file.read_bytes() for file in both.files] == [file.read_bytes() for file in one.files]
    assert {entry["score"] for row in one.read(["custom"])["custom"].to_pylist() for entry in row} == {0.0, 1.0}


def test_a_worker_that_is_killed_is_one_line_and_the_command_continues(config: verify.Config, tmp_path: Path) -> None:
    (tmp_path / "dies").touch()
    with pytest.raises(
        UserError, match=r"^verify: one of its 2 processes ended .*SIGKILL.*the same command continues$"
    ):
        run(config)
    (tmp_path / "dies").unlink()
    assert run(config).digest == run(config, processes=1, output=str(tmp_path / "one")).digest


def test_what_a_worker_refuses_or_meets_reaches_the_caller(config: verify.Config, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing"):  # found when a worker loads it, not before
        run(config, verifier=(f"{tmp_path}/rules.py:nothing",))
    store.discard(config.output)
    part = tmp_path / "evidence" / "part-00000.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:4] + bytes(400) + whole[404:])  # its footer stays: only a worker reads what is broken
    with pytest.raises(UserError, match=r"part-00000.parquet is not a readable Parquet file"):
        run(config)


def test_ctrl_c_is_one_line_and_leaves_nobody(config: verify.Config, tmp_path: Path) -> None:
    (tmp_path / "sleeps").touch()
    code = (
        "import dataclasses, sys; from halo_forge.stages import verify; "
        "sys.exit(dataclasses.replace(verify.STAGE, part_rows=32).main())"
    )
    words = ["--completions", config.completions, "--prompts", config.prompts, "--evidence", *config.evidence]
    words += ["--output", config.output, "--verifier", *config.verifier, "--processes", "2"]
    running = subprocess.Popen([sys.executable, "-P", "-c", code, *words], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while len(workers := [int(file.stem) for file in tmp_path.glob("*.pid")]) < 2:
        assert running.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said.splitlines()[-1].startswith("stopped: run the same command again") and "Traceback" not in said
    assert not any(members(worker) for worker in workers)
    (tmp_path / "sleeps").unlink()
    assert run(config).rows == ROWS


def test_who_gets_workers(config: verify.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(40)), raising=False)
    few, many = pool.POOL_ROWS - 1, pool.POOL_ROWS
    open_ = dataclasses.replace(config, processes=0)
    assert pool.processes(STAGE, open_, few, 100) == 1
    assert pool.processes(STAGE, open_, many, 100) == pool.MOST
    assert pool.processes(STAGE, open_, many, 3) == 3
    assert pool.processes(STAGE, config, 10, 100) == 2
    assert pool.processes(STAGE, dataclasses.replace(open_, semantic="m"), many, 100) == 1
    local = dataclasses.replace(STAGE, fn=lambda *words, **tables: None)
    assert pool.processes(local, config, many, 100) == 1
    with pytest.raises(UserError, match="--processes takes a number from 0"):
        pool.processes(STAGE, dataclasses.replace(config, processes=-1), many, 100)
