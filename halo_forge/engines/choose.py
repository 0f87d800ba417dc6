"""Which engine answers.

`auto` is vLLM where it is installed, an accelerator is there and it starts, else transformers, with one line that
says why. A table that was begun is continued by the engine that began it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_forge.engines.http import checked_url
from halo_forge.engines.isolated import accelerator_here
from halo_forge.errors import UserError, nearest

if TYPE_CHECKING:
    from halo_forge.engines.engine import Engine
    from halo_forge.models import ModelRef

ENGINES = ("auto", "transformers", "vllm", "openai")
SERVED = "served:"
"""Before the name of a model that only a server can read."""
QUANTIZATIONS = ("", "nf4")
"""nf4: the base in 4 bits as bitsandbytes makes them, in engine and trainer alike."""

refused: dict[str, str] = {}
"""Engines that did not start in this process, and why: `auto` does not try them again."""

_told: list[bool] = []


def say_why() -> bool:
    """Whether the choice of `auto` has still to be explained in this process; one line is enough."""
    _told.append(True)
    return len(_told) == 1


def installed() -> bool:
    """Whether vLLM can be imported here."""
    return importlib.util.find_spec("vllm") is not None


def automatic(device: str = "auto", quantization: str = "") -> tuple[str, str]:
    """(engine, why) of `auto` on this machine."""
    if quantization:
        return "transformers", f"vLLM does not make the {quantization} base that the trainer uses"
    if not installed():
        return "transformers", "vLLM is not installed"
    if device == "cpu" or not accelerator_here():
        return "transformers", "vLLM is taken with an accelerator only"
    if "vllm" in refused:
        return "transformers", refused["vllm"]
    return "vllm", "it is installed and there is an accelerator"


def begun_with(output: str | Path) -> str | None:
    """The engine that began the completions table at `output`, None where there is no such table."""
    from halo_forge.files import read_json

    begun = read_json(Path(output) / "_begin.json")
    found = ((begun or {}).get("payload") or {}).get("loaded", {}).get("engine")
    return found if found in ENGINES else None


def settled(config: Any) -> str:
    """The engine that a generate config means: what it says, or what `auto` comes to for its output."""
    if config.engine != "auto":
        return str(config.engine)
    return begun_with(config.output) or automatic(config.device, config.quantization)[0]


def check(
    engine: str,
    *,
    device: str = "auto",
    base_url: str = "",
    quantization: str = "",
    tensor_parallel: int = 1,
    batch_invariant: bool = False,
) -> None:
    """Refuse what cannot work, before anything loads. Raises UserError."""
    if engine not in ENGINES:
        raise UserError(f"--engine: no engine '{engine}'; {nearest(engine, ENGINES)}")
    if engine == "vllm" and not installed():
        raise UserError("--engine vllm: vLLM is not installed here (bin/pins says which); use --engine transformers")
    if quantization not in QUANTIZATIONS:
        raise UserError(
            f"--quantization {quantization}: the trainer has no such base; give nf4, or a model stored quantized"
        )
    if quantization and engine not in ("auto", "transformers"):
        raise UserError(
            f"--quantization {quantization} with --engine {engine}: it would sample from another base than the one "
            "that is trained; use --engine transformers, or a model that is stored quantized"
        )
    if engine == "openai":
        checked_url(base_url)
    elif base_url:
        raise UserError(f"--base-url is for --engine openai, not for {engine}")
    if tensor_parallel < 1:
        raise UserError(f"--tensor-parallel takes a number of devices from 1 up, not {tensor_parallel}")
    if tensor_parallel > 1 and engine not in ("auto", "vllm"):
        raise UserError(f"--tensor-parallel is for --engine vllm, not for {engine}")
    if tensor_parallel > 1 and ":" in device:
        raise UserError(f"--tensor-parallel {tensor_parallel} takes several devices, --device {device} names one")
    if batch_invariant and engine != "vllm":
        raise UserError("--batch-invariant is a mode of vLLM: give --engine vllm with it")


def check_for_training(engine: str, base_url: str = "") -> None:
    """What training needs of its engine beside `check`: a server has to take each cycle's adapter while it runs.

    Asks the server. Raises UserError.
    """
    if engine != "openai":
        return
    from halo_forge.engines.http import Server
    from halo_forge.engines.openai import check_takes_adapters, models_of

    server = Server(base_url, tries=2)
    try:
        models_of(server)
        check_takes_adapters(server)
    finally:
        server.close()


def opened(config: Any, name: str, ref: ModelRef | None) -> Engine:
    """The engine `name` with the model `ref`, as a generate config says. Raises UserError, of vLLM NoEngine."""
    pixels: dict[str, Any] = {"max_pixels": config.max_pixels or None, "min_pixels": config.min_pixels or None}
    if name == "openai":
        from halo_forge.engines.http import Server
        from halo_forge.engines.openai import OpenAIEngine

        server = Server(config.base_url, config.timeout, connections=config.concurrency)
        return OpenAIEngine(server, config.model.removeprefix(SERVED), ref, **pixels)
    if ref is None:
        raise UserError(f"--model {config.model} is on a server: use --engine openai")
    if name == "vllm":
        from halo_forge.engines.vllm import VLLMEngine
        from halo_forge.engines.vllm_setup import Run

        same = ("device", "dtype", "tensor_parallel", "batch_invariant", "threads", "trust_remote_code")
        return VLLMEngine(ref, Run(**{field: getattr(config, field) for field in same}, **pixels))
    from halo_forge.engines.transformers import Generator
    from halo_forge.models import load_policy

    if config.threads:
        import torch

        torch.set_num_threads(config.threads)
    model, processor = load_policy(
        ref,
        config.device,
        config.dtype,
        trust_remote_code=config.trust_remote_code,
        quantization=config.quantization,
        **pixels,
    )
    return Generator(model, processor, ref.family, config.batch_size)
