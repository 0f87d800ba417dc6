"""Loading: what is frozen, what is forgotten, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from halo_forge.errors import UserError
from halo_forge.models import load_policy, resolve
from halo_forge.models.load import pick_device, pick_dtype


def test_cpu_is_float32_and_frozen(qwen_folder: Path) -> None:
    import torch

    model, _ = load_policy(resolve(str(qwen_folder)), "cpu")
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert not any(weight.requires_grad for weight in model.parameters()) and not model.training


def test_a_models_own_sampling_habits_are_forgotten(qwen_folder: Path) -> None:
    assert json.loads((qwen_folder / "generation_config.json").read_text())["repetition_penalty"] == 1.05
    model, _ = load_policy(resolve(str(qwen_folder)), "cpu")
    own = model.generation_config
    assert (own.repetition_penalty, own.top_k, own.temperature) == (None, None, None)
    assert len(own.eos_token_id) == 2


def test_weights_that_do_not_fit_are_refused(qwen_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(qwen_folder, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 3
    config["text_config"].pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="do not fit"):
        load_policy(resolve(str(folder)), "cpu")


def test_no_chat_template_is_refused(qwen_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(qwen_folder, tmp_path / "m")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="no chat template"):
        load_policy(resolve(str(folder)), "cpu")


def test_a_processor_of_another_model_is_refused(qwen_folder: Path, llava_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(llava_folder, tmp_path / "m")
    for file in qwen_folder.iterdir():
        if not file.name.startswith(("model", "config", "generation_config")):
            shutil.copy(file, folder / file.name)
    with pytest.raises(UserError, match=r"does not belong to its weights.*put the base's own processor"):
        load_policy(resolve(str(folder)), "cpu")
    (folder / "processor_config.json").unlink()
    with pytest.raises(UserError, match=r"processor of .*m'?: put its base's processor and tokenizer files beside"):
        load_policy(resolve(str(folder)), "cpu")


def test_code_that_a_model_brings_runs_only_where_it_is_allowed(
    qwen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ran = shutil.copytree(qwen_folder, tmp_path / "m"), tmp_path / "ran"
    settings = json.loads((folder / "processor_config.json").read_text())
    settings |= {"auto_map": {"AutoProcessor": "processing_own.Own"}, "processor_class": "Own"}
    (folder / "processor_config.json").write_text(json.dumps(settings))
    lines = (
        "from transformers import Qwen2VLProcessor",
        f"open({str(ran)!r}, 'w')",
        "class Own(Qwen2VLProcessor): pass",
    )
    (folder / "processing_own.py").write_text("\n".join(lines))
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    with pytest.raises(UserError, match="brings code of its own: read that, and allow it with --trust-remote-code"):
        load_policy(resolve(str(folder)), "cpu")
    assert not ran.exists()
    load_policy(resolve(str(folder)), "cpu", trust_remote_code=True)
    assert ran.exists()


def test_devices_and_types() -> None:
    import torch

    assert pick_device("cpu") == "cpu"
    assert pick_dtype("auto", "cpu") == torch.float32
    with pytest.raises(UserError, match="unknown device"):
        pick_device("gpu")
    with pytest.raises(UserError, match="unknown dtype"):
        pick_dtype("int8", "cpu")


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="needs a machine without CUDA")
def test_a_device_that_is_not_there() -> None:
    with pytest.raises(UserError, match="sees none"):
        pick_device("cuda")
