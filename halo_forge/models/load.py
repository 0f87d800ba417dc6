"""Load a model that was found by `resolve`: base, adapter, processor, on a device and in a precision.

CPU computes in float32. Accelerators compute in bf16 where it works and in float32 elsewhere.
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

from halo_forge.errors import UserError
from halo_forge.models.families import BY_NAME
from halo_forge.models.resolve import ModelRef

MAX_PIXELS = 1280 * 28 * 28
"""Cap on the pixels of one image where the user names none: about 1,280 image tokens of Qwen2-VL. The
model's own limit (16,384 tokens) runs most GPUs out of memory."""

AN_AREA = 256 * 256
"""No side of an image is as long as this."""


def pick_device(device: str = "auto") -> str:
    """`auto` is the first accelerator there is, else the CPU. Raises UserError for one that is not there."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind = device.split(":")[0]
    if kind not in ("cpu", "cuda", "mps", "xpu"):
        raise UserError(f"unknown device {device!r}: use auto, cpu, cuda, cuda:N, xpu or mps")
    if kind != "cpu" and not getattr(torch, kind, torch.backends.mps).is_available():
        raise UserError(f"device {device} asked for, but torch sees none: use --device auto")
    return device


def pick_dtype(dtype: str, device: str) -> Any:
    """torch dtype for `auto`, `float32` or `bfloat16` on a device."""
    import torch

    if dtype not in ("auto", "float32", "bfloat16"):
        raise UserError(f"unknown dtype {dtype!r}: use auto, float32 or bfloat16")
    if dtype != "auto":
        return getattr(torch, dtype)
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if device.startswith("xpu") else torch.float32


def load_policy(
    ref: ModelRef,
    device: str = "auto",
    dtype: str = "auto",
    trainable: bool = False,
    *,
    max_pixels: int | None = None,
    min_pixels: int | None = None,
    trust_remote_code: bool = False,
    quantization: str = "",
) -> tuple[Any, Any]:
    """(model, processor) of `ref`; with `trainable` an adapter's weights take gradients, the base's never do.

    `quantization` nf4 stores the base's language model in 4 bits (bitsandbytes), for engine and trainer alike.

    Raises UserError: weights that do not belong to the config, an adapter that does not fit, no chat
    template.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place = pick_device(device)
    packed = _packed(ref, quantization, place, pick_dtype(dtype, place))
    try:
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            ref.base,
            revision=ref.revision,
            dtype=pick_dtype(dtype, place),
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            **packed,
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"cannot load the model {ref.given}: {_reason(error)}") from error
    model, info = loaded
    lost = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    if lost:
        raise UserError(f"the weights of {ref.base} do not fit its config.json: {len(lost)} missing, first {lost[0]}")
    model.requires_grad_(False)
    plain_generation(model)
    processor = load_processor(ref, max_pixels, min_pixels, trust_remote_code)
    _check_processor(ref, processor, model)
    if ref.adapter:
        model = _with_adapter(model, ref, trainable)
    if not packed:  # packed weights were put there when they were read
        model.to(torch.device(place))
    model.train(trainable)
    return model, processor


