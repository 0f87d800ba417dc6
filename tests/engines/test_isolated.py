"""Stages in a process of their own: the same tables, lines and errors as here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from halo_forge.engines import isolated as module
from halo_forge.engines.isolated import SWITCH, isolated, wanted
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.stages import generate, reward
from halo_forge.store import StaleError
from tests.stages.test_generate import Kept, config, tables


@pytest.mark.parametrize(
    ("stage", "device", "here", "expected"),
    [
        ("generate", "auto", True, True),
        ("train", "auto", False, False),
        ("train", "cuda:1", False, True),
        ("perceive", "cpu", True, False),
        ("reward", "cuda", True, False),
    ],
)
def test_who_gets_a_process(
    stage: str, device: str, here: bool, expected: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(module, "accelerator_here", lambda: here)
    assert wanted(stage, config(tmp_path, tmp_path, tmp_path, device=device)) is expected


def test_hidden_accelerators_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DEVICES", ("/dev/null",))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert module.accelerator_here()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not module.accelerator_here()


def test_a_stage_makes_the_same_table_in_its_own_process(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = tables(tmp_path, rows=3)
    here = generate.STAGE.run(config(prompts, qwen_folder, tmp_path / "here"))
    monkeypatch.setenv(SWITCH, "1")
    monkeypatch.setattr(generate.STAGE.__class__, "run", lambda *_, **__: pytest.fail("it ran in this process"))
    show = Kept()
    run = partial(generate.STAGE.run, retry=True)
    there = isolated("generate", run, config(prompts, qwen_folder, tmp_path / "there"), progress=show)
    assert there.read().equals(here.read()) and there.path == str(tmp_path / "there")
    assert any("generate: 3 rows" in line for line in show.lines)
    with pytest.raises(StaleError, match="temperature") as caught:
        isolated("generate", run, config(prompts, qwen_folder, tmp_path / "there", temperature=0.5), progress=show)
    assert caught.value.changes == ("params.temperature: 1.0 -> 0.5",)


def test_errors_come_back(qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    prompts = tables(tmp_path, rows=1)
    with pytest.raises(UserError, match="no such folder"):
        isolated(
            "generate", generate.STAGE.run, config(prompts, tmp_path / "no/where", tmp_path / "c"), progress=Kept()
        )
    (tmp_path / "images/part-00000.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(Exception, match=r"(?s)not a readable Parquet file|Parquet") as caught:
        isolated("generate", generate.STAGE.run, config(prompts, qwen_folder, tmp_path / "c"), progress=Kept())
    assert not isinstance(caught.value, AssertionError)


def test_other_stages_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    seen: list[Any] = []
    isolated("reward", lambda config, **named: seen.append((config, named)), "c", progress=Progress(), retry=True)
    assert seen[0][0] == "c" and seen[0][1]["retry"] is True and reward is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_kill_end_the_child(number: signal.Signals, qwen_folder: Path, tmp_path: Path) -> None:
    """The stage is told to draw for minutes; its process is gone soon after the parent was stopped."""
    prompts = tables(tmp_path, rows=2)
    code = f"""
import sys
from halo_forge.cli import guard
from halo_forge.engines.isolated import isolated
from halo_forge.progress import Progress
from halo_forge.stages.generate import STAGE, Config
config = Config(prompts={str(prompts)!r}, model={str(qwen_folder)!r}, output={str(tmp_path / "c")!r}, samples=4000,
                max_new_tokens=400, device="cpu", threads=1, temperature=1.0)
sys.exit(guard(lambda: isolated("generate", STAGE.run, config, progress=Progress()) and 0))
"""
    env = {**os.environ, SWITCH: "1"}
    parent = subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not (tmp_path / "c/_begin.json").exists():
        assert time.monotonic() < end and parent.poll() is None
        time.sleep(0.1)
    (child,) = (int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split())
    parent.send_signal(number)
    said = parent.communicate(timeout=60)[1]
    assert parent.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert number == signal.SIGKILL or "run the same command again" in said
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < end
        time.sleep(0.1)
