"""What the page asks a run: queries of `sql/` by name, and what is missing said once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halo_forge import sql
from halo_forge.files import read_json
from halo_forge.parts import BEGUN, FINISHED
from halo_forge.vlm import views
from halo_forge.vlm.questions import ask
from halo_forge.vlm.run_dir import MAKER, ORDER, RunDir

Row = dict[str, Any]
Rows = list[Row]


@dataclass
class Tables:
    """The tables of a run, and a connection that reads them."""

    place: RunDir
    connection: Any
    there: dict[str, sql.Source]
    about: Row = field(default_factory=dict)
    """run.json, or empty."""
    _answers: dict[tuple[Any, ...], Rows] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Whether the run has all these tables."""
        return all(name in self.there for name in names)

    def ask(self, name: str, **values: Any) -> Rows:
        """The rows of a query of `sql/`, with its header's defaults; the same question is answered once. A table that
        is not there has no rows."""
        listed = any(isinstance(value, list) for value in values.values())
        key = () if listed else (name, *sorted(values.items()))
        if key in self._answers:
            return self._answers[key]
        rows = ask(self.connection, name, **values)
        if key:
            self._answers[key] = rows
        return rows

    @property
    def settings(self) -> Row:
        """The run's settings, as it was started."""
        found = self.about.get("config")
        return found if isinstance(found, dict) else {}


@contextmanager
def opened(run: str, tag: str = "") -> Iterator[Tables]:
    """The tables of a run, or of its rerun with a tag. Raises UserError where the folder holds none."""
    place = views.place_of(run, tag)
    there: dict[str, sql.Source] = dict(views.of_run(run, tag))
    if "rewards" not in there and "eval_completions" not in there and "completions" in there:
        there["eval_completions"] = there["completions"]  # a folder of vlm benchmark
    connection = sql.connect({**views.empty(), **there})
    try:
        yield Tables(place, connection, there, read_json(place.about) or {})
    finally:
        connection.close()


def records(tables: Tables) -> Rows:
    """What each finished table cost: stage VARCHAR, cycle INTEGER, rows, seconds, tokens, in the order of a run."""
    found = []
    root = tables.place.root
    for name, maker in (*MAKER.items(), ("benchmark", "benchmark")):
        folders = [Path(tables.place.table(name)), *sorted(root.glob(f"{name}/cycle=*"))]
        for folder in dict.fromkeys(folders):
            record = read_json(folder / FINISHED)
            if record is None or name == "images":
                continue
            cycle = int(folder.name[6:]) if folder.name.startswith("cycle=") and folder.name[6:].isdigit() else 0
            row = {"stage": maker, "cycle": cycle, "rows": record.get("rows", 0)}
            found.append(row | {key: float(record.get(key) or 0) for key in ("seconds", "tokens")})
    return sorted(found, key=lambda row: (ORDER.index(row["stage"]), row["cycle"]))


def unfinished(tables: Tables) -> list[str]:
    """Tables that were begun and not finished, as paths below the run."""
    root = tables.place.root
    begun = sorted(path.parent for path in root.glob(f"**/{BEGUN}") if not (path.parent / FINISHED).exists())
    return [str(path.relative_to(root)) for path in begun]


def reward_settings(tables: Tables) -> Row:
    """weights (perception, reasoning, output), combine: as the rewards tables were made; empty where unknown."""
    for folder in sorted(tables.place.root.glob("rewards/cycle=*")) or [tables.place.root / "rewards"]:
        payload = (read_json(folder / BEGUN) or {}).get("payload", {})
        params = payload.get("params", {}) if isinstance(payload, dict) else {}
        if isinstance(params.get("weights"), list) and len(params["weights"]) == 3:
            return {
                "weights": params["weights"],
                "combine": params.get("combine", "gated"),
                "own": params.get("weight"),
            }
    return {}
