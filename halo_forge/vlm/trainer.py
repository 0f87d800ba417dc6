"""RAFT on a vision-language model: the loop over stages, and nothing else.

    config = VLMRAFTConfig(model_name="Qwen/Qwen2-VL-7B-Instruct", num_cycles=6)
    VLMRAFTTrainer(config).train("textvqa")

    prompts ─ generate ─ perceive ─ verify ─ reward ─ filter ─ train ─ evaluate, once per cycle

Each step is a stage on the run directory's tables: finished ones are skipped, so the same command continues a
run that was stopped, and a higher number of cycles continues one that was finished.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_forge import executor, keys, sql
from halo_forge.datasets.cards import card_of
from halo_forge.datasets.given import from_dataset
from halo_forge.datasets.identity import revisions
from halo_forge.engines.isolated import isolated
from halo_forge.errors import UserError
from halo_forge.files import read_json, write_json
from halo_forge.progress import Progress
from halo_forge.stages import prompts
from halo_forge.store import StaleError, Table, discard
from halo_forge.vlm import further, push, summary
from halo_forge.vlm.config import VLMRAFTConfig
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.run_dir import Position, RunDir, merged, position
from halo_forge.vlm.steps import Step, output_of, owes, steps
from halo_forge.vlm.tracking import Tracking
from halo_forge.vlm.watch import watched

if TYPE_CHECKING:
    from datasets import Dataset

__all__ = ["VLMRAFTConfig", "VLMRAFTTrainer"]
REPLACING = ".replacing.json"
"""While tables are being replaced: since which position, and by which settings. A run that was killed in between
goes on from it."""


class VLMRAFTTrainer:
    """Runs RAFT as `config` says, into `config.output_dir`."""

    def __init__(self, config: VLMRAFTConfig) -> None:
        self.config = config
        self.progress = Progress(config.quiet, events=config.json)
        stage = config.start_from or config.force_from
        self.start: Position | None = position(stage, config.cycle) if stage else None
        """Steps before it are taken as they stand."""
        self.dir = RunDir(Path(config.output_dir), config.tag, self.start)
        self.replacing: Position | None = None
        """Tables of other settings from here on may go."""

    def train(self, dataset: str | Dataset | None = None) -> summary.Outcome:
        """Run the loop on `dataset` (or the config's); what it gained on the held-out test half.

        A `datasets.Dataset` has the columns of one's own rows, or those that the config names. Raises UserError
        when an input is unusable or nothing passes the filter in the first cycle.
        """
        if dataset is not None and not isinstance(dataset, str):
            dataset = from_dataset(dataset, self.dir.root / "dataset", image_column=self.config.image_column)
        if dataset:
            self.config = dataclasses.replace(self.config, dataset=dataset)
        self.checked()
        with self.dir.locked(), Tracking(self) as tracking:
            self.progress = dataclasses.replace(self.progress, heard=tracking.heard)
            self._begin()
            done = 0
            for step in watched(self, self.steps()):
                tracking.begin(step)
                made = self.step(step)
                tracking.end(step)
                if step.name == "prompts" and not self.dir.about.exists():
                    self.dir.record(self.config, self._revisions())
                if step.name == "more/reward":
                    further.show(self.recipes, step.cycle, self.progress.under(f"cycle {step.cycle}: "))
                if step.name == "filter" and not summary.show_kept(made, self.progress.under(step.title)):
                    self._nothing_passed(step.cycle)
                    break
                done = step.cycle
            found = self._finish(done)
            self.dir.record(self.config, self._revisions())  # only now do the tables agree with these settings
            (self.dir.root / REPLACING).unlink(missing_ok=True)
            if self.config.push_to_hub:
                push.finished(self.dir, self.config, self.progress)
            return found

    def checked(self) -> Recipes:
        """The recipes of the run, after everything that can be refused before a model loads. Raises UserError."""
        self.recipes = Recipes(self.config, self.dir, card_of(self.config, must_exist=False))
        check(self.recipes)
        return self.recipes

    def steps(self) -> list[Step]:
        """The steps of the run, in order."""
        return steps(self.config.num_cycles, further=self.recipes.further > 0)

    def step(self, step: Step) -> Any:
        """Bring the table of one step up to date and return it.

        Before the start it is taken as it stands. A table of other settings is thrown away where tables are
        being replaced, kept with this one beside it under a tag, and otherwise stops the run.
        """
        if self.start and step.position < self.start:
            return self._as_it_stands(step)
        show = self.progress.under(step.title)
        retry = step.rows and self._retry(step)
        options = {"retry": True} if retry else {}
        while True:
            config = step.config(self.recipes)
            if retry and owes(config):
                self._replace(step.position, f"failed rows of {step.stage} in cycle {step.cycle} were tried again")
            try:
                if not self._replaces(step) and (change := further.too_late(step, self.recipes)):
                    raise StaleError(change, [change])
                made = isolated(step.stage, step.run, config, progress=show, **options)
            except StaleError as stale:
                self._make_room(step, config, stale)
                continue
            if step.name == "train":
                self.dir.unmark(Path(config.output))
            return made

    def _begin(self) -> None:
        """Say what is replaced before it is, and throw away what --force-from names; once, if we were killed."""
        settings = keys.sha256_json({**executor.identity_of(self.config), "model": self.config.model_name})
        self._settings = {"settings": settings, "tag": self.config.tag}
        note = read_json(self.dir.root / REPLACING) or {}
        if note.get("for") == self._settings:
            self.replacing = tuple(note["since"])
        forced, where = self.config.force_from, f"{self.config.force_from} {self.config.cycle}"
        if not forced or (self.replacing and note.get("forced") == where):
            return
        self._replace(position(forced, self.config.cycle), f"--force-from {forced} replaced what it was made from")
        for step in self.steps():
            if step.stage == forced and step.cycle >= self.config.cycle:
                self._throw_away(step, step.config(self.recipes))
        self._note(where)

    def _replace(self, since: Position, reason: str) -> None:
        """From `since` on tables of other keys may go; models that hang on them are stale until made again."""
        self.replacing = min(since, self.replacing or since)
        self._note("")
        self.dir.mark_stale(since, reason)

    def _note(self, forced: str) -> None:
        note = {"for": self._settings, "since": list(self.replacing or ()), "forced": forced}
        write_json(self.dir.root / REPLACING, note)

    def _make_room(self, step: Step, config: Any, stale: StaleError) -> None:
        """For a table of other settings: throw it away, or go beside it under the tag, or stop."""
        if self._replaces(step):
            self._throw_away(step, config)
            return
        changes = "; ".join(stale.changes) or str(stale)
        if self.config.tag and self.dir.start is None and step.name != "prompts":
            self.dir = dataclasses.replace(self.dir, start=further.beside(step, self.recipes))
            self.recipes = dataclasses.replace(self.recipes, dir=self.dir)
            self.dir.record(self.config, self._revisions())
            self.progress.note(f"{step.title}{step.stage}: {changes}: from here on beside, as {self.config.tag}")
            return
        where = f" --cycle {step.cycle}" if step.cycle else ""
        tag = f" --tag {self.config.tag}" if self.config.tag else ""
        beside = "" if step.name == "prompts" else f", --tag {'another' if tag else 'NAME'} to keep both"
        raise StaleError(
            f"{output_of(config)} was made with other settings: {changes}. Continue with --force-from "
            f"{step.stage}{where}{tag} to rebuild it and what follows{beside}, or give another --output",
            stale.changes,
        ) from stale

    def _replaces(self, step: Step) -> bool:
        """Whether a table of other settings at this step may go."""
        return self.replacing is not None and step.position >= self.replacing

    def _throw_away(self, step: Step, config: Any) -> None:
        """Remove the result of a step."""
        if step.name == "prompts":
            for name in ("images", "prompts", "eval/prompts"):
                discard(Path(config.output) / name)
            return
        if step.name == "filter" and not self.recipes.further:
            further.throw_away(self.recipes, step.cycle)
        if step.name == "train":
            discard(merged(Path(config.output)))
            discard(config.log)
        discard(config.output)

    def _as_it_stands(self, step: Step) -> Any:
        folder = output_of(step.config(self.recipes))
        if not (Path(folder) / "_stage.json").exists():
            start = self.config.start_from or self.config.force_from
            raise UserError(f"cannot start at {start}: {folder} before it is not finished; run without --from first")
        return Table(folder, "sft") if step.name == "filter" else None

    def _retry(self, step: Step) -> bool:
        """Whether failed rows are tried again: until the next training has used what they belong to."""
        trained = step.cycle + (step.name in ("evaluate", "benchmark"))
        done = (Path(self.dir.table("training", trained)) / "_stage.json").exists()
        return self.config.retry_errors or not done

    def _revisions(self) -> dict[str, str]:
        """Hub commits that the prompts were read at."""
        begun = read_json(Path(self.dir.table("images")) / "_begin.json")
        return revisions(begun["payload"]["inputs"]) if begun else {}

    def _nothing_passed(self, cycle: int) -> None:
        reason = "no completion passed the filter"
        if cycle == 1:
            raise UserError(
                f"cycle 1: {reason}, so there is nothing to train on: look at the reasons with "
                f"stages/filter.py, raise --samples or --temperature, or start from a better model"
            )
        self.progress.note(f"cycle {cycle}: {reason}; the run ends with cycle {cycle - 1}")

    def _finish(self, cycles: int) -> summary.Outcome:
        """Pick the best cycle on the dev half, run the controls and the checks, and tell what was gained."""
        scored = self.dir.tables("eval/benchmark", "benchmark")
        best = summary.best_cycle(scored, cycles, self.recipes.card.style)
        self.dir.point_best(best)
        if self.config.controls:
            from halo_forge.vlm import controls

            controls.run(self, cycles)
        summary.check(self.dir)
        return summary.outcome(self.dir, best, cycles)


def check(recipes: Recipes) -> None:
    """Everything that can be refused is refused here, before a model loads. Raises UserError."""
    from halo_forge.engines.choose import check_for_training
    from halo_forge.models.resolve import resolve
    from halo_forge.perception.detectors import resolve_detector
    from halo_forge.perception.ocr import resolve_ocr
    from halo_forge.verifiers import custom

    if not recipes.config.start_from:
        prompts.check(recipes.prompts())
    sql.named_or_file("filters", recipes.config.filter)
    sql.named_or_file("more", recipes.config.more)
    custom.load(recipes.config.verifier)
    resolve_ocr(recipes.config.ocr)
    resolve_detector(recipes.config.detector)
    resolve(recipes.config.model_name)
    check_for_training(recipes.config.engine, recipes.config.base_url)
    if recipes.config.push_to_hub:
        push.checked(recipes.config.push_to_hub)
