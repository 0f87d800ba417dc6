"""What a run would do: for each step whether it is there, would run, or no longer fits, and why. Runs nothing.

`cached`: finished under the same key. `to run`: not there, or only in part. `changed`: made with other settings, so
that training would stop there, or go on beside it or over it where the flags say so. `stale`: made from something
that will be made anew.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge import keys
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.models.folder import record_of
from halo_forge.parts import BEGUN, FINISHED
from halo_forge.vlm import further
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.run_dir import MAKER, Position, RunDir, position
from halo_forge.vlm.steps import Step, output_of, reads, steps

CACHED, TO_RUN, CHANGED, STALE = "cached", "to run", "changed", "stale"


@dataclass(frozen=True)
class Planned:
    """A step and its state. `done`: rows that are there already and stay."""

    step: Step
    config: Any
    state: str
    reason: str = ""
    done: int = 0


def planned(recipes: Recipes) -> list[Planned]:
    """The state of every step of the run that `recipes` describe, in order. Raises UserError where an input of
    the first step is unusable."""
    asked = recipes.config
    stage = asked.start_from or asked.force_from
    start = position(stage, asked.cycle) if stage else None
    recipes = dataclasses.replace(recipes, dir=dataclasses.replace(recipes.dir, tag=asked.tag, start=start))
    found: list[Planned] = []
    moved: dict[str, str] = {}
    """Place that will be made anew to the name of what makes it."""
    for step in steps(asked.num_cycles, further=recipes.further > 0):
        made = _planned(step, recipes, start, moved)
        if made.state == CHANGED and asked.tag and recipes.dir.start is None and step.name != "prompts":
            recipes = dataclasses.replace(
                recipes, dir=dataclasses.replace(recipes.dir, start=further.beside(step, recipes))
            )
            beside = _planned(step, recipes, None, moved)
            made = dataclasses.replace(beside, reason=beside.reason or f"beside, as {asked.tag}: {made.reason}")
        found.append(made)
        if made.state != CACHED:
            moved.update(dict.fromkeys(_makes(step, made.config, recipes.dir), f"{step.name} of cycle {step.cycle}"))
    return found


def _planned(step: Step, recipes: Recipes, start: Position | None, moved: dict[str, str]) -> Planned:
    config, asked = step.config(recipes), recipes.config
    folder = Path(output_of(config))
    begun, finished = read_json(folder / BEGUN), (folder / FINISHED).exists()
    if start and step.position < start:
        if finished:
            return Planned(step, config, CACHED, "taken as it stands")
        return Planned(step, config, TO_RUN, f"needed before --from {asked.start_from or asked.force_from}")
    above = next((moved[place] for place in reads(config) if place in moved), "")
    if above:
        return Planned(step, config, STALE if begun else TO_RUN, f"its input is made by {above}" if begun else "")
    if step.stage == asked.force_from and step.cycle >= asked.cycle and begun:
        return Planned(step, config, TO_RUN, "--force-from makes it anew")
    if begun is None:
        late = "" if asked.force_from else further.too_late(step, recipes)
        return Planned(step, config, CHANGED if late else TO_RUN, late)
    payload = keys.canonical(step.payload(config))
    if begun["key"] != keys.sha256_json(payload):
        return Planned(step, config, CHANGED, "; ".join(keys.diff(begun["payload"], payload)) or "its form")
    return _same_key(step, config, folder, begun, finished)


def _same_key(step: Step, config: Any, folder: Path, begun: dict[str, Any], finished: bool) -> Planned:
    records = [record for file in sorted(folder.glob("part-*.json")) if (record := read_json(file))]
    rows = sum(record.get("rows", 0) for record in records)
    owed = sum(record.get("owed", 0) for record in records) if step.rows else 0
    if not finished:
        return Planned(step, config, TO_RUN, f"{len(records)} of {len(begun['ranges'])} parts are there", rows)
    if step.name == "train" and record_of(Path(config.output)) is None:
        return Planned(step, config, TO_RUN, "its model is gone")
    if owed:
        return Planned(step, config, CACHED, f"{owed} rows failed and may be tried again", rows)
    return Planned(step, config, CACHED, "", rows)


def _makes(step: Step, config: Any, run: RunDir) -> list[str]:
    """Places that other steps read from this one."""
    if step.name == "prompts":
        return [run.table(name) for name, maker in MAKER.items() if maker == "prompts"]
    return [str(config.output)]


def advice(found: list[Planned], recipes: Recipes) -> str:
    """What training would do about the first changed step, as a line; empty where nothing has changed."""
    asked = recipes.config
    first = next((one for one in found if one.state == CHANGED), None)
    if first is None:
        return ""
    if asked.force_from and first.step.position >= position(asked.force_from, asked.cycle):
        return f"--force-from {asked.force_from} replaces what has changed and what follows"
    where = f" --cycle {first.step.cycle}" if first.step.cycle else ""
    beside = "" if first.step.name == "prompts" else ", or --tag NAME to keep both"
    return (
        f"vlm train would stop at {first.step.stage} of cycle {first.step.cycle}: continue with --force-from "
        f"{first.step.stage}{where}{beside}"
    )


def refuse_other_dataset(recipes: Recipes) -> None:
    """The folder of another run is told before anything is read. Raises UserError."""
    about = read_json(recipes.dir.about)
    if about and about.get("config", {}).get("dataset") not in ("", None, recipes.config.dataset):
        raise UserError(f"{recipes.dir.root} is a run on {about['config']['dataset']}: give another --output")
