"""Where points go: TensorBoard's event files, or any tracker that accelerate knows, in a process of its own.

What `tell` returned from is written. TensorBoard's files are written whole and then named, so that a reader never
sees half of one. The process of another tracker sees no accelerator, may print what it likes, and may fail or hang:
the run goes on.
"""

from __future__ import annotations

import importlib.util
import os
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from halo_forge.errors import UserError, nearest

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from halo_forge.vlm.figures import Point, Value

NAMES = ("tensorboard", "wandb", "mlflow", "trackio", "aim", "clearml", "comet_ml", "dvclive", "swanlab")
"""Trackers, each by the name that its package has for pip and Python."""
DEFAULT = ("tensorboard",)
PROJECT = "halo-forge"
"""Project, or experiment, that runs are put under where a tracker has such a thing."""
PATIENCE = 180.0
"""Seconds that a tracker has for an answer: the first one loads its libraries and may go to the network."""
LAST = 60.0
"""And to send what it still holds at the end."""
AXES = {"train/step": ("train/*",), "cycle": ("cycle/*", "held_out/*", "stage/*", "warnings")}
"""Axis to what is drawn over it."""
OURS = "events.out.tfevents.{number:08d}.halo_forge"


def named(given: str | Sequence[str]) -> tuple[str, ...]:
    """The trackers that `given` names, each once. Raises UserError at a name that is none, or a tracker that is not
    installed; what is tracked by default may be missing."""
    names = tuple(dict.fromkeys(part.strip() for part in (given.split(",") if isinstance(given, str) else given)))
    for name in names:
        if name not in (*NAMES, "none"):
            raise UserError(f"--report-to {name} is not known: {nearest(name, (*NAMES, 'none'))}")
        if name == "none" and len(names) > 1:
            raise UserError(f"--report-to {','.join(names)}: none stands alone")
        if name != "none" and names != DEFAULT and not installed(name):
            raise UserError(f"--report-to {name}: {name} is not installed: pip install {name}, or leave it out")
    return names


def installed(name: str) -> bool:
    """Whether the package of a tracker is there; a folder of its name, as some of them write, is none."""
    found = importlib.util.find_spec(name)
    return found is not None and found.origin is not None


class Tracker(Protocol):
    """What takes points."""

    def describe(self, values: dict[str, Value]) -> str:
        """Write the run's hyperparameters; the name to forget them by."""

    def tell(self, points: Sequence[Point]) -> str:
        """Write points; the name to forget them by."""

    def forget(self, names: Iterable[str]) -> None:
        """Take back what was written under these names, where that can be done."""

    def close(self) -> None:
        """Finish; nothing is told afterwards."""

    def give_up(self) -> None:
        """End at once, after a failure."""


