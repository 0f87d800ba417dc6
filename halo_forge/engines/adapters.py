"""LoRA adapters for engines other than our own: which ones they take as they are, and the others merged.

vLLM applies LoRA to the language model. An adapter that also changes the vision tower, or is more than plain LoRA,
is merged into a copy of its base first.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from halo_forge.models.families import BY_NAME
from halo_forge.models.merge import write_merged
from halo_forge.models.resolve import ModelRef

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Sizes of LoRA that vLLM sets room aside for."""
_PLAIN = re.compile(r"(base_model\.model\.)?(?P<layer>.+)\.lora_[AB](\.default)?\.weight")


def rank_of(folder: Path) -> int:
    """The adapter's rank, the largest where layers differ."""
    settings = _settings(folder)
    return max(int(settings["r"]), *(int(rank) for rank in (settings.get("rank_pattern") or {}).values()), 0)


def loads_directly(folder: Path, family: str) -> bool:
    """Whether an engine that applies LoRA to the language model takes the adapter at `folder` as it is."""
    settings = _settings(folder)
    special = ("use_dora", "modules_to_save", "trainable_token_indices", "target_parameters", "alora_invocation_tokens")
    if any(settings.get(name) for name in special) or settings.get("bias", "none") != "none":
        return False
    language = re.compile(BY_NAME[family].lora_targets)
    layers = [_PLAIN.fullmatch(name) for name in _weights(folder)]
    return rank_of(folder) <= RANKS[-1] and all(match and language.fullmatch(match["layer"]) for match in layers)


@contextmanager
def merged(ref: ModelRef, trust_remote_code: bool = False) -> Iterator[Path]:
    """A temporary folder with base and adapter of `ref` as one full model and its processor."""
    folder = Path(tempfile.mkdtemp(prefix="halo-forge-merged-"))
    try:
        write_merged(ref, folder, trust_remote_code)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settings(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    return settings


def _weights(folder: Path) -> list[str]:
    """Names of the adapter's weights, without reading them."""
    from safetensors import safe_open

    file = folder / "adapter_model.safetensors"
    if not file.is_file():
        return ["pickled"]  # not ours; merging reads it as transformers would
    with safe_open(str(file), "pt") as tensors:
        return list(tensors.keys())
