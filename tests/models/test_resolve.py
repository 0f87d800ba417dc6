"""Which model a word names, and what is said when it names none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from halo_forge.errors import UserError
from halo_forge.models.resolve import RECORD, resolve


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def weights(value: int) -> bytes:
    """A safetensors file of one number."""
    import numpy
    from safetensors.numpy import save

    return save({"lora_A": numpy.array([value], numpy.int32)})


@pytest.fixture
def adapter(tmp_path: Path, qwen_folder: Path) -> Path:
    folder = tmp_path / "cycle_1"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(qwen_folder)}))
    (folder / "adapter_model.safetensors").write_bytes(weights(1))
    return folder


def refused(word: str, *parts: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(word)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_full_model(qwen_folder: Path) -> None:
    ref = resolve(str(qwen_folder))
    assert (ref.family, ref.model_type, ref.adapter) == ("qwen_vl", "qwen2_vl", None)
    assert ref.base == str(qwen_folder) and len(ref.digest) == 64 and ref.digest == ref.base_digest


def test_families_by_model_type_not_by_name(llava_folder: Path, llava_next_folder: Path, tmp_path: Path) -> None:
    assert resolve(str(shutil.copytree(llava_folder, tmp_path / "Qwen2-VL-7B"))).family == "llava"
    assert resolve(str(llava_next_folder)).family == "llava"


def test_another_image_model_is_auto(qwen_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(qwen_folder, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "idefics3"}))
    assert resolve(str(folder)).family == "auto"


def test_a_bundled_model_and_an_adapter_on_it(
    qwen_folder: Path, tmp_path: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The adapter names its base by the bundled name, so it works where the package lies elsewhere."""
    import importlib.resources

    shutil.copytree(qwen_folder, tmp_path / "cards" / "small" / "base")
    monkeypatch.setattr(importlib.resources, "files", lambda name: tmp_path / "cards")
    ref = resolve("bundled:small/base")
    assert ref.digest == resolve(str(qwen_folder)).digest and ref.base_given == "bundled:small/base"
    (adapter / RECORD).write_text(json.dumps({"base": ref.base_given, "base_digest": ref.digest}))
    assert resolve(str(adapter)).base == str(tmp_path / "cards" / "small" / "base")
    refused("bundled:small/bas", "bundled:small/base")
    refused("bundled:small/../../model", "no bundled model")


def test_an_adapter_covers_its_base(adapter: Path, qwen_folder: Path) -> None:
    ref = resolve(str(adapter))
    base = resolve(str(qwen_folder))
    assert (ref.base, ref.adapter, ref.family) == (base.base, str(adapter), "qwen_vl")
    assert ref.base_digest == base.digest and ref.digest != base.digest
    (adapter / "adapter_model.safetensors").write_bytes(weights(2))
    assert resolve(str(adapter)).digest != ref.digest


def test_where_the_base_lies_is_not_identity(adapter: Path, qwen_folder: Path, tmp_path: Path) -> None:
    before = resolve(str(adapter)).digest
    moved = shutil.copytree(qwen_folder, tmp_path / "moved")
    settings = {"base_model_name_or_path": str(moved)}
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    assert resolve(str(adapter)).digest == before
    (adapter / "adapter_config.json").write_text(json.dumps({**settings, "lora_alpha": 64}))
    assert resolve(str(adapter)).digest != before


def test_an_adapter_on_a_changed_base_is_refused(adapter: Path, qwen_folder: Path) -> None:
    (adapter / RECORD).write_text(json.dumps({"base": str(qwen_folder), "base_digest": "0" * 64}))
    refused(str(adapter), "another version")


def test_an_adapter_without_its_base(adapter: Path) -> None:
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/nowhere/base/model"}))
    refused(str(adapter), "base", "missing", "/nowhere/base/model")


def test_words_that_name_no_model(tmp_path: Path, qwen_folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(str(tmp_path / "empty"), "config.json", "adapter_config.json")
    refused(str(tmp_path / "empti"), "no such folder", str(tmp_path / "empty"))
    refused(str(qwen_folder / "config.json"), "is a file")
    refused("  ", "--model")
    refused("bundled:../../etc", "no bundled model")


def test_text_models_and_unknown_types(qwen_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(qwen_folder, tmp_path / "m")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    refused(str(folder), "llama", "no vision-language model")
    (folder / "config.json").write_text('{"model_type": "idefics9", "vision_config": {}}')
    refused(str(folder), "idefics9", "unknown to the installed transformers", "idefics")
    (folder / "config.json").write_text("not json")
    refused(str(folder), "config.json")


def test_weights_must_be_there(qwen_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(qwen_folder, tmp_path / "m")
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    refused(str(folder), "Git LFS")
    whole = (qwen_folder / "model.safetensors").read_bytes()
    for there in (whole[:-1], whole[: len(whole) // 2], whole[:100]):
        (folder / "model.safetensors").write_bytes(there)
        refused(str(folder), "model.safetensors", "download or copy it again")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-2.safetensors"}}')
    refused(str(folder), "model-2.safetensors")
    (folder / "model.safetensors.index.json").unlink()
    (folder / "model.safetensors").unlink()
    refused(str(folder), "no weights")


def test_hub_models_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("name resolution failed")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    refused("somebody/no-such-model-here", "hub cannot be reached", "local folder")


def test_hub_models_from_the_cache_are_pinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    commit = "c" * 40
    config = tmp_path / "snapshots" / commit / "config.json"
    config.parent.mkdir(parents=True)
    config.write_text('{"model_type": "qwen2_vl"}')

    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("offline")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # put back after the test
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: str(config))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: str(config))
    ref = resolve("Qwen/Qwen2-VL-7B-Instruct")
    assert (ref.base, ref.revision, ref.digest) == ("Qwen/Qwen2-VL-7B-Instruct", commit, f"commit:{commit}")


def test_resolving_imports_no_torch(qwen_folder: Path) -> None:
    code = (
        "import sys; from halo_forge.models import resolve; resolve(sys.argv[1]); "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(qwen_folder)], check=True)