class TensorBoard:
    """Event files in a folder: one for each call, numbered in their order."""

    def __init__(self, folder: Path, known: Iterable[str]) -> None:
        """`known`: the files that count. Others of ours are what a killed process left, and go."""
        self.folder, names = folder, set(known)
        for stray in folder.glob("events.out.tfevents.*.halo_forge"):
            if stray.name not in names:
                stray.unlink()
        self.number = max((int(name.split(".")[3]) for name in names), default=0)

    def describe(self, values: dict[str, Value]) -> str:
        """As a session of the HParams plugin."""
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        return self._write([(0, hparams_pb(values))])

    def tell(self, points: Sequence[Point]) -> str:
        """One more file."""
        return self._write([(one.step, _summary(one)) for one in points])

    def forget(self, names: Iterable[str]) -> None:
        """Remove these files."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """No file is open."""

    give_up = close

    def _write(self, summaries: Iterable[tuple[int, Any]]) -> str:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        from halo_forge.files import flush

        self.number += 1
        now, name, writing = time.time(), OURS.format(number=self.number), self.folder / ".writing"
        with open(writing, "wb") as file:
            records = RecordWriter(file)
            records.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
            for step, summary in summaries:
                records.write(Event(wall_time=now, step=step, summary=summary).SerializeToString())
        flush(writing)
        os.replace(writing, self.folder / name)
        return name


def _summary(point: Point) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.summary_v2 import text_pb

    if isinstance(point.value, str):
        return text_pb(point.name, point.value)
    return Summary(value=[Summary.Value(tag=point.name, simple_value=point.value)])


class Other:
    """A tracker of accelerate in a child process. What it and its libraries print is in `log.txt` in its folder."""

    def __init__(self, name: str, folder: Path, title: str, run: str) -> None:
        """`title`: what the run is called there; `run`: its id there where it was begun before, else empty."""
        from halo_forge.engines.process import Child

        self.log = folder / "log.txt"
        with open(self.log, "ab") as log:
            # without an accelerator: whatever its libraries ask, the memory is the stages'
            env = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
            self.child = Child("halo_forge.vlm.trackers:serve", log, env)
        try:
            self.run = str(self._ask(("start", name, str(folder), title, run)))
        except BaseException:
            self.child.stop(grace=0)
            raise

    def describe(self, values: dict[str, Value]) -> str:
        """As the run's configuration."""
        self._ask(("describe", values))
        return ""

    def tell(self, points: Sequence[Point]) -> str:
        """Points of one step and axis go together."""
        together: dict[tuple[str, int], dict[str, Value]] = {}
        for one in points:
            axis = "train/step" if one.name.startswith("train/") else "cycle"
            together.setdefault((axis, one.step), {})[one.name] = one.value
        self._ask(("tell", [(axis, step, values) for (axis, step), values in together.items()]))
        return ""

    def forget(self, names: Iterable[str]) -> None:
        """These trackers keep what they were told."""

    def close(self) -> None:
        """Let it send what it still holds."""
        self._ask(("finish",), LAST)
        self.child.stop(grace=2)

    def give_up(self) -> None:
        """End the process."""
        self.child.stop(grace=0)

    def _ask(self, message: tuple[Any, ...], patience: float = PATIENCE) -> Any:
        self.child.send(message)
        kind, value = self.child.receive(patience)
        if kind == "failed":
            raise UserError(value)
        return value


def serve(pipe: Connection) -> None:
    """What the child does: one tracker, told by messages."""
    from accelerate import PartialState

    PartialState(cpu=True)  # accelerate's trackers ask for it
    told = _Served()
    while True:
        kind, *given = pipe.recv()
        try:
            pipe.send(("done", getattr(told, kind)(*given)))
        except Exception as error:
            pipe.send(("failed", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"))
        if kind == "finish":
            return


class _Served:
    """A tracker of accelerate."""

    def start(self, name: str, folder: str, title: str, run: str) -> str:
        """Begin a run, or go on with the one of that id; the id."""
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        project = os.environ.get("WANDB_PROJECT", PROJECT) if name == "wandb" else PROJECT
        self.goes_on = bool(run)
        run = run or f"{title}-{uuid.uuid4().hex[:8]}"
        options: dict[str, dict[str, Any]] = {
            "wandb": {"id": run, "name": title, "dir": folder, "resume": "allow"},
            "mlflow": {"run_name": title, "run_id": run if self.goes_on else None},
            "trackio": {"name": run, "resume": "allow"},
            "aim": {"logging_dir": folder},
            "clearml": {"task_name": title},
            "dvclive": {"dir": folder, "resume": True},
            "swanlab": {"experiment_name": title, "logdir": folder},
        }
        self.tracker: Any = LOGGER_TYPE_TO_CLASS[name](project, **options.get(name, {}))
        self.tracker.start()
        if name == "wandb":
            for axis, groups in AXES.items():
                for group in groups:
                    self.tracker.tracker.define_metric(group, step_metric=axis)
        return str(self.tracker.tracker.info.run_id) if name == "mlflow" else run

    def describe(self, values: dict[str, Value]) -> None:
        """Its configuration; mlflow never changes that of a run that goes on."""
        if self.tracker.name != "mlflow" or not self.goes_on:
            self.tracker.store_init_configuration(values)

    def tell(self, rows: list[tuple[str, int, dict[str, Value]]]) -> None:
        """Rows of (axis, step, values)."""
        for axis, step, values in rows:
            if self.tracker.name == "wandb":  # its own steps only rise, whatever the axis
                self.tracker.log({**values, axis: step})
            else:
                self.tracker.log(values, step=step)

    def finish(self) -> None:
        """Send what is left."""
        self.tracker.finish()
