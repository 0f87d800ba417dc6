"""What vLLM is to load, and how: from a model and settings to engine arguments and environment variables."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from halo_forge.engines.adapters import RANKS, loads_directly, merged, rank_of
from halo_forge.models.families import BY_NAME
from halo_forge.models.resolve import ModelRef

CACHE_GIB = 1.0
"""Main memory for images that were prepared before."""


@dataclass(frozen=True)
class Run:
    """How vLLM runs; of these only the pixels, `dtype` and `batch_invariant` change what is sampled."""

    device: str = "auto"
    dtype: str = "auto"
    max_pixels: int | None = None
    min_pixels: int | None = None
    tensor_parallel: int = 1
    batch_invariant: bool = False
    threads: int = 0
    trust_remote_code: bool = False


@dataclass(frozen=True)
class Setup:
    """What to load, and how."""

    ref: ModelRef
    folder: str
    """Base to load: that of `ref`, or a folder with its adapter merged into it."""
    lora: str | None
    """Folder of an adapter to apply."""
    lora_rank: int = 16
    dtype: str = "auto"
    max_pixels: int | None = None
    min_pixels: int | None = None
    tensor_parallel: int = 1
    memory: float = 0.9
    """Share of the accelerator's memory."""
    sequences: int = 256
    """Completions drawn at the same time."""
    eager: bool = False
    trust_remote_code: bool = False


def smaller(setup: Setup) -> Setup:
    """`setup` with a quarter of the completions at a time and less memory taken beforehand."""
    return replace(setup, sequences=max(setup.sequences // 4, 1), memory=round(setup.memory * 0.85, 3))


def setup_of(ref: ModelRef, run: Run, stack: ExitStack) -> Setup:
    """What to load for `ref`; a merged copy that has to be made lives until `stack` closes."""
    folder, lora, rank = ref.base, None, 0
    if ref.adapter and loads_directly(Path(ref.adapter), ref.family):
        lora, rank = ref.adapter, rank_of(Path(ref.adapter))
    elif ref.adapter:
        folder = str(stack.enter_context(merged(ref, run.trust_remote_code)))
    return Setup(
        ref,
        folder,
        lora,
        lora_rank=rank,
        dtype=run.dtype,
        max_pixels=run.max_pixels,
        min_pixels=run.min_pixels,
        tensor_parallel=run.tensor_parallel,
        trust_remote_code=run.trust_remote_code,
    )


def environment(ref: ModelRef, run: Run) -> dict[str, str]:
    """Environment variables of the child."""
    env = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "VLLM_BATCH_INVARIANT": str(int(run.batch_invariant))}
    env.setdefault("VLLM_CPU_KVCACHE_SPACE", "4")  # GiB; its own default is nearly all of main memory
    if Path(ref.base).is_dir():
        env.setdefault("HF_HUB_OFFLINE", "1")  # nothing to ask the hub
    if run.threads:
        env |= {"OMP_NUM_THREADS": str(run.threads), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    if run.device.startswith("cuda:"):
        number = int(run.device.partition(":")[2])
        visible = env.get("CUDA_VISIBLE_DEVICES", "")
        env["CUDA_VISIBLE_DEVICES"] = visible.split(",")[number] if visible else str(number)
    return env


def one_process(setup: Setup) -> None:
    """Keep vLLM's engine in this process where that is best: on a CPU there is nothing to overlap with, and two
    processes less have to import torch."""
    from vllm.platforms import current_platform

    if current_platform.is_cpu() and setup.tensor_parallel == 1:
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")


def arguments(setup: Setup, processor: Any) -> dict[str, Any]:
    """vLLM's engine arguments for `setup`."""
    from vllm.platforms import current_platform

    named: dict[str, Any] = {
        "model": setup.folder,
        "revision": setup.ref.revision if setup.folder == setup.ref.base else None,
        "dtype": _dtype(setup.dtype),
        "tensor_parallel_size": setup.tensor_parallel,
        "max_num_seqs": setup.sequences,
        "gpu_memory_utilization": setup.memory,
        "enforce_eager": setup.eager or current_platform.is_cpu(),
        "trust_remote_code": setup.trust_remote_code,
        "logprobs_mode": "raw_logprobs",
        "generation_config": "vllm",  # not the model's own sampling habits
        "max_model_len": -1,  # as much of the model's own as fits
        "mm_processor_cache_gb": CACHE_GIB,
        "disable_log_stats": True,
    }
    if current_platform.is_cpu():  # a prompt in pieces rewinds its random stream, which on a CPU cannot be done
        named["enable_chunked_prefill"] = False
    if BY_NAME[setup.ref.family].pixel_budget:
        size = processor.image_processor.size
        named["mm_processor_kwargs"] = {"size": {edge: int(size[edge]) for edge in ("shortest_edge", "longest_edge")}}
    if setup.lora:
        room = next(rank for rank in RANKS if rank >= setup.lora_rank)
        named |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": room}
    return named


def lora_of(setup: Setup) -> dict[str, Any]:
    """Arguments of a request that apply the adapter."""
    if not setup.lora:
        return {}
    from vllm.lora.request import LoRARequest

    return {"lora_request": LoRARequest("policy", 1, setup.lora)}


def _dtype(dtype: str) -> str:
    """float32 on a CPU, bfloat16 where the accelerator has it, else float32; unless said otherwise."""
    import torch
    from vllm.platforms import current_platform

    if dtype != "auto":
        return dtype
    bf16 = not current_platform.is_cpu() and torch.bfloat16 in current_platform.supported_dtypes
    return "bfloat16" if bf16 else "float32"
