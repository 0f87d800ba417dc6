"""How long a row of each stage takes on this machine: from the records of a run, or from a probe of a few rows.

Records hold seconds of work without loading; so a rate is what a longer run will see.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halo_forge.engines.isolated import isolated
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.progress import Progress
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.run_dir import RunDir
from halo_forge.vlm.steps import Step, output_of, steps

PROBE_PROMPTS = 32
"""At most; one batch of generation, because a batch of 4 takes nearly as long as one of 32."""
PROBE_STEPS = 2


@dataclass
class Rates:
    """By step of run_dir.ORDER: `rows` done, in `seconds`, with `tokens`, into `bytes` on disk; `source` says from
    where. Of train, rows are optimizer steps."""

    source: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, folder: Path) -> None:
        """Count the parts of one table; further samples count as the first ones."""
        name = name.removeprefix("more/")
        for file in folder.glob("part-*.json"):
            record, part = read_json(file) or {}, file.with_suffix(".parquet")
            if "seconds" not in record or not part.exists():
                continue
            self.seconds[name] = self.seconds.get(name, 0.0) + record["seconds"]
            whole = ((self.rows, record["rows"]), (self.tokens, record.get("tokens", 0)))
            for counts, value in (*whole, (self.bytes, part.stat().st_size)):
                counts[name] = counts.get(name, 0) + value

    def per_row(self, name: str, what: dict[str, Any]) -> float | None:
        """`what` for each row of a step; evaluate counts as generate, and the other way round."""
        name = name.removeprefix("more/")
        for known in (name, {"generate": "evaluate", "evaluate": "generate"}.get(name, name)):
            if self.rows.get(known):
                return float(what.get(known, 0)) / self.rows[known]
        return None


def of_run(recipes: Recipes, found: Iterable[Step]) -> Rates:
    """Rates of what this run has done so far."""
    rates = Rates("earlier parts of this run")
    for step in found:
        rates.add(step.name, Path(output_of(step.config(recipes))))
    return rates


def probe(recipes: Recipes, show: Progress) -> Rates:
    """Rates of a run on a few rows in a folder that goes away again: generation, perception, verification, and
    two steps of training on whatever was sampled. Loads the model."""
    with tempfile.TemporaryDirectory(prefix="halo-forge-probe-") as name:
        prompts = min(PROBE_PROMPTS, recipes.config.generate_batch_size)
        small = dataclasses.replace(
            recipes.config,
            output_dir=name,
            num_cycles=1,
            limit=prompts,
            eval_limit=1,
            max_steps=PROBE_STEPS,
            samples_max=0,
            filter="unverified",
            start_from="",
            force_from="",
            tag="",
            cycle=0,
        )
        tried = dataclasses.replace(recipes, config=small, dir=RunDir(Path(name)))
        rates = Rates(f"a probe of {prompts} prompts")
        for step in steps(1):
            if step.name in ("evaluate", "benchmark"):  # as generate, and nothing
                continue
            config = step.config(tried)
            try:
                isolated(step.stage, step.run, config, progress=Progress(quiet=True))
            except UserError as error:
                show.note(f"plan: the probe ended at {step.name}: {error}")
                break
            rates.add(step.name, Path(output_of(config)))
        return rates
