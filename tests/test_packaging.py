"""A wheel of this checkout, installed elsewhere: complete, alone at the top, and it runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"halo_forge": "halo_forge", "stages": "halo_forge/stages", "sql": "halo_forge/queries"}
FOLDERS["data"] = "halo_forge/cards"
"""Folders of the checkout and where the wheel holds them."""
SKIPPED = shutil.ignore_patterns("__pycache__", ".*")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because setuptools leaves its folders beside the sources."""
    copy, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=SKIPPED)
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix in ("", ".toml", ".md") and not path.name.startswith("."):
            shutil.copy(path, copy)
    words = [
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(made),
        str(copy),
    ]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    (path,) = made.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return folder


def in_wheel(site: Path, folder: Path, *words: str) -> str:
    """Standard output of this Python in `folder`, with the wheel before the checkout on its path."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HALO_FORGE_")} | {"PYTHONPATH": str(site)}
    ran = subprocess.run([sys.executable, "-P", *words], cwd=folder, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_top_level_holds_halo_forge_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {"halo_forge", "halo_forge-0.1.0.dist-info"}


def test_wheel_holds_every_file(wheel: Path) -> None:
    """Every tracked kind of file: modules, queries, cards, the bundled models."""
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = {
        f"{target}/{path.relative_to(ROOT / folder)}"
        for folder, target in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not any(p == "__pycache__" or p[0] == "." for p in path.relative_to(ROOT).parts)
    }
    assert sorted(wanted - held) == []
    kinds = {Path(name).suffix for name in held}
    assert {".py", ".sql", ".yaml", ".typed"} <= kinds


def test_licence_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("halo_forge-0.1.0.dist-info/licenses/LICENSE").decode()
        about = archive.read("halo_forge-0.1.0.dist-info/METADATA").decode()
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text
    assert "License-Expression: Apache-2.0" in about


def test_installed_wheel_lists_its_datasets(site: Path, tmp_path: Path) -> None:
    where = in_wheel(site, tmp_path, "-c", "import halo_forge; print(halo_forge.__file__)")
    assert Path(where.strip()).is_relative_to(site)
    rows = json.loads(in_wheel(site, tmp_path, "-m", "halo_forge.cli", "vlm", "datasets", "--json"))
    assert {"shapes", "textvqa"} <= {row["name"] for row in rows}


def test_installed_wheel_reads_its_queries_and_stages(site: Path, tmp_path: Path) -> None:
    code = """
        from halo_forge import sql
        from halo_forge.stages import reward
        print(reward.__file__)
        print("select" in sql.text("filters/default").lower())
    """
    code = "\n".join(line.strip() for line in code.splitlines())
    file, found = in_wheel(site, tmp_path, "-c", code).split()
    assert Path(file).is_relative_to(site) and found == "True"


def test_installed_wheel_runs_the_main_job(site: Path, tmp_path: Path) -> None:
    """From any folder, with the bundled policy and detector of the wheel: one cycle, small."""
    words = "vlm train --dataset shapes --limit 16 --eval-limit 12 --cycles 1 --max-steps 2 --no-controls --threads 1"
    told = in_wheel(site, tmp_path, "-m", "halo_forge.cli", *words.split(), "--output", "run")
    assert "gain over the base" in told
    record = json.loads((tmp_path / "run/cycle_1/halo_forge.json").read_text())
    assert record["base"] == "bundled:shapes/base"
    assert record["adapter_before"] != record["adapter_after"]


def test_every_package_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join((target / path.parent.relative_to(ROOT / folder)).parts)
        for folder, target in ((folder, Path(target)) for folder, target in FOLDERS.items())
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert found == set(listed)


@pytest.mark.parametrize("kind", ["cpu", "nvidia", "rocm"])
def test_pins_name_no_index_and_fit_the_requirements(kind: str) -> None:
    from packaging.requirements import Requirement

    lines = (ROOT / f"bin/pins/{kind}.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert not any("://" in line or line.startswith("-") for line in lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [Requirement(text) for text in project["dependencies"] + extras["perception"] + extras["dev"]]
    pinned = {pin.name.lower().replace("_", "-"): pin for pin in pins}
    free = {"torch", "torchvision"} if kind == "rocm" else set()
    for requirement in wanted:
        name = requirement.name.lower()
        if name in free:
            assert name not in pinned
            continue
        (first, *_) = sorted(pinned[name].specifier, key=lambda part: part.operator, reverse=True)
        assert requirement.specifier.contains(first.version), f"{pinned[name]} is outside {requirement}"


def test_start_needs_nothing_heavy(tmp_path: Path) -> None:
    """Listing and help are quick because they import no library of numbers or tables."""
    code = (
        "import sys; from halo_forge.cli import main; main(['vlm', 'datasets']); main(['--help']); "
        "print(*sorted({'torch', 'transformers', 'pyarrow', 'duckdb', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == ""
