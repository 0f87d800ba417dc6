"""Tells trackers what a run comes to, while it comes to it: each point once, however often the run is stopped.

After a step its points are made from its tables (`figures`) and told to each tracker (`trackers`) that does not know
them yet. What a tracker knows is in `told.json` in its folder, `RUN/tensorboard` and the like (of a rerun with a tag
`RUN/tensorboard_TAG`): by step the digest of the records that its points were made from, how many were told, and their
digest. So a finished run is done with a look at small files; a step whose table was replaced is told anew; and another
tracker on a finished run is told everything.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from halo_forge.errors import UserError
from halo_forge.files import read_json, write_json
from halo_forge.keys import sha256_file, sha256_json
from halo_forge.training.checkpoints import WHOLE
from halo_forge.vlm import figures, trackers
from halo_forge.vlm.figures import Points
from halo_forge.vlm.watch import kept_in

if TYPE_CHECKING:
    from halo_forge.vlm.steps import Step
    from halo_forge.vlm.trainer import VLMRAFTTrainer

TOLD = "told.json"
SELDOM = 5.0
"""Seconds between two looks at a training under way."""


class Tracking:
    """The trackers of one run of the loop. Nothing that goes wrong with one stops the run: it gets a line."""

    def __init__(self, trainer: VLMRAFTTrainer) -> None:
        self.trainer = trainer
        self.books: dict[str, Book] = {}
        self.names = [name for name in trainer.config.report_to if name != "none"]
        self.step: Step | None = None
        self.began = self.looked = 0.0
        self.busy = False

    def __enter__(self) -> Tracking:
        for name in [name for name in self.names if not trackers.installed(name)]:
            self.names.remove(name)
            self.trainer.progress.note(f"{name} is not installed, so nothing is tracked there: pip install {name}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.step = None
        if kind is None:
            self._warnings()
        self._each(Book.close)

    def begin(self, step: Step) -> None:
        """A step begins."""
        self.step, self.began, self.looked = step, time.time(), time.time()

    def end(self, step: Step) -> None:
        """It is done, or was before."""
        self.step = None
        values = figures.settings(self.trainer.config)
        known = sha256_json(values)
        self._each(lambda book: book.describe(known, values))
        self._warnings()
        run = self.trainer.dir
        made_from = figures.made_from(run, step.name, step.cycle)
        if made_from:
            self._bring(unit(step), made_from, lambda: figures.of(run, step.name, step.cycle))

    def heard(self) -> None:
        """Something was said: of a training under way, tell the steps that its newest checkpoint has. They are what
        the finished table will have, also when the training is stopped and goes on from there."""
        step, now = self.step, time.time()
        if self.busy or step is None or step.name != "train" or now - self.looked < SELDOM:
            return
        self.looked, run = now, self.trainer.dir
        log = []
        with contextlib.suppress(OSError, UserError):  # it may just be taking that checkpoint away
            log = newest_log(run.model(step.cycle), self.began)
        if log:
            self._bring(unit(step), "", lambda: figures.training(run, step.cycle, log))

    def _warnings(self) -> None:
        about = kept_in(self.trainer.dir)
        if about.exists():
            self._bring("warnings", sha256_file(about), lambda: figures.warned(about))

    def _bring(self, unit: str, made_from: str, make: Callable[[], Points]) -> None:
        """Tell the points of `unit` to whoever does not know them; made once, and not at all where everybody does."""
        points = cache(make)
        self._each(lambda book: None if book.knows(unit, made_from) else book.tell(unit, made_from, points()))

    def _each(self, do: Callable[[Book], None]) -> None:
        """For each tracker `do`, or one line about why not: then it hears no more in this run of the loop."""
        self.busy = True
        for name in list(self.names):
            try:
                do(self._book(name))
            except Exception as error:
                self.names.remove(name)
                self._give_up(name, error)
        self.busy = False

    def _book(self, name: str) -> Book:
        if name not in self.books:
            self.books[name] = Book(name, self.trainer.dir.root, self.trainer.config.tag)
        return self.books[name]

    def _give_up(self, name: str, error: Exception) -> None:
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        why = " ".join(f"{kind}{error}".split())[:300]
        text = f"warning: {name} is told nothing more: {why}; the run goes on, and the same command tells it the rest"
        self.trainer.progress.tell("warning", text, warning="tracking", tracker=name)
        if name in self.books:
            self.books[name].give_up()


class Book:
    """What one tracker was told, and the tracker, which is opened when there is something to tell."""

    def __init__(self, name: str, root: Path, tag: str) -> None:
        self.name, self.title = name, f"{root.resolve().name}{f'_{tag}' if tag else ''}"
        self.folder = root / (f"{name}_{tag}" if tag else name)
        self.told: dict[str, Any] = read_json(self.folder / TOLD) or {"run": "", "units": {}}
        self.units: dict[str, dict[str, Any]] = self.told["units"]
        self.tracker: trackers.Tracker | None = None

    def knows(self, unit: str, made_from: str) -> bool:
        """Whether it was told all of this step."""
        return bool(made_from) and self.units.get(unit, {}).get("made_from") == made_from

    def describe(self, known: str, values: dict[str, figures.Value]) -> None:
        """Tell the run's hyperparameters where it knows none or others."""
        if not self.knows("settings", known):
            name = self._open().describe(values)
            self._keep("settings", {"made_from": known, "names": [name]}, self.units.get("settings"))

    def tell(self, unit: str, made_from: str, points: Points) -> None:
        """Tell the points that are new; all of them where what was told is not what they begin with."""
        before = self.units.get(unit) or {"points": 0, "digest": figures.digest(()), "names": []}
        count = before["points"]
        goes_on = figures.digest(points[:count]) == before["digest"]
        fresh = points[count:] if goes_on else points
        if not fresh and not made_from:
            return
        names = [self._open().tell(fresh)] if fresh else []
        record = {"made_from": made_from, "points": len(points), "digest": figures.digest(points)}
        self._keep(
            unit, {**record, "names": [*(before["names"] if goes_on else ()), *names]}, None if goes_on else before
        )

    def _open(self) -> trackers.Tracker:
        if self.tracker is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            known = [name for unit in self.units.values() for name in unit["names"]]
            if self.name == "tensorboard":
                self.tracker = trackers.TensorBoard(self.folder, known)
            else:
                self.tracker = other = trackers.Other(self.name, self.folder, self.title, self.told["run"])
                self.told["run"] = other.run
        return self.tracker

    def _keep(self, unit: str, record: dict[str, Any], replaced: dict[str, Any] | None) -> None:
        """Note what was told, and only then take back what it replaces: a kill in between loses nothing."""
        self.units[unit] = record
        write_json(self.folder / TOLD, self.told)
        if replaced:
            self._open().forget(replaced["names"])

    def close(self) -> None:
        """Let the tracker finish."""
        if self.tracker:
            self.tracker.close()

    def give_up(self) -> None:
        """Leave the tracker as it is."""
        if self.tracker:
            self.tracker.give_up()


def unit(step: Step) -> str:
    """What the points of a step are known by."""
    return f"{step.name}/cycle={step.cycle}"


def newest_log(model: Path, since: float) -> list[dict[str, Any]]:
    """The log in the newest whole checkpoint of the training of `model` that was written after `since`."""
    states = [
        one / "trainer_state.json"
        for one in model.parent.glob(f".{model.name}.training/checkpoint-*")
        if (one / WHOLE).exists()
    ]
    fresh = [state for state in states if state.exists() and state.stat().st_mtime >= since]
    if not fresh:
        return []
    newest = max(fresh, key=lambda state: int(state.parent.name.rpartition("-")[2]))
    return [entry for entry in (read_json(newest) or {}).get("log_history", []) if "rows" in entry]
