"""What of a model is trained, its digest, and how it is saved and read back: an adapter, or the weights themselves."""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any

from halo_forge.errors import UserError
from halo_forge.models.load import load_policy, pick_device, unwrapped
from halo_forge.models.resolve import ModelRef
from halo_forge.training.lora import LANGUAGE, add_adapter, targets
from halo_forge.training.settings import Settings

LOW = ("bfloat16", "float16")


def load(ref: ModelRef, settings: Settings, device: str, dtype: str, **options: Any) -> tuple[Any, Any]:
    """(model, processor) of `ref`, with what `settings.mode` trains taking gradients.

    Weights that are trained themselves are held in float32 on every device: steps of 1e-6 vanish in bfloat16.
    """
    if settings.mode != "full":
        packed = "nf4" if settings.mode == "qlora" else ""
        model, processor = load_policy(ref, device, dtype, True, quantization=packed, **options)
        return add_adapter(model, ref, settings), processor
    model, processor = load_policy(ref, device, "float32", True, **options)
    if ref.adapter:
        model = model.merge_and_unload()
    for name, weight in model.named_parameters():
        weight.requires_grad_(settings.train_vision or bool(LANGUAGE.search(name)))
    if not any(weight.requires_grad for weight in model.parameters()):
        raise UserError(f"no language model found in {ref.given} (model_type {ref.model_type}): add --train-vision")
    return model, processor


def trained_on(model: Any, ref: ModelRef, settings: Settings) -> str:
    """What is trained, for printing."""
    if settings.mode == "full":
        return "all weights" if settings.train_vision else "all weights but those of the vision tower"
    return f"{'QLoRA' if settings.mode == 'qlora' else 'LoRA'} on {targets(unwrapped(model), ref.family, False)}" + (
        " and the linear layers of the vision tower" if settings.train_vision else ""
    )


def stored_type(ref: ModelRef) -> Any:
    """torch type in which the weights of the base are stored."""
    torch = import_module("torch")
    stored = str(ref.config.get("dtype") or ref.config.get("torch_dtype"))
    return getattr(torch, stored) if stored in LOW else torch.float32


def digest(model: Any, ref: ModelRef) -> str:
    """sha256 (hex) over name, type, shape and bytes of every weight that is trained, as it is saved."""
    import torch

    whole = not hasattr(model, "peft_config")
    total = hashlib.sha256()
    for name, weight in sorted(model.named_parameters()):
        if weight.requires_grad:
            saved = weight.detach().to("cpu", stored_type(ref)) if whole else weight.detach().cpu()
            total.update(f"{name}\0{saved.dtype}\0{tuple(saved.shape)}\n".encode())
            total.update(saved.contiguous().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def save(model: Any, processor: Any, ref: ModelRef, folder: Path) -> None:
    """Write the adapter, or the whole model in the type of its base, and the processor."""
    if not hasattr(model, "peft_config"):
        model.to(stored_type(ref))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty form


def restore(model: Any, checkpoint: Path) -> None:
    """Put the trained weights of a checkpoint into `model`."""
    if hasattr(model, "peft_config"):
        from peft import load_peft_weights, set_peft_model_state_dict

        device = str(unwrapped(model).device)
        set_peft_model_state_dict(model, load_peft_weights(str(checkpoint), device=device))
        return
    saved = type(model).from_pretrained(str(checkpoint), dtype=model.dtype).state_dict()
    model.load_state_dict(saved)


def counts(model: Any) -> tuple[int, int]:
    """(trainable weights, all weights)."""
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)


def refuse(settings: Settings, device: str) -> None:
    """What this machine cannot train is refused before anything loads. Raises UserError."""
    import importlib.util

    if settings.mode != "qlora":
        return
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UserError("--mode qlora needs the package bitsandbytes: install halo-forge[qlora], or use --mode lora")
    if pick_device(device) == "cpu":
        raise UserError("--mode qlora needs an accelerator, and there is none here: use --mode lora")
