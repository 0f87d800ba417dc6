"""Whether a run fits a device by estimate, and the flags that make it fit: first those that only take longer, then
those that change what is learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from halo_forge.models.memory import Work, estimate, image_tokens
from halo_forge.training.settings import recomputes

ROOM = 0.9
"""Share of a device's memory that an estimate may fill; the rest is the libraries' and lost between allocations."""
SMALL_IMAGE = 640 * 28 * 28
FLAGS = {
    "batch": "--generate-batch-size {}",
    "processes": "--num-processes {}",
    "micro_batch": "--micro-batch-size {}",
    "checkpointing": "--gradient-checkpointing on",
    "mode": "--mode {}",
    "images": f"--max-pixels {SMALL_IMAGE}",
}
"""Field of a Work to the flag of vlm train that sets it."""


@dataclass(frozen=True)
class Fit:
    """Whether generation and training each fit. `flags`: with which both would; empty where none are needed, None
    where none of those tried is enough."""

    generate: bool
    train: bool
    flags: str | None


def fit(config: Mapping[str, Any], parameters: int, work: Work, memory: int) -> Fit:
    """Whether `work` fits `memory` bytes, and if not, what would: smaller portions, else another mode and what
    portions it needs, else smaller images with them."""

    def fits(part: str, changes: dict[str, Any]) -> bool:
        need: int = getattr(estimate(config, parameters, replace(work, **changes)), part)
        return need <= ROOM * memory

    now = fits("generate", {}), fits("train", {})
    images = image_tokens(config, SMALL_IMAGE)
    for smaller in ({}, *([{"images": images}] if images < work.images else [])):
        for mode in ({}, *({"mode": mode} for mode in _modes(work))):
            changes = {**mode, **smaller}
            generate = next((step for step in _prompts(work) if fits("generate", {**changes, **step})), None)
            train = next((step for step in _rows(work) if fits("train", {**changes, **step})), None)
            if generate is not None and train is not None:
                found = {**mode, **generate, **train, **smaller}
                return Fit(*now, " ".join(FLAGS[name].format(value) for name, value in found.items()))
    return Fit(*now, None)


def _prompts(work: Work) -> list[dict[str, Any]]:
    """Portions that generation can take, as changes; what comes out is the same but for rounding and luck."""
    return [{}, *({"batch": size} for size in (4, 1) if size < work.batch)]


def _rows(work: Work) -> list[dict[str, Any]]:
    """Portions that training can take, each with the changes before it; what is learned is the same but for
    rounding."""
    found: list[dict[str, Any]] = [{}]
    steps: list[dict[str, Any]] = [{"processes": 1}] if work.on_cpu and work.processes > 1 else []
    steps += [{"micro_batch": size} for size in (2, 1) if size < work.micro_batch]
    steps += (
        [] if recomputes(work.checkpointing, work.on_cpu) else [{"checkpointing": "on"}]
    )  # last: every step takes longer
    for step in steps:
        found.append({**found[-1], **step})
    return found


def _modes(work: Work) -> list[str]:
    """Modes that take less; packed weights need an accelerator."""
    order = ["full", "lora", *([] if work.on_cpu else ["qlora"])]
    return order[order.index(work.mode) + 1 :] if work.mode in order else []
