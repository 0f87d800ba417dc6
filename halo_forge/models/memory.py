"""How much memory a model needs, from its config and the number of its weights; nothing is loaded.

An estimate to plan with, not a promise: the sums below in bytes, without the libraries' own reserve (about 1 GB) and
without what fragmentation loses.

- generate: the base (16 bits a weight; on a CPU 32; of qlora the linear language layers in nf4: PACKED), and the
  cache of keys and values.
- train, lora and qlora: the base as above, and 16 bytes for each weight of the adapter.
- train, full: 4 bytes a weight and 12 more for each that is trained, and with an accelerator 2 for the 16-bit copies
  that autocast computes with.
- train, all: activations, and the logits of the completion (read by the loss, its gradient, and once more in 32 bits).
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
from halo_forge.training.settings import recomputes, rows_at_once

ADAM = 4 + 4 + 4 + 4
"""Bytes of a trained weight: float32 value, gradient, and the two moments of AdamW."""
PACKED = 4 / 8 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a weight in nf4: 4 bits, a scale of 8 bits for 64 weights, and one of 32 bits for 256 scales (double
quantization, Dettmers et al. 2023, arXiv:2305.14314, section 3). Without the second level it would be 0.56."""
LAYER_ACTIVATIONS = 17
"""Activations per token and hidden unit of one layer, without attention scores: 34 bytes in 16 bits (Korthikanti et al.
2022, arXiv:2205.05198, equation 2). Checkpointing keeps one layer's at a time, and each layer's input."""
LLAMA = {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 11008}
"""What transformers takes where the config of a LLaVA leaves it out."""
Shapes = list[tuple[int, int]]
"""(in, out) of linear layers."""


@dataclass(frozen=True)
class Work:
    """What a run does with a model. `images` and `tokens`: image tokens of a prompt, and the longest completion;
    `batch` prompts with `samples` each are generated at once."""

    mode: str = "lora"
    train_vision: bool = False
    paired: bool = False
    """dpo: each row is two completions."""
    rank: int = 16
    micro_batch: int = 4
    batch_size: int = 16
    processes: int = 1
    batch: int = 16
    samples: int = 4
    tokens: int = 256
    images: int = 1280
    on_cpu: bool = False
    tensor_parallel: int = 1
    checkpointing: str = "auto"


@dataclass(frozen=True)
class Memory:
    """`generate` and `train`: bytes at the peak, of each device, or of the machine where there is none; `weights`: of
    the base alone, as generation holds it; `parameters` and `trained` are counts of weights."""

    parameters: int
    trained: int
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


@dataclass(frozen=True)
class Form:
    """The language model: width, layers, width of its keys and values, and of its vocabulary."""

    hidden: int
    layers: int
    narrow: int
    vocabulary: int
    linear: Shapes
    """The layers that LoRA goes on, and nf4 packs."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Form:
        """From config.json."""
        text = config.get("text_config") or config
        text = text if "hidden_size" in text else {**LLAMA, **text}
        hidden, layers = int(text["hidden_size"]), int(text["num_hidden_layers"])
        heads = int(text.get("num_attention_heads") or 1)
        each = int(text.get("head_dim") or hidden // heads)
        wide, narrow = heads * each, int(text.get("num_key_value_heads") or heads) * each
        inner = int(text.get("intermediate_size") or 4 * hidden)
        one = [(hidden, wide), (hidden, narrow), (hidden, narrow), (wide, hidden)]
        one += [(hidden, inner), (hidden, inner), (inner, hidden)]
        return cls(hidden, layers, narrow, int(text.get("vocab_size") or 0), one * layers)


@dataclass(frozen=True)
class Tower:
    """The vision tower: width, layers, patches for each image token, and its linear layers with the projection's."""

    hidden: int
    layers: int
    patches: int
    linear: Shapes

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Tower:
        """From config.json: Qwen's, which merges patches, or one of CLIP's kind."""
        vision, out = config.get("vision_config") or {}, Form.of(config).hidden
        hidden = int(vision.get("embed_dim") or vision.get("hidden_size") or 0)
        layers = int(vision.get("depth") or vision.get("num_hidden_layers") or 0)
        inner = int(vision.get("intermediate_size") or hidden * vision.get("mlp_ratio", 4))
        patches = int(vision.get("spatial_merge_size") or 0) ** 2
        block = [(hidden, inner), (inner, hidden)]
        if patches:
            end = [(hidden * patches, hidden * patches), (hidden * patches, out)]
            return cls(hidden, layers, patches, [*([(hidden, 3 * hidden), (hidden, hidden), *block] * layers), *end])
        return cls(hidden, layers, 1, [*([*[(hidden, hidden)] * 4, *block] * layers), (hidden, out), (out, out)])


