"""The digest follows the files that decide what a model says, and nothing else; asking again reads
nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from halo_forge import keys
from halo_forge.models import digest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(keys, "_FRESH_S", 0.0)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"weights")
    (model / "chat_template.jinja").write_text("{{ x }}")
    return model


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "chat_template.jinja"])
def test_a_changed_file_changes_the_digest(folder: Path, name: str) -> None:
    before = digest.digest_folder(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert digest.digest_folder(folder) != before


@pytest.mark.parametrize("name", ["README.md", "halo_forge.json", "trainer_state.json"])
def test_records_beside_the_model_do_not(folder: Path, name: str) -> None:
    before = digest.digest_folder(folder)
    (folder / name).write_text("anything")
    assert digest.digest_folder(folder) == before


def test_the_path_is_not_identity(folder: Path) -> None:
    before = digest.digest_folder(folder)
    assert digest.digest_folder(folder.rename(folder.with_name("elsewhere"))) == before


def test_a_second_look_reads_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = digest.digest_folder(folder)
    monkeypatch.setattr(keys, "sha256_file", lambda path: pytest.fail(f"read {path} again"))
    assert digest.digest_folder(folder) == first


def test_same_size_other_bytes_is_read_again(folder: Path) -> None:
    first = digest.digest_folder(folder)
    (folder / "model.safetensors").write_bytes(b"WEIGHTS")
    assert digest.digest_folder(folder) != first


def test_a_broken_cache_is_no_error(folder: Path) -> None:
    first = digest.digest_folder(folder)
    keys.DigestCache().path.write_text("{broken")
    assert digest.digest_folder(folder) == first
