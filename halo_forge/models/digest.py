"""Digest of a model folder: sha256 over the names and contents of the files that decide what the model says.

File digests come from the user's cache (path, size, modification time), so that asking again about a 15 GB
model costs a few `stat` calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from halo_forge.keys import DigestCache, sha256_json

PATTERNS = (
    "*.safetensors",
    "*.bin",
    "*.json",
    "*.jinja",
    "*.model",
    "*.txt",
    "*.py",
    "chat_templates/*.jinja",
)
"""Weights, configuration, tokenizer, chat template and, for models that bring their own code, that code."""

NOT_THE_MODEL = frozenset(
    {"halo_forge.json", "stale.json", "trainer_state.json", "training_args.bin", "all_results.json"}
)
"""Records beside a model that do not change what it says."""


def model_files(folder: Path) -> list[Path]:
    """The files of a model folder that bear its identity, sorted by name."""
    found = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()}
    return sorted(path for path in found if path.name not in NOT_THE_MODEL)


def digest_folder(folder: Path) -> str:
    """sha256 (hex) over (relative name, sha256) of every file of `model_files(folder)`."""
    return _digest(folder, model_files(folder))


def digest_adapter(folder: Path, settings: Mapping[str, Any]) -> str:
    """sha256 (hex) of a LoRA adapter: its weights and its `settings` (adapter_config.json) without the
    base's path.

    The base has a digest of its own, and the processor is taken from it.
    """
    weights = sorted(path for path in folder.glob("adapter_model*") if path.is_file())
    own = {name: value for name, value in settings.items() if name not in ("base_model_name_or_path", "revision")}
    return combine(_digest(folder, weights), sha256_json(own))


def _digest(folder: Path, files: Sequence[Path]) -> str:
    cache = DigestCache()
    total = hashlib.sha256()
    for path in files:
        total.update(f"{path.relative_to(folder).as_posix()}\0{cache.digest(path)}\n".encode())
    cache.save()
    return total.hexdigest()


def combine(*digests: str) -> str:
    """One digest of several, in order."""
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
