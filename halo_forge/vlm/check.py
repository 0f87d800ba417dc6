"""Is a run whole? Every part against its record, every table against what it was made from, every invariant."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from halo_forge import parts
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.store import Table
from halo_forge.vlm import summary
from halo_forge.vlm.run_dir import SAMPLED, RunDir, all_of


def check(run: str) -> list[str]:
    """What was checked, line by line. Raises UserError naming the first part that is not what its record says."""
    root = Path(run)
    if not (root / "run.json").exists():
        raise UserError(f"{run} is no run directory: it has no run.json")
    folders = parts.tables(root)
    count = sum(parts.verify(folder) for folder in folders)
    unfinished = [folder for folder in folders if not (folder / parts.FINISHED).exists()]
    lines = [f"{count} parts are what their records say"]
    lines += [
        f"{folder.relative_to(root)} is unfinished: the same vlm train command completes it" for folder in unfinished
    ]
    lines += [f"stale: {line}" for line in stale(root)]
    if not unfinished:
        for each in all_of(root):
            summary.check(each)
        lines.append(f"{len(summary.CHECKS)} invariants hold: {', '.join(summary.CHECKS)}")
    return lines


def stale(root: Path) -> Iterator[str]:
    """Models marked stale, and finished tables made from an input that is not in the run any more."""
    for model, reason in RunDir(root).stale().items():
        yield f"{model}: {reason}; run halo-forge vlm train with as many cycles to make it again"
    finished = {folder: read_json(folder / parts.FINISHED) for folder in parts.tables(root)}
    known = {record["digest"] for record in finished.values() if record} | set(_joined(root))
    for folder in finished:
        begun: dict[str, Any] = (read_json(folder / parts.BEGUN) or {}).get("payload", {})
        if begun.get("stage") == "prompts":  # its inputs are the dataset's files
            continue
        for name, digest in begun.get("inputs", {}).items():
            if digest not in known:
                yield f"{folder.relative_to(root)} was made from {name} that are not in this run any more"


def _joined(root: Path) -> Iterator[str]:
    """Digests of what stages read as one table: the evidence, and what was kept, of all cycles up to one; and the
    samples of a cycle with the further ones."""
    for run in all_of(root):
        for name in ("evidence", "sft", *SAMPLED):
            places: list[str] = []
            for cycle in itertools.count(1):
                if not (Path(run.table(name, cycle)) / parts.FINISHED).exists():
                    break
                places = [*([] if name in SAMPLED else places), *run.places(name, cycle)]
                yield Table(places[0], name, tuple(places[1:])).digest
