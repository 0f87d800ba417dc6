"""How much memory a model needs, from its config and the shapes of its weights; nothing is loaded.

An estimate to plan with, not a promise: weights, LoRA with its Adam states, the cache of keys and values, activations
under gradient checkpointing, and the logits of the completion. Sums are in bytes.
"""

from __future__ import annotations

import json
import math
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.doctor import machine_memory
from halo_forge.models.resolve import ModelRef

ADAM = 4 + 4 + 4 + 4
"""Bytes of a trained weight: float32 value, gradient, and Adam's two moments."""
LAYER_ACTIVATIONS = 34
"""Bytes of activations per token and hidden unit of one layer in 16 bits, without attention scores (Korthikanti et
al. 2022, arXiv:2205.05198, equation 2); checkpointing keeps one layer's at a time."""


@dataclass(frozen=True)
class Memory:
    """`generate` and `train`: bytes at the peak; `weights`: of the base; `parameters` and `adapter` are counts."""

    parameters: int
    adapter: int
    weights: int
    generate: int
    train: int


def parameters_of(ref: ModelRef) -> int | None:
    """Number of weights of the base: from its safetensors files, or from what the hub says. None: unknown."""
    folder = Path(ref.base)
    if folder.is_dir():
        return sum(_counted(path) for path in folder.glob("*.safetensors")) or None
    from halo_forge.models.hub import sizes

    return sizes(ref.base, ref.revision).parameters


def _counted(path: Path) -> int:
    """Weights in a safetensors file, from its header."""
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(min(length, 100 * 2**20)))
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def estimate(
    config: Mapping[str, Any],
    parameters: int,
    *,
    on_cpu: bool,
    rank: int,
    micro_batch: int,
    batch: int,
    samples: int,
    tokens: int,
    images: int,
) -> Memory:
    """Peaks of generation (`batch` prompts, `samples` each) and of LoRA training, for a model of `parameters` weights
    with this config.json; `tokens` is the longest completion, `images` the image tokens of a prompt."""
    size = 4 if on_cpu else 2
    text = config.get("text_config") or config
    hidden, layers = int(text.get("hidden_size", 0)), int(text.get("num_hidden_layers", 0))
    heads = int(text.get("num_attention_heads", 1) or 1)
    kept = int(text.get("num_key_value_heads", heads) or heads)
    inner, vocabulary = int(text.get("intermediate_size", 4 * hidden)), int(text.get("vocab_size", 0))
    narrow = hidden // heads * kept
    adapter = rank * layers * (2 * (hidden + hidden) + 2 * (hidden + narrow) + 3 * (hidden + inner))
    weights = parameters * size
    length = images + tokens + 128
    cache = 2 * layers * narrow * size * length * batch * samples
    held = micro_batch * length * hidden * (layers * size + LAYER_ACTIVATIONS * size // 2)
    logits = micro_batch * tokens * vocabulary * 4 * 3
    return Memory(parameters, adapter, weights, weights + cache, weights + adapter * ADAM + held + logits)


def device_memory(on_cpu: bool) -> int | None:
    """Bytes of the memory that a run has: of the machine, or of its first accelerator; None: it does not say.

    Asks the driver's own tool or files: torch would take seconds, and the device.
    """
    if on_cpu:
        return machine_memory()
    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        return int(told.split()[0]) * 2**20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        cards = sorted(Path("/sys/class/drm").glob("card*/device/mem_info_vram_total"))
        return int(cards[0].read_text()) if cards else None


def image_tokens(config: Mapping[str, Any], max_pixels: int) -> int:
    """Tokens of one image at most: of Qwen2-VL one for each merged patch, of others what their config says."""
    vision = config.get("vision_config") or {}
    patch = int(vision.get("patch_size", 14) or 14)
    merge = int(vision.get("spatial_merge_size", 0) or 0)
    if merge:
        return math.ceil((max_pixels or 1_003_520) / (patch * merge) ** 2)
    side = int(vision.get("image_size", 336) or 336)
    return (side // patch) ** 2
