"""The folder of a training under way: its checkpoints, which one to go on from, and what memory allowed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from halo_forge.files import read_json, write_json
from halo_forge.training.settings import Settings

WHOLE = "complete"
"""File written last into a checkpoint: without it, it counts for nothing."""
_MEMORY = "memory.json"


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


def finished(checkpoint: Path | None, settings: Settings) -> list[dict[str, Any]] | None:
    """The log of a training whose last step was saved; None when steps are left.

    The Trainer itself would take one step too many from there.
    """
    if checkpoint is None:
        return None
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    log: list[dict[str, Any]] = state["log_history"]
    done = state["global_step"] >= state["max_steps"] or settings.stalled([e["loss"] for e in log if "rows" in e])
    return log if done else None


def fitting(work: Path) -> int | None:
    """Rows per forward pass that memory allowed when it ran out before, None where it never did."""
    return (read_json(work / _MEMORY) or {}).get("micro_batch_size")


def note_fitting(work: Path, micro: int) -> None:
    """Remember it, also for the command that continues."""
    write_json(work / _MEMORY, {"micro_batch_size": micro})
