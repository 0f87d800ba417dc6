"""The run directory: where each table of each cycle is, who may write, what the run was, and what is stale."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import importlib.metadata
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.errors import UserError
from halo_forge.files import read_json, remove_leftovers, write_json
from halo_forge.store import Table

PACKAGES = ("torch", "transformers", "peft", "accelerate", "datasets", "duckdb", "pyarrow", "ultralytics", "rapidocr")
MAIN = ("prompts", "perceive", "generate", "verify", "reward", "filter", "train", "evaluate", "benchmark")
FURTHER = ("more", "more/generate", "more/verify", "more/reward")
"""Steps that sample some prompts of a cycle further, between reward and filter."""
ORDER = (*MAIN[:5], *FURTHER, *MAIN[5:])
"""What runs after what in a cycle; `evaluate` is generate on the held-out prompts. Prompts are of cycle 0."""
SAMPLED = ("completions", "scores", "rewards")
"""Tables that have the same rows below `more/` for the completions that were sampled further."""
MAKER = {
    "images": "prompts",
    "prompts": "prompts",
    "eval/prompts": "prompts",
    "evidence": "perceive",
    "completions": "generate",
    "scores": "verify",
    "rewards": "reward",
    "more": "more",
    "more/completions": "more/generate",
    "more/scores": "more/verify",
    "more/rewards": "more/reward",
    "sft": "filter",
    "training": "train",
    "eval/completions": "evaluate",
    "eval/benchmark": "benchmark",
}
"""Table to the step of `ORDER` that makes it."""
STALE = "stale.json"
Position = tuple[int, ...]
"""(cycle, place in `MAIN`, and of a further step its place after that): positions compare in the order in which a run
gets there."""


def position(step: str, cycle: int) -> Position:
    """Where a step of a cycle is in the run."""
    if step in FURTHER:
        return cycle, MAIN.index("reward"), 1 + FURTHER.index(step)
    return cycle, MAIN.index(step)


@dataclass(frozen=True)
class RunDir:
    """Paths below a run's folder. With a `tag`, tables and models from `start` on are beside those of the first
    run: `scores_TAG/cycle=3`, `cycle_3_TAG`; what comes before is shared. `start` None: nothing is tagged yet."""

    root: Path
    tag: str = ""
    start: Position | None = None

    def _tagged(self, step: str, cycle: int) -> bool:
        return bool(self.tag) and self.start is not None and position(step, cycle) >= self.start

    def table(self, name: str, cycle: int | None = None) -> str:
        """Folder of a table, such as scores/cycle=3, prompts, or eval/benchmark/cycle=0."""
        top, slash, rest = name.partition("/")
        if top == "controls":
            folder = self.root / (f"controls_{self.tag}{slash}{rest}" if self.tag else name)
        else:
            maker = MAKER.get(name, "prompts")
            tagged = maker != "prompts" and self._tagged(maker, cycle or 0)
            folder = self.root / (f"{name}_{self.tag}" if tagged else name)
        return str(folder if cycle is None else folder / f"cycle={cycle}")

    def model(self, cycle: int) -> Path:
        """Folder of the adapter after a cycle."""
        return self.root / (f"cycle_{cycle}_{self.tag}" if self._tagged("train", cycle) else f"cycle_{cycle}")

    def places(self, name: str, cycle: int) -> tuple[str, ...]:
        """Folders of all rows of a cycle's table: of what was sampled, also of what was sampled further."""
        own, more = self.table(name, cycle), self.table(f"more/{name}", cycle)
        return (own, more) if name in SAMPLED and any(Path(more).glob("part-*.parquet")) else (own,)

    def cycles(self, name: str) -> list[int]:
        """The cycles that a table has a folder of, in order; with a tag also those of its own."""
        folders = [self.root / name, *([self.root / f"{name}_{self.tag}"] if self.tag else [])]
        return sorted({int(p.name[6:]) for folder in folders for p in folder.glob("cycle=*") if p.name[6:].isdigit()})

    def tables(self, name: str, schema_name: str, further: bool = True) -> Table | None:
        """All cycles of a table as one, with what was sampled further unless `further` says no; None when there is
        none yet."""
        places = [place for cycle in self.cycles(name) for place in self.places(name, cycle)[: None if further else 1]]
        places = [place for place in places if any(Path(place).glob("part-*.parquet"))]
        return Table(places[0], schema_name, tuple(places[1:])) if places else None

    @property
    def best(self) -> Path:
        """The link to the best model."""
        return self.root / (f"best_{self.tag}" if self.tag else "best")

    @property
    def about(self) -> Path:
        """The file that says what the run was: run.json, or run_TAG.json."""
        return self.root / (f"run_{self.tag}.json" if self.tag else "run.json")

    def point_best(self, cycle: int) -> None:
        """Make `best` a link to the model of `cycle`, in one step."""
        fresh = self.root / f".{self.best.name}.tmp"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.model(cycle).name)
        os.replace(fresh, self.best)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run: a second writer stops with one line. The lock goes with the process."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            file = open(self.root / ".lock", "a+")  # noqa: SIM115 - held open as long as the lock
        except OSError as exc:
            raise UserError(f"cannot write to {self.root}: {exc.strerror}; give another --output") from exc
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                raise UserError(f"another run is writing to {self.root}: wait for it or give another --output") from exc
            remove_leftovers(self.root)
            yield

    def record(self, config: Any, revisions: dict[str, str]) -> None:
        """Write run.json: settings, versions, commit, hub commits."""
        write_json(
            self.about,
            {
                "config": dataclasses.asdict(config),
                "versions": versions(),
                "git_commit": git_commit(),
                "hub_commits": revisions,
                "tag": self.tag,
                "start": list(self.start) if self.start else None,
                "argv": sys.argv,
                "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            },
        )

    def mark_stale(self, since: Position, reason: str) -> None:
        """Mark every model that was trained after `since` from rows that are about to be replaced.

        A model of a tagged run is marked only where that run still shares the replaced tables. The mark goes
        when the model is trained again, or when nothing that it was made from turns out to differ.
        """
        for folder in sorted(self.root.glob("cycle_*")):
            named = re.fullmatch(r"cycle_(\d+)(?:_([a-z][a-z0-9_]*))?(?:-merged)?", folder.name)
            if named is None or position("train", int(named[1])) < since or not (folder / "halo_forge.json").exists():
                continue
            shares = (named[2] or "") == self.tag
            if named[2] and not self.tag:
                begun = (read_json(self.root / f"run_{named[2]}.json") or {}).get("start")
                shares = begun is None or since < tuple(begun)
            if shares:
                step = next(step for step in ORDER if position(step, since[0]) == since)
                write_json(folder / STALE, {"reason": reason, "since": {"cycle": since[0], "step": step}})

    def unmark(self, model: Path) -> None:
        """Take the mark off a model that was just made, and off the merged one where that holds this very adapter."""
        from halo_forge.models.folder import record_of
        from halo_forge.models.resolve import resolve

        (model / STALE).unlink(missing_ok=True)
        mark = merged(model) / STALE
        if mark.exists() and (record_of(mark.parent) or {}).get("merged_digest") == resolve(str(model)).digest:
            mark.unlink()

    def stale(self) -> dict[str, str]:
        """Model folder's name to the reason why it is stale."""
        found = {}
        for mark in sorted(self.root.glob(f"cycle_*/{STALE}")):
            found[mark.parent.name] = str((read_json(mark) or {}).get("reason", "its rows were replaced"))
        return found


def merged(model: Path) -> Path:
    """Where base and adapter of `model` are as one model, if anywhere."""
    return model.with_name(f"{model.name}-merged")


def all_of(root: Path) -> list[RunDir]:
    """The run at `root` and every tagged rerun beside it."""
    found = [RunDir(root)]
    for about in sorted(root.glob("run_*.json")):
        start = (read_json(about) or {}).get("start")
        found.append(RunDir(root, about.stem.removeprefix("run_"), tuple(start) if start else None))
    return found


def versions() -> dict[str, str]:
    """Installed versions of what shapes a result."""
    found = {"python": sys.version.split()[0]}
    for name in ("halo-forge", *PACKAGES):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def git_commit() -> str | None:
    """Commit of the checkout this code runs from, None for a wheel."""
    top = Path(__file__).resolve().parents[2]
    if not (top / ".git").exists():
        return None
    told = subprocess.run(["git", "-C", str(top), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or None
