"""The run directory: where each table of each cycle is, who may write, and what the run was."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import importlib.metadata
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.errors import UserError
from halo_forge.files import write_json
from halo_forge.store import Table

PACKAGES = ("torch", "transformers", "peft", "accelerate", "datasets", "duckdb", "pyarrow", "ultralytics", "rapidocr")


@dataclass(frozen=True)
class RunDir:
    """Paths below a run's folder."""

    root: Path

    def table(self, name: str, cycle: int | None = None) -> str:
        """Folder of a table, such as scores/cycle=3, prompts, or eval/benchmark/cycle=0."""
        folder = self.root / name
        return str(folder if cycle is None else folder / f"cycle={cycle}")

    def model(self, cycle: int) -> Path:
        """Folder of the adapter after a cycle."""
        return self.root / f"cycle_{cycle}"

    def tables(self, name: str, schema_name: str) -> Table | None:
        """All cycles of a table as one, None when there is none yet."""
        files = sorted((self.root / name).glob("cycle=*/part-*.parquet"))
        return Table(str(self.root / name / "cycle=*" / "part-*.parquet"), schema_name) if files else None

    def point_best(self, cycle: int) -> None:
        """Make `best` a link to the model of `cycle`, in one step."""
        link, fresh = self.root / "best", self.root / f".best.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(f"cycle_{cycle}")
        os.replace(fresh, link)

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
            yield

    def record(self, config: Any, revisions: dict[str, str]) -> None:
        """Write run.json: settings, versions, commit, hub commits."""
        write_json(
            self.root / "run.json",
            {
                "config": dataclasses.asdict(config),
                "versions": versions(),
                "git_commit": git_commit(),
                "hub_commits": revisions,
                "argv": sys.argv,
                "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            },
        )


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
