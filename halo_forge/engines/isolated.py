"""A stage that loads a model, run in a process of its own where there is an accelerator.

    made = isolated("train", training.run, config, progress=show)

The parent then never initialises CUDA, and what a stage took of the accelerator's memory is free when it is done,
whatever its libraries kept. On a machine without an accelerator the stage runs right here. Progress lines, the
result and a UserError come back through a pipe; Ctrl-C ends the child.
"""

from __future__ import annotations

import importlib
import os
import pickle
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from halo_forge.engines.process import Child, Gone
from halo_forge.errors import UserError
from halo_forge.progress import Progress

LOADS_MODELS = ("generate", "perceive", "verify", "train")
"""Stages that may load one."""
SWITCH = "HALO_FORGE_ISOLATE"
"""Environment variable: 1 isolates on every machine (for tests), 0 on none (for debuggers)."""
_DEVICES = ("/dev/nvidia[0-9]*", "/dev/kfd", "/dev/dxg")
"""Device files of NVIDIA, AMD, and either under WSL."""


def accelerator_here() -> bool:
    """Whether this machine seems to have an accelerator that torch could use as `cuda`.

    Looks at device files: asking torch would initialise the driver in this process. One too many costs a child
    process that runs on the CPU.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        return False
    return any(found for pattern in _DEVICES for found in Path("/").glob(pattern.lstrip("/")))


def wanted(stage: str, config: Any) -> bool:
    """Whether `stage` gets a process of its own."""
    if stage not in LOADS_MODELS:
        return False
    switch = os.environ.get(SWITCH, "")
    if switch in ("0", "1"):
        return switch == "1"
    device = getattr(config, "device", "auto")
    return accelerator_here() if device == "auto" else device != "cpu"


def isolated(stage: str, run: Callable[..., Any], config: Any, *, progress: Progress, **options: Any) -> Any:
    """`run(config, progress=progress, **options)`, in a child process where `stage` gets one.

    There the stage is found by its name, so `run` has to be its own `run`, or a `partial` of that. Raises
    whatever the stage raises; a child that is killed is a UserError that says so.
    """
    if not wanted(stage, config):
        return run(config, progress=progress, **options)
    if isinstance(run, partial):
        options = {**run.keywords, **options}
    child = Child("halo_forge.engines.isolated:serve_stage")
    try:
        child.send((stage, config, (progress.quiet, progress.events, progress.live), options))
        while True:
            kind, value = child.receive()
            if kind == "told":
                event, text, more = value
                progress.tell(event, text, **more)
            elif kind == "made":
                return value
            else:
                raise _rebuilt(value)
    except Gone as error:
        raise UserError(
            f"{stage}: its process ended before it was done ({error}); if it was killed for memory, make its "
            "batches smaller; the same command continues"
        ) from error
    finally:
        child.stop()


class _Relay(Progress):
    """Progress of a stage in a child: events go through the pipe, the parent's Progress prints them."""

    def __init__(self, pipe: Connection, quiet: bool, events: bool, live: bool) -> None:
        super().__init__(quiet, events=events, live=live)
        self.pipe = pipe

    def tell(self, event: str, text: str, **more: Any) -> None:
        if self.events or not self.quiet:
            self.pipe.send(("told", (event, text, more)))


def serve_stage(pipe: Connection) -> None:
    """What the child does: one stage."""
    stage, config, shown, options = pipe.recv()
    module = importlib.import_module(f"halo_forge.stages.{stage}")
    run = module.STAGE.run if hasattr(module, "STAGE") else module.run
    try:
        pipe.send(("made", run(config, progress=_Relay(pipe, *shown), **options)))
    except Exception as error:
        pipe.send(("raised", _packed(error)))


def _packed(error: Exception) -> tuple[bytes | None, str]:
    """The exception itself where it can be pickled whole, and its traceback as text."""
    text = "".join(traceback.format_exception(error))
    try:
        whole = pickle.dumps(error)
        pickle.loads(whole)
        return whole, text
    except Exception:  # classes with other constructors: the text has to do
        return None, text


def _rebuilt(packed: tuple[bytes | None, str]) -> Exception:
    whole, text = packed
    if whole is None:
        return RuntimeError(f"in a stage's own process:\n{text}")
    error: Exception = pickle.loads(whole)  # made by this very program, in its own child
    if not isinstance(error, UserError):
        error.add_note(f"in the stage's own process:\n{text}")
    return error
