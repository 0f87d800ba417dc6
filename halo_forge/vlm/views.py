"""The tables of a run as SQL sees them: a name for each, only for those that are there.

- `rewards`, `completions`, … are the tables of `halo_forge.schema`, all cycles as one.
- `eval_prompts`, `eval_completions`, `benchmark` are the held-out ones; in a folder of `vlm benchmark`, `benchmark`
  is its table, too.
- `scores_strict` is the table of the rerun that was kept with `--tag strict`, with the cycles it shares; likewise
  `benchmark_blind`.
- `control_benchmark`, … are the tables of the control trainings, with a column `control`.
- Of several runs, every view has a column `run`: the folder's name.
- `models/vlm_raft@strict` stands for that rerun of a run, its tables under the plain names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from halo_forge import parts, schema
from halo_forge.errors import UserError
from halo_forge.sql import Marked, Runs, Source
from halo_forge.store import Table
from halo_forge.vlm.run_dir import RunDir, all_of

PLACES: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in schema.TABLES if name != "benchmark"},
    "eval_prompts": ("eval/prompts",),
    "eval_completions": ("eval/completions",),
    "benchmark": ("eval/benchmark", "benchmark"),
}
"""View to the folders below a run where its table may be."""
CONTROLS = ("completions", "sft", "training", "benchmark")
SUFFIX = re.compile(r"[a-z0-9][a-z0-9_]*")


def schema_of(view: str) -> str:
    """The name of a view's table in the schema; KeyError for a name that is none of ours."""
    plain = view.removeprefix("control_").removeprefix("eval_")
    return next(name for name in sorted(schema.TABLES, key=len, reverse=True) if plain.startswith(name))


def views(runs: Runs, tag: str = "", mark: bool | None = None) -> dict[str, Source]:
    """View to table of one run or several. `tag`: that rerun of each. `mark`: whether rows say in a column `run` where
    they are from (None: when there are several). Raises UserError where a folder holds no table or no run has the tag.
    """
    asked = [runs] if isinstance(runs, (str, Path)) else list(runs)
    found = [(name, of_run(run, tag)) for name, run in zip(labels(asked), asked, strict=True)]
    if not (len(asked) > 1 if mark is None else mark):
        return dict(found[0][1])
    together: dict[str, list[tuple[dict[str, str], Table]]] = {}
    for run, tables in found:
        for view, table in tables.items():
            pieces = table.tables if isinstance(table, Marked) else (({}, table),)
            together.setdefault(view, []).extend(({"run": run, **marks}, piece) for marks, piece in pieces)
    return {view: Marked(tuple(pieces)) for view, pieces in together.items()}


def empty() -> dict[str, Source]:
    """Every view of a run, without rows: for queries that ask about tables which a run may not have (yet)."""
    return {view: schema.empty(schema_of(view)) for view in PLACES}


def labels(runs: Sequence[str | Path]) -> list[str]:
    """What each run is called: its folder's name, or its path where two have the same name."""
    short = [Path(os.path.abspath(run)).name for run in runs]
    return [name if short.count(name) == 1 else str(run) for name, run in zip(short, runs, strict=True)]


def place_of(run: str | Path, tag: str = "") -> RunDir:
    """The run, or a rerun of it that was kept with a tag, given as `tag` or behind an @. Raises UserError."""
    root = Path(run)
    if not tag and not root.exists() and "@" in root.name:
        name, _, tag = root.name.rpartition("@")
        root = root.with_name(name)
    if not root.is_dir():
        raise UserError(f"{run} is no folder: give that of a run, such as models/vlm_raft")
    reruns = {one.tag: one for one in all_of(root)}
    if tag not in reruns:
        raise UserError(f"--tag {tag}: {root} has {', '.join(filter(None, reruns)) or 'no rerun with a tag'}")
    return reruns[tag]


def of_run(run: str | Path, tag: str = "") -> dict[str, Table | Marked]:
    """View to table of one run."""
    place = place_of(run, tag)
    found: dict[str, Table | Marked] = {**tables_of(place)}
    reruns = {one.tag: one for one in all_of(place.root)}
    for view, places in PLACES.items():
        for name, table in _beside(place.root, places, view, reruns).items():
            found.setdefault(name, table)
    found |= _controls(Path(place.table("controls")))
    if not found:
        raise UserError(f"{run} holds no table of a run: give the folder that vlm train wrote as --output")
    return found


def tables_of(run: RunDir) -> dict[str, Table]:
    """View to table of one run, without what is beside it."""
    found = {}
    for view, places in PLACES.items():
        tables = (_table(run, place, schema_of(view)) for place in places)
        table = next((one for one in tables if one is not None), None)
        if table is not None:
            found[view] = table
    return found


def _table(run: RunDir, place: str, name: str) -> Table | None:
    folder = run.root / place
    if parts.parts_of(folder):
        return Table(str(folder), name)
    return run.tables(place, name)


def _beside(root: Path, places: Sequence[str], view: str, reruns: dict[str, RunDir]) -> dict[str, Table]:
    """The tables kept beside one: of reruns with a tag, and other folders of its name with an ending."""
    found = {}
    for place in places:
        for folder in sorted((root / place).parent.glob(f"{Path(place).name}_*")):
            end = folder.name[len(Path(place).name) + 1 :]
            if not SUFFIX.fullmatch(end) or not folder.is_dir():
                continue
            table = _table(reruns.get(end, RunDir(root)), place if end in reruns else f"{place}_{end}", schema_of(view))
            if table is not None:
                found[f"{view}_{end}"] = table
    return found


def _controls(folder: Path) -> dict[str, Marked]:
    found = {}
    for name in CONTROLS:
        pieces = []
        for control in sorted(path for path in folder.glob("*") if path.is_dir() and not path.name.startswith(".")):
            table = _table(RunDir(control), name, name)
            if table is not None:
                pieces.append(({"control": control.name}, table))
        if pieces:
            found[f"control_{name}"] = Marked(tuple(pieces))
    return found
