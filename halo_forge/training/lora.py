"""The LoRA adapter: where it goes, and proof that it changed."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from halo_forge.errors import UserError
from halo_forge.models.families import BY_NAME
from halo_forge.models.resolve import ModelRef
from halo_forge.training.settings import Settings


def add_adapter(model: Any, ref: ModelRef, settings: Settings) -> Any:
    """A trainable peft model: the adapter already on `model` (last cycle's), else a fresh one that changes
    nothing yet.

    Raises UserError where no layer matches, or the adapter on it has another rank than asked for.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    if hasattr(model, "peft_config"):
        _same_shape(model, ref, settings)
        return model
    pattern = BY_NAME[ref.family].lora_targets
    if not any(re.fullmatch(pattern, name) for name, _ in model.named_modules()):
        raise UserError(f"no LoRA target in {ref.given} (model_type {ref.model_type}): no layer matches {pattern}")
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=pattern,
        task_type="CAUSAL_LM",
        revision=ref.revision,
    )
    torch.manual_seed(settings.seed)
    return get_peft_model(model, config)


def _same_shape(model: Any, ref: ModelRef, settings: Settings) -> None:
    own = model.peft_config[model.active_adapter]
    if (own.r, own.lora_alpha) != (settings.rank, settings.alpha):
        raise UserError(
            f"the adapter {ref.given} has rank {own.r} and alpha {own.lora_alpha}, asked for are "
            f"{settings.rank} and {settings.alpha}: keep its values, or start from the base"
        )


def adapter_digest(model: Any) -> str:
    """sha256 (hex) over name, type, shape and bytes of every trainable weight."""
    import torch

    total = hashlib.sha256()
    for name, weight in sorted(model.named_parameters()):
        if weight.requires_grad:
            total.update(f"{name}\0{weight.dtype}\0{tuple(weight.shape)}\n".encode())
            raw = weight.detach().cpu().contiguous().view(torch.uint8)
            total.update(raw.numpy().tobytes())
    return total.hexdigest()


def trainable_count(model: Any) -> tuple[int, int]:
    """(trainable weights, all weights)."""
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)
