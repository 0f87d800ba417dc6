"""Checkpoints of an interrupted training: which one to go on from, and one taken after the last step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from halo_forge.models.load import unwrapped

WHOLE = "complete"
"""File written last into a checkpoint: without it, it counts for nothing."""


def newest(work: Path, key: str) -> Path | None:
    """The newest whole checkpoint of the same training; leftovers of another one are removed."""
    mark = work / "key.json"
    if work.exists() and (not mark.is_file() or json.loads(mark.read_text() or "null") != key):
        shutil.rmtree(work)
    work.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(key), encoding="utf-8")
    steps = {int(path.name.rpartition("-")[2]): path for path in work.glob("checkpoint-*") if path.is_dir()}
    whole = sorted(step for step, path in steps.items() if (path / WHOLE).is_file())
    for step, path in steps.items():
        if step not in whole:
            shutil.rmtree(path)
    return steps[whole[-1]] if whole else None


def finished(model: Any, checkpoint: Path | None) -> list[dict[str, Any]] | None:
    """The log of a training whose last step was saved, its weights put into `model`; None when steps are
    left.

    The Trainer itself would take one step too many from there.
    """
    if checkpoint is None:
        return None
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    if state["global_step"] < state["max_steps"]:
        return None
    from peft import load_peft_weights, set_peft_model_state_dict

    set_peft_model_state_dict(model, load_peft_weights(str(checkpoint), device=str(unwrapped(model).device)))
    return list(state["log_history"])
