"""Model families: what halo-forge must know about a kind of vision-language model, in one table.

A family is recognised by `model_type` in the model's config.json, never by its name. A model of an unknown
type that has a vision tower is handled by `auto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LINEAR = r"(self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj)"


@dataclass(frozen=True)
class Family:
    """One kind of model."""

    name: str
    model_types: tuple[str, ...]
    """Values of `model_type` in config.json; empty: any other image-text-to-text model."""
    lora_targets: str
    """Regex matched against whole module names: linear layers of the language model only. vLLM loads LoRA on
    these alone, and a tower that sees well is not unlearned by a few hundred answers."""
    pixel_budget: bool
    """Whether the image processor takes an image at its own size within a number of pixels."""
    nested_images: bool
    """Whether the processor wants images grouped by prompt (needed by some) instead of one flat list."""
    template: str | None = None
    """Chat template used when the model brings none."""


_LLAVA_TEMPLATE = (
    "{% for message in messages %}{{ message['role'].upper() }}: "
    "{% for item in message['content'] %}{% if item['type'] == 'image' %}<image>\n{% endif %}{% endfor %}"
    "{% for item in message['content'] %}{% if item['type'] == 'text' %}{{ item['text'] }} {% endif %}"
    "{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)

# transformers 5 names the language model `model.language_model` in all of these; adapters and checkpoints
# written by older versions are renamed on loading.
FAMILIES: tuple[Family, ...] = (
    Family(
        name="qwen_vl",
        model_types=("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe"),
        lora_targets=rf"model\.language_model\.layers\.\d+\.{_LINEAR}",
        pixel_budget=True,
        nested_images=False,
    ),
    Family(
        name="llava",
        model_types=("llava", "llava_next"),
        lora_targets=rf"model\.language_model\.layers\.\d+\.{_LINEAR}",
        pixel_budget=False,
        nested_images=False,
        template=_LLAVA_TEMPLATE,
    ),
    Family(
        name="auto",
        model_types=(),
        lora_targets=rf"(.*\.)?(language_model|text_model)\.(.*\.)?layers\.\d+\.{_LINEAR}",
        pixel_budget=False,
        nested_images=True,
    ),
)

BY_NAME: Mapping[str, Family] = {family.name: family for family in FAMILIES}


def family_of(config: Mapping[str, Any]) -> Family | None:
    """The family of a model by its config.json, None when it is no model that reads images."""
    for family in FAMILIES:
        if config.get("model_type") in family.model_types:
            return family
    sees = any(key in config for key in ("vision_config", "image_token_id", "image_token_index", "vision_tower"))
    return BY_NAME["auto"] if sees else None
