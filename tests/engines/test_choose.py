"""Which engine answers: what `auto` comes to, and that it stays with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from halo_forge.engines import choose
from halo_forge.errors import UserError


@pytest.mark.parametrize(
    ("installed", "here", "named", "engine", "why"),
    [
        (True, True, {}, "vllm", "installed"),
        (False, True, {}, "transformers", "not installed"),
        (True, False, {}, "transformers", "accelerator"),
        (True, True, {"device": "cpu"}, "transformers", "accelerator"),
        (True, True, {"quantization": "nf4"}, "transformers", "nf4"),
    ],
)
def test_auto(
    installed: bool, here: bool, named: dict[str, Any], engine: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "refused", {})
    monkeypatch.setattr(choose, "installed", lambda: installed)
    monkeypatch.setattr(choose, "accelerator_here", lambda: here)
    found = choose.automatic(**named)
    assert found[0] == engine and why in found[1]
    choose.refused["vllm"] = "it did not start"
    assert choose.automatic(**named)[0] == "transformers"


def test_installed_is_what_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    assert not choose.installed()


def test_a_run_keeps_the_engine_of_its_first_table(tmp_path: Path) -> None:
    """Base and cycles are compared: one engine has to sample them all, also where another could by now."""
    from halo_forge.datasets.cards import load_card
    from halo_forge.vlm.config import VLMRAFTConfig
    from halo_forge.vlm.recipes import Recipes
    from halo_forge.vlm.run_dir import RunDir

    settings = VLMRAFTConfig(dataset="shapes", output_dir=str(tmp_path))
    recipes = Recipes(settings, RunDir(tmp_path), load_card("shapes"))
    assert recipes.generate(1).engine == recipes.evaluate(0, "m", "eval").engine == "auto"
    first = tmp_path / "eval/completions/cycle=0"
    first.mkdir(parents=True)
    (first / "_begin.json").write_text(json.dumps({"key": "k", "payload": {"loaded": {"engine": "vllm"}}}))
    assert choose.begun_with(first) == "vllm" and choose.begun_with(tmp_path / "else") is None
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choose, "installed", lambda: True)
        seen = [recipes.generate(1).engine, recipes.evaluate(2, "m", "eval").engine]
    assert seen == ["vllm", "vllm"]


def test_a_run_hands_every_setting_of_its_engine_on(tmp_path: Path) -> None:
    from halo_forge.datasets.cards import load_card
    from halo_forge.vlm.config import VLMRAFTConfig
    from halo_forge.vlm.recipes import Recipes
    from halo_forge.vlm.run_dir import RunDir

    own: dict[str, Any] = {"base_url": "http://host/v1", "concurrency": 3, "timeout": 7.0, "max_pixels": 784}
    settings = VLMRAFTConfig(dataset="shapes", output_dir=str(tmp_path), engine="openai", **own)
    recipes = Recipes(settings, RunDir(tmp_path), load_card("shapes"))
    for made in (recipes.generate(1), recipes.evaluate(1, "m", "eval")):
        assert {name: getattr(made, name) for name in own} == own and made.engine == "openai"
    with pytest.raises(UserError, match="--engine vllm"):
        VLMRAFTConfig(dataset="shapes", batch_invariant=True)