def estimate(config: Mapping[str, Any], parameters: int, work: Work) -> Memory:
    """Peaks of generation and of training, for a model of `parameters` weights with this config.json."""
    size, form = 4 if work.on_cpu else 2, Form.of(config)
    trained = trained_weights(config, parameters, work)
    packed = min(_weights(form.linear), parameters) if work.mode == "qlora" else 0
    base = round(packed * PACKED) + (parameters - packed) * size
    shared = max(1, work.tensor_parallel)
    length = work.images + work.tokens + 128
    cache = 2 * form.layers * form.narrow * size * length * work.batch * work.samples
    states = trained * ADAM + base
    if work.mode == "full":
        states = parameters * 4 + trained * (ADAM - 4) + (0 if work.on_cpu else parameters * 2)
    if work.processes > 1:
        states += trained * 4  # gradients once more, in the buckets that are exchanged
    train = states + _passes(config, form, work, size)
    return Memory(parameters, trained, base, (base + cache) // shared, train * (work.processes if work.on_cpu else 1))


def trained_weights(config: Mapping[str, Any], parameters: int, work: Work) -> int:
    """How many weights take steps."""
    tower = Tower.of(config).linear
    if work.mode == "full":
        return parameters - (0 if work.train_vision else _weights(tower))
    layers = [*Form.of(config).linear, *(tower if work.train_vision else [])]
    return work.rank * sum(inward + outward for inward, outward in layers)


def _weights(shapes: Shapes) -> int:
    return sum(inward * outward for inward, outward in shapes)


def _passes(config: Mapping[str, Any], form: Form, work: Work, size: int) -> int:
    """Bytes of activations and logits of one forward and backward pass."""
    rows = rows_at_once(max(1, work.batch_size // work.processes), work.micro_batch) * (2 if work.paired else 1)
    again = recomputes(work.checkpointing, work.on_cpu)

    def held(hidden: int, layers: int) -> int:
        return hidden * size * (layers + LAYER_ACTIVATIONS if again else layers * LAYER_ACTIVATIONS)

    activations = (work.images + work.tokens + 128) * held(form.hidden, form.layers)
    if work.train_vision:
        tower = Tower.of(config)
        activations += work.images * tower.patches * held(tower.hidden, tower.layers)
    return rows * (activations + work.tokens * form.vocabulary * 4 * 3)


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


TILES = 5
"""Of LLaVA-NeXT at most: four parts of the image, and the whole."""


def image_tokens(config: Mapping[str, Any], max_pixels: int) -> int:
    """Tokens of one image at most: of Qwen2-VL one for each merged patch, of others what their config says."""
    vision = config.get("vision_config") or {}
    patch = int(vision.get("patch_size", 14) or 14)
    merge = int(vision.get("spatial_merge_size", 0) or 0)
    if merge:
        return math.ceil((max_pixels or 1_003_520) / (patch * merge) ** 2)
    side = int(vision.get("image_size", 336) or 336)
    return (side // patch) ** 2 * (TILES if config.get("model_type") == "llava_next" else 1)
