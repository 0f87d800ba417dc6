"""Models that people use, with what they need; any other model of a known family works as well.

Memory is what `vlm plan` estimates with the defaults: 16-bit weights, LoRA of rank 16, 4 rows of one image and 256
answer tokens in a forward pass, 64 completions at a time, on one device, without the libraries' own reserve. The
figures that go around say no mode; `Known.said` sets the one beside each that it can mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from halo_forge.models.memory import Memory, Work, estimate

TOWERS = {
    "qwen_vl": {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "patch_size": 14, "spatial_merge_size": 2},
    "llava": {"num_hidden_layers": 24, "hidden_size": 1024, "intermediate_size": 4096, "patch_size": 14},
}
"""The vision_config of Qwen2-VL of any size, and of CLIP ViT-L/14."""
LARGE = "128 GB and up"
MODES = ("lora", "qlora", "full")
TWO = "train ~40 is full ({full}), infer ~8 is 64 completions at once ({generate})"
SEVEN = "train ~75 is full, halved over two devices ({full} in all), infer ~20 is 64 completions at once ({generate})"
SEVENTY = (
    "train ~128+ holds QLoRA ({qlora}), not LoRA ({lora}), infer ~50 is in 4 bits, one completion at a time ({packed})"
)


@dataclass(frozen=True)
class Known:
    """A model on the hub. `shape`: hidden size, layers, heads, key-value heads, inner size, vocabulary, of the language
    model's config.json; `image_tokens` of one image at most; `billions` of weights in all; `said` what goes around of
    its memory, and what that is by our estimate, whose numbers are in braces."""

    name: str
    family: str
    billions: float
    shape: tuple[int, int, int, int, int, int]
    image_tokens: int
    licence: str
    note: str = ""
    said: str = ""

    @property
    def config(self) -> dict[str, Any]:
        """The part of config.json that memory depends on."""
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
                 "intermediate_size", "vocab_size")  # fmt: skip
        return {"text_config": dict(zip(names, self.shape, strict=True)), "vision_config": TOWERS[self.family]}

    def memory(self, **changed: Any) -> Memory:
        """Estimated peaks with the defaults, but for what is changed of a Work."""
        return estimate(self.config, round(self.billions * 1e9), Work(**{"images": self.image_tokens, **changed}))

    def gigabytes(self) -> dict[str, int]:
        """GB (10^9 bytes): to generate, in 4 bits one completion at a time as well, and to train in each mode."""
        alone = self.memory(mode="qlora", batch=1, samples=1)
        trained = {mode: self.memory(mode=mode).train for mode in MODES}
        found = {"generate": self.memory().generate, "packed": alone.generate, **trained}
        return {name: round(size / 1e9) for name, size in found.items()}


QWEN, LLAVA, APACHE = "qwen_vl", "llava", "Apache-2.0"
MODELS = (
    Known("Qwen/Qwen2-VL-2B-Instruct", QWEN, 2.21, (1536, 28, 12, 2, 8960, 151936), 1280, APACHE, said=TWO),
    Known(
        "Qwen/Qwen2-VL-7B-Instruct", QWEN, 8.29, (3584, 28, 28, 4, 18944, 152064), 1280, APACHE, "recommended", SEVEN
    ),
    Known(
        "Qwen/Qwen2-VL-72B-Instruct",
        QWEN,
        73.4,
        (8192, 80, 64, 8, 29568, 152064),
        1280,
        "Tongyi Qianwen",
        LARGE,
        SEVENTY,
    ),
    Known("llava-hf/llava-1.5-7b-hf", LLAVA, 7.06, (4096, 32, 32, 32, 11008, 32064), 576, "Llama 2 Community"),
    Known("llava-hf/llava-v1.6-34b-hf", LLAVA, 34.8, (7168, 60, 56, 8, 20480, 64064), 2880, APACHE),
)


def rows() -> list[dict[str, Any]]:
    """One row for each model, for a table or JSON; memory in GB (10^9 bytes)."""
    found = []
    for known in MODELS:
        needs = known.gigabytes()
        found.append(
            {
                "model": known.name,
                "adapter": known.family,
                "weights": f"{known.billions:g} B",
                "generate_gb": needs["generate"],
                **{f"train_{mode}_gb": needs[mode] for mode in MODES},
                "licence": known.licence,
                "note": known.note or None,
                "said_elsewhere": known.said.format(**needs) or None,
            }
        )
    return found
