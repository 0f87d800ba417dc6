"""Models that people use, with what they need; any other model of a known family works as well.

Memory is what `vlm plan` estimates with the defaults: 16-bit weights, LoRA of rank 16, 4 rows of one image and 256
answer tokens in a forward pass, 64 completions at a time, without the libraries' own reserve. The figures that go
around are higher: 2B about 40 GB to train and 8 to infer, 7B about 75 and 20, 72B 128 and more and 50. They count full
fine-tuning or generous batches, and for 72B weights in 4 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from halo_forge.models.memory import Memory, estimate

TOKENS = 256
LARGE = "128 GB and up"


@dataclass(frozen=True)
class Known:
    """A model on the hub. `shape`: hidden size, layers, heads, key-value heads, inner size, vocabulary, of the language
    model's config.json; `image_tokens` of
    one image at most; `billions` of weights in all."""

    name: str
    family: str
    billions: float
    shape: tuple[int, int, int, int, int, int]
    image_tokens: int
    licence: str
    note: str = ""

    @property
    def config(self) -> dict[str, Any]:
        """The part of config.json that memory depends on."""
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
                 "intermediate_size", "vocab_size")  # fmt: skip
        return {"text_config": dict(zip(names, self.shape, strict=True))}

    @property
    def memory(self) -> Memory:
        """Estimated peaks with the defaults."""
        asked = {"rank": 16, "micro_batch": 4, "batch": 16, "samples": 4, "tokens": TOKENS, "images": self.image_tokens}
        return estimate(self.config, round(self.billions * 1e9), on_cpu=False, **asked)


QWEN, LLAVA, APACHE = "qwen_vl", "llava", "Apache-2.0"
MODELS = (
    Known("Qwen/Qwen2-VL-2B-Instruct", QWEN, 2.21, (1536, 28, 12, 2, 8960, 151936), 1280, APACHE),
    Known("Qwen/Qwen2-VL-7B-Instruct", QWEN, 8.29, (3584, 28, 28, 4, 18944, 152064), 1280, APACHE, "recommended"),
    Known("Qwen/Qwen2-VL-72B-Instruct", QWEN, 73.4, (8192, 80, 64, 8, 29568, 152064), 1280, "Tongyi Qianwen", LARGE),
    Known("llava-hf/llava-1.5-7b-hf", LLAVA, 7.06, (4096, 32, 32, 32, 11008, 32064), 576, "Llama 2 Community"),
    Known("llava-hf/llava-v1.6-34b-hf", LLAVA, 34.8, (7168, 60, 56, 8, 20480, 64064), 2880, APACHE),
)


def rows() -> list[dict[str, Any]]:
    """One row for each model, for a table or JSON; memory in GB (10^9 bytes)."""
    return [
        {
            "model": known.name,
            "adapter": known.family,
            "weights": f"{known.billions:g} B",
            "generate_gb": round(known.memory.generate / 1e9),
            "train_lora_gb": round(known.memory.train / 1e9),
            "licence": known.licence,
            "note": known.note or None,
        }
        for known in MODELS
    ]
