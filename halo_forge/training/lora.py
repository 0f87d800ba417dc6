"""The LoRA adapter: on which layers it goes, and whether one that is there is what was asked for."""

from __future__ import annotations

import re
from typing import Any

from halo_forge.errors import UserError
from halo_forge.models.families import BY_NAME
from halo_forge.models.resolve import ModelRef
from halo_forge.training.settings import Settings

LANGUAGE = re.compile(r"(^|\.)(language_model|text_model|lm_head)(\.|$)")
"""Found in the names of the modules and weights that are not the vision tower or its projection."""


def add_adapter(model: Any, ref: ModelRef, settings: Settings) -> Any:
    """A trainable peft model: the adapter already on `model` (last cycle's), else a fresh one that changes
    nothing yet.

    Raises UserError where no layer matches, or the adapter on it has another form than asked for.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    if hasattr(model, "peft_config"):
        _same_form(model, ref, settings)
        return model
    pattern = targets(model, ref.family, settings.train_vision)
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


def targets(model: Any, family: str, vision: bool) -> str:
    """Regex of the layers that get LoRA: the family's language layers, with `vision` also the linear layers of the
    vision tower and of its projection."""
    language = BY_NAME[family].lora_targets
    return "|".join([language, *_vision(model)]) if vision else language


def _vision(model: Any) -> list[str]:
    """Regexes of the names of linear layers outside the language model; numbers of blocks become any number."""
    from torch.nn import Linear

    found = [name for name, module in model.named_modules() if isinstance(module, Linear) and not LANGUAGE.search(name)]
    return list(dict.fromkeys(re.sub(r"\\\.\d+(?=\\\.)", r"\\.\\d+", re.escape(name)) for name in found))


def _same_form(model: Any, ref: ModelRef, settings: Settings) -> None:
    own = model.peft_config[model.active_adapter]
    if (own.r, own.lora_alpha) != (settings.rank, settings.alpha):
        raise UserError(
            f"the adapter {ref.given} has rank {own.r} and alpha {own.lora_alpha}, asked for are "
            f"{settings.rank} and {settings.alpha}: keep its values, or start from the base"
        )
    sees = any("lora_" in name and not LANGUAGE.search(name) for name, _ in model.named_parameters())
    if sees != settings.train_vision:
        has, flag = ("has", "give") if sees else ("has no", "leave out")
        raise UserError(f"the adapter {ref.given} {has} layers on the vision tower: {flag} --train-vision, or start "
                        "from the base")  # fmt: skip
