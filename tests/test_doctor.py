"""The doctor says what is there, on this very machine."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from halo_forge import doctor


@pytest.fixture(scope="module")
def facts() -> dict[str, object]:
    return doctor.examine()


def test_versions_are_those_installed(facts: dict[str, dict[str, str]]) -> None:
    assert facts["packages"]["torch"] == metadata.version("torch")
    assert facts["packages"]["transformers"] == metadata.version("transformers")
    for name, found in facts["parts"].items():
        assert (found is not None) == (importlib.util.find_spec(name) is not None)


def test_device_and_use_agree(facts: dict[str, dict[str, object]]) -> None:
    import torch

    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert facts["device"]["torch device"] == facts["use"]["device"] == expected
    assert facts["use"]["dtype"] in ("float32", "bfloat16")
    if expected == "cpu":
        assert facts["use"]["dtype"] == "float32"
        assert facts["device"]["unified"] is True
        assert facts["device"]["memory"] == facts["memory"]


def test_memory_is_no_more_than_the_machine_has() -> None:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 2**28 < doctor.machine_memory() <= total


def test_bf16_is_tried_not_guessed() -> None:
    assert doctor.bf16_works("cpu") is True
    assert doctor.bf16_works("meta:0") is False


def test_text_and_json_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main() == 0
    text = capsys.readouterr().out
    assert doctor.main(as_json=True) == 0
    facts = json.loads(capsys.readouterr().out)
    for version in facts["packages"].values():
        assert version in text
    assert f"device {facts['use']['device']}, dtype {facts['use']['dtype']}, engine" in text
    assert facts["interpreter"] == sys.executable


def test_a_missing_package_is_a_problem_with_its_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "MAIN", (*doctor.MAIN, "no-such-package-of-ours"))
    assert doctor.main() == 1
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("problem") and "-m pip install no-such-package-of-ours" in line


def test_a_gpu_that_torch_cannot_use_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: a card'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert "nvidia-smi sees a GPU" in doctor._unused_gpu("cpu")[0]
    assert doctor._unused_gpu("cuda") == []
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    assert doctor._unused_gpu("cpu") == []


def test_opencv_without_its_libraries_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._broken_opencv() == []
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    (problem,) = doctor._broken_opencv()
    assert "libGL.so.1" in problem and "opencv-python-headless" in problem


def test_importing_the_doctor_is_light() -> None:
    source = Path(doctor.__file__).read_text()
    assert not [line for line in source.splitlines() if line.startswith(("import torch", "from torch"))]