def _reason(error: Exception) -> str:
    """Why loading failed, and what to do, in one line."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "custom code" in first:
        return "it brings code of its own: read that, and allow it with --trust-remote-code"
    if first.startswith("Can't load"):  # what follows speaks of folders that hide hub ids
        return f"{first.split('. ')[0]}: put its base's processor and tokenizer files beside the weights"
    if isinstance(error, OSError | ValueError | ImportError):
        return first
    return f"a weights file is damaged or cut off ({first}): download it again"


def _check_processor(ref: ModelRef, processor: Any, model: Any) -> None:
    """UserError where processor and model do not belong together: they would speak of images by other tokens."""
    theirs = getattr(model.config, "image_token_id", None) or getattr(model.config, "image_token_index", None)
    ours, rows = getattr(processor, "image_token_id", None), model.get_input_embeddings().weight.shape[0]
    highest = max(processor.tokenizer.added_tokens_decoder, default=0)
    if (isinstance(theirs, int) and isinstance(ours, int) and ours != theirs) or highest >= rows:
        raise UserError(
            f"the processor of {ref.base_given} does not belong to its weights: its image token is {ours}, the model's "
            f"{theirs}, and it has tokens up to {highest} for {rows} embeddings; put the base's own processor and "
            "tokenizer files beside the weights"
        )


def _packed(ref: ModelRef, quantization: str, place: str, dtype: Any) -> dict[str, Any]:
    """Arguments of `from_pretrained` for a base that is packed while it is read."""
    if not quantization:
        return {}
    if quantization != "nf4":
        raise UserError(f"unknown quantization {quantization!r}: use nf4")
    if "quantization_config" in ref.config:
        raise UserError(f"{ref.base_given} is stored quantized already: leave --quantization out")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UserError("--quantization nf4 needs the package bitsandbytes: install halo-forge[qlora]")
    from transformers import BitsAndBytesConfig

    form = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=["visual", "vision_tower", "vision_model", "multi_modal_projector", "lm_head"],
    )
    return {"quantization_config": form, "device_map": {"": place}}


def _with_adapter(model: Any, ref: ModelRef, trainable: bool) -> Any:
    from peft import PeftModel

    folder = str(ref.adapter)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="(?s).*missing adapter keys.*")
        try:
            return PeftModel.from_pretrained(model, folder, is_trainable=trainable)
        except (OSError, ValueError, RuntimeError, UserWarning) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"the adapter {ref.given} does not fit its base {ref.base}: {reason}") from error


def load_processor(
    ref: ModelRef,
    max_pixels: int | None = None,
    min_pixels: int | None = None,
    trust_remote_code: bool = False,
) -> Any:
    """The base's processor, with a chat template and, where the family has one, the pixel budget set."""
    from transformers import AutoProcessor

    family = BY_NAME[ref.family]
    try:
        processor = AutoProcessor.from_pretrained(ref.base, revision=ref.revision, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, ImportError) as error:  # a processor may need a package of its own
        raise UserError(f"cannot load the processor of {ref.given}: {_reason(error)}") from error
    if not processor.chat_template:
        own = getattr(processor.tokenizer, "chat_template", None)
        processor.chat_template = own if isinstance(own, str) else family.template
    if not processor.chat_template:
        raise UserError(f"the model {ref.given} has no chat template: use an instruction-tuned one")
    if processor.tokenizer.pad_token_id is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token  # padding is masked by position
    if family.pixel_budget or takes_pixels(processor):
        set_pixel_budget(processor, max_pixels, min_pixels)
    return processor


def takes_pixels(processor: Any) -> bool:
    """Whether the image processor takes an image at its own size within a number of pixels: then both edges of its
    `size` are areas. Elsewhere they are lengths, and an image is scaled as the model was trained."""
    size = getattr(processor.image_processor, "size", None)
    edges = [getattr(size, name, None) or 0 for name in ("shortest_edge", "longest_edge")]
    return min(edges) > 0 and max(edges) >= AN_AREA


def set_pixel_budget(processor: Any, max_pixels: int | None, min_pixels: int | None) -> None:
    """Bound the pixels that one image is scaled to. None keeps the processor's own bound, at most
    `MAX_PIXELS`."""
    size = dict(processor.image_processor.size)
    most = max_pixels or min(int(size["longest_edge"]), MAX_PIXELS)
    least = min_pixels or min(int(size["shortest_edge"]), most)
    if least > most:
        raise UserError(f"--min-pixels {least} is more than --max-pixels {most}")
    processor.image_processor.size = type(processor.image_processor.size)(
        **{**size, "longest_edge": most, "shortest_edge": least}
    )


def plain_generation(model: Any) -> None:
    """Forget a model's own sampling habits (a repetition penalty, top-k 1, …); what ends a completion
    stays."""
    from transformers import GenerationConfig

    own = model.generation_config
    model.generation_config = GenerationConfig(
        eos_token_id=own.eos_token_id, pad_token_id=own.pad_token_id, bos_token_id=own.bos_token_id
    )


def unwrapped(model: Any) -> Any:
    """The transformers model under a peft wrapper; its LoRA layers stay in place."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def context_length(model: Any) -> int | None:
    """Most tokens that prompt and completion may have together, None where the config names no limit."""
    text = model.config.get_text_config(decoder=True)
    limit = getattr(text, "max_position_embeddings", None)
    return int(limit) if limit else None


def read_config(ref: ModelRef, trust_remote_code: bool = False) -> Any:
    """The config of the model without its weights."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(ref.base, revision=ref.revision, trust_remote_code=trust_remote_code)


def declared_ends(ref: ModelRef, trust_remote_code: bool = False) -> int | list[int] | None:
    """The ids that the model says end a completion, without its weights."""
    from transformers import GenerationConfig

    try:
        own = GenerationConfig.from_pretrained(ref.base, revision=ref.revision or "main")
    except OSError:  # no generation_config.json: what a loaded model makes of its config.json
        own = GenerationConfig.from_model_config(read_config(ref, trust_remote_code))
    ends: int | list[int] | None = own.eos_token_id
    return ends
