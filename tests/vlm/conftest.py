"""One finished run for all tests of the loop; tests that change it work on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from runs import config

from halo_forge.vlm.trainer import VLMRAFTTrainer


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run") / "vlm_raft"
    VLMRAFTTrainer(config(run)).train()
    return run


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    run = tmp_path / "copy"
    shutil.copytree(finished, run, symlinks=True)
    return run
