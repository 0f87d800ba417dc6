"""A training from start to end: in one process or several, resumed where it was interrupted, with smaller batches
where memory runs out, and the finished model under its name at once, by a rename.
"""

from __future__ import annotations

import gc
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from halo_forge.errors import UserError
from halo_forge.files import saving
from halo_forge.keys import sha256_json
from halo_forge.models import folder
from halo_forge.models.resolve import ModelRef
from halo_forge.training import weights
from halo_forge.training.checkpoints import fitting, newest, note_fitting
from halo_forge.training.rows import Row
from halo_forge.training.session import Job, Learned, Run, learn
from halo_forge.training.settings import Settings, recomputes

__all__ = ["Run", "Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """A finished training: the folder, its log by step, and digests of the trained weights."""

    folder: Path
    log: list[dict[str, Any]]
    before: str
    after: str


def train(
    ref: ModelRef,
    rows: Sequence[Row],
    image: Callable[[str], bytes],
    output: Path,
    settings: Settings,
    run: Run | None = None,
    *,
    key: str = "",
    tell: Callable[[str], None] = print,
) -> Trained:
    """Train on `rows` and put the adapter, or the whole model, at `output`.

    `ref` with an adapter goes on training it; without one a fresh adapter starts. `key` names this
    training: a checkpoint under another key is thrown away. Raises UserError: no rows, a loss that is no
    number, weights that did not change, memory that is too small for one row.
    """
    run = run or Run()
    if not rows:
        raise UserError("nothing to train on: no row has keep = true; see the reasons in sft")
    weights.refuse(settings, run.device)
    work = output.with_name(f".{output.name}.training")
    same = sha256_json([key, ref.digest, asdict(settings), [asdict(row) for row in rows]])
    began = time.monotonic()
    aside = folder.aside(output)
    while True:
        checkpoint = newest(work, same)
        micro, accumulation = settings.share(run.processes, fitting(work))
        job = Job(ref, tuple(rows), image, work, aside, checkpoint, micro, accumulation, settings, run)
        learned = _learned(job, tell)
        if learned:
            break
        if micro == 1:
            shutil.rmtree(aside, ignore_errors=True)
            recompute = (
                ""
                if recomputes(run.gradient_checkpointing, run.device == "cpu")
                else "give --gradient-checkpointing on, "
            )
            raise UserError(
                f"training: out of memory with one row per forward pass: {recompute}lower --max-pixels, give --mode "
                "qlora, or take a smaller model; the same command continues"
            )
        smaller, more = settings.share(run.processes, micro // 2)
        note_fitting(work, smaller)
        tell(f"train: out of memory: {smaller} rows per forward pass, {more} passes per step from here on")
    log = [_step(entry) for entry in learned.history if "rows" in entry]
    record = {
        "base": ref.base_given,
        "base_revision": ref.revision,
        "base_digest": ref.base_digest,
        "start": ref.given,
        "start_digest": ref.digest,
        "adapter_before": learned.before,
        "adapter_after": learned.after,
        "key": key,
        "settings": asdict(settings),
        "processes": run.processes,
        "micro_batch_size": micro,
        "accumulation": accumulation,
        "out_of_memory": fitting(work) is not None,
        "rows": len(rows),
        "seconds": _seconds(learned.history, began),
        "log": log,
    }
    with saving(output):
        _put(aside, output, record)
    shutil.rmtree(work, ignore_errors=True)
    return Trained(output, log, learned.before, learned.after)


def _learned(job: Job, tell: Callable[[str], None]) -> Learned | None:
    """What was learned, None where memory ran out; then everything of the attempt is gone from memory."""
    if job.run.processes > 1:
        from halo_forge.training.workers import learn_together

        return learn_together(job, tell)
    try:
        return learn(job, tell)
    except Exception as error:
        if not out_of_memory(error):
            raise
    gc.collect()  # after the exception has let go of its frames
    torch = sys.modules["torch"]
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the allocator of the CPU, had no memory left."""
    from accelerate.utils.memory import should_reduce_batch_size
    from torch import OutOfMemoryError

    if isinstance(error, OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and (
        should_reduce_batch_size(error) or "out of memory" in str(error).lower()
    )


def _seconds(history: list[dict[str, Any]], began: float) -> float:
    """Seconds of the Trainer's loop, as it says; of the whole where it was interrupted right after its last step."""
    told = [float(entry["train_runtime"]) for entry in history if "train_runtime" in entry]
    return told[-1] if told else round(time.monotonic() - began, 3)


def _step(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("step", "epoch", "loss", "learning_rate", "grad_norm", "tokens", "rows")
    return {name: entry[name] for name in names}


_put = folder.put
