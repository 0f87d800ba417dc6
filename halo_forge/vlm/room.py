"""The memory that a run needs by estimate, what is here, and what would make it fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from halo_forge.engines.isolated import accelerator_here
from halo_forge.models import memory as planner
from halo_forge.models.fit import Fit, fit
from halo_forge.models.resolve import ModelRef
from halo_forge.vlm.recipes import Recipes


@dataclass(frozen=True)
class Room:
    """`need` and `here` (bytes): None where unknown; `fit`: None where one of them is."""

    mode: str
    need: planner.Memory | None
    here: int | None
    fit: Fit | None


def room_of(recipes: Recipes, ref: ModelRef) -> Room:
    """Of the run that `recipes` describe, with the model `ref`."""
    work, parameters = work_of(recipes, ref.config), planner.parameters_of(ref)
    here = planner.device_memory(work.on_cpu)
    if parameters is None:
        return Room(work.mode, None, here, None)
    fits = None if here is None else fit(ref.config, parameters, work, here)
    return Room(work.mode, planner.estimate(ref.config, parameters, work), here, fits)


def work_of(recipes: Recipes, config: Mapping[str, Any]) -> planner.Work:
    """What a run does with the memory of its model, whose config.json is `config`."""
    c = recipes.config
    alone = c.engine in ("vllm", "openai")  # vLLM takes as many at once as fit
    return planner.Work(
        mode=c.mode,
        train_vision=c.train_vision,
        paired=c.objective == "dpo",
        rank=c.rank,
        micro_batch=c.micro_batch_size,
        batch_size=c.batch_size,
        processes=c.num_processes,
        batch=1 if alone else c.generate_batch_size,
        samples=1 if alone else max(recipes.samples, c.eval_samples),
        tokens=c.max_new_tokens,
        images=planner.image_tokens(config, c.max_pixels or recipes.card.max_pixels or 0),
        on_cpu=_on_cpu(recipes),
        tensor_parallel=c.tensor_parallel,
        checkpointing=c.gradient_checkpointing,
    )


def _on_cpu(recipes: Recipes) -> bool:
    device = recipes.config.device
    return device == "cpu" or (device == "auto" and not accelerator_here())


def room_lines(room: Room) -> list[str]:
    """The lines of the plan."""
    need = room.need
    if need is None:
        return ["memory: unknown before the model is here"]
    lines = [
        f"memory: generate {in_bytes(need.generate)}, train {in_bytes(need.train)} by estimate ({room.mode}, "
        f"{need.trained:,} of {need.parameters:,} weights), here are {in_bytes(room.here)}"
    ]
    if room.fit is None:
        return lines
    if room.fit.generate and room.fit.train:
        return [f"{lines[0]}: it fits"]
    large = " and ".join(name for name in ("generate", "train") if not getattr(room.fit, name))
    if room.fit.flags:
        return [*lines, f"memory: {large} may not fit here; with {room.fit.flags} it would"]
    return [*lines, f"memory: {large} will not fit here, whatever the flags: take a smaller model or a larger device"]


def in_bytes(count: int | None) -> str:
    """Such as 1.5 GB."""
    if count is None:
        return "?"
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
