"""RAFT on a vision-language model: the loop over stages, and nothing else.

    config = VLMRAFTConfig(model_name="Qwen/Qwen2-VL-7B-Instruct", num_cycles=6)
    VLMRAFTTrainer(config).train("textvqa")

    prompts ─ generate ─ perceive ─ verify ─ reward ─ filter ─ train ─ evaluate, once per cycle

Each step is a stage on the run directory's tables: finished ones are skipped, so the same command continues a
run that was stopped, and a higher number of cycles continues one that was finished.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from halo_forge import sql
from halo_forge.datasets.build import check as check_request
from halo_forge.datasets.cards import load_card
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.progress import Progress
from halo_forge.stages import benchmark, filter, generate, perceive, prompts, reward, verify
from halo_forge.stages import train as training
from halo_forge.store import StaleError, Table, discard
from halo_forge.vlm import summary
from halo_forge.vlm.config import VLMRAFTConfig
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.run_dir import RunDir

__all__ = ["VLMRAFTConfig", "VLMRAFTTrainer"]


class VLMRAFTTrainer:
    """Runs RAFT as `config` says, into `config.output_dir`."""

    def __init__(self, config: VLMRAFTConfig) -> None:
        self.config = config
        self.dir = RunDir(Path(config.output_dir))
        self.progress = Progress(config.quiet)
        self.replaced = False
        """Whether this run has replaced rows that later stages were made from."""

    def train(self, dataset: str | None = None) -> summary.Outcome:
        """Run the loop on `dataset` (or the config's); what it gained on the held-out test half.

        Raises UserError when an input is unusable or nothing passes the filter in the first cycle.
        """
        if dataset:
            self.config = dataclasses.replace(self.config, dataset=dataset)
        self.recipes = Recipes(self.config, self.dir, load_card(self.config.dataset))
        self._check()
        with self.dir.locked():
            prepared = self._run("prompts", 0, prompts.run, self.recipes.prompts(), self.progress)
            if not (self.dir.root / "run.json").exists():
                self.dir.record(self.config, prepared.revisions)
            self.evaluate(0, self.config.model_name)
            done = 0
            for cycle in range(1, self.config.num_cycles + 1):
                if not self.cycle(cycle):
                    break
                done = cycle
            found = self._finish(done)
            self.dir.record(self.config, prepared.revisions)  # only now do the tables agree with these settings
            return found

    def cycle(self, cycle: int) -> bool:
        """One cycle, through its evaluation. False when nothing passed the filter: the loop ends there."""
        show, make = self.progress.under(f"cycle {cycle}: "), self.recipes
        trained = (Path(self.dir.table("training", cycle)) / "_stage.json").exists()
        retry = self.config.retry_errors or not trained
        self._run("generate", cycle, partial(generate.STAGE.run, retry=retry), make.generate(cycle), show)
        if cycle == 1:
            self._run("perceive", cycle, partial(perceive.STAGE.run, retry=retry), make.perceive(), show)
        self._run("verify", cycle, verify.STAGE.run, make.verify(cycle), show)
        self._run("reward", cycle, reward.STAGE.run, make.reward(cycle), show)
        kept = self._run("filter", cycle, filter.run, make.filter(cycle), show)
        if not summary.show_kept(kept, show):
            return self._nothing_passed(cycle)
        self._run("train", cycle, training.run, make.train(cycle), show)
        self.evaluate(cycle, make.policy(cycle))
        return True

    def evaluate(self, cycle: int, model: str, below: str = "eval") -> Table:
        """Score `model` on the held-out rows, greedy and sampled, into `below`/benchmark."""
        name = f"cycle {cycle}" if below == "eval" else below.replace("controls/", "control ")
        show = self.progress.under(f"{name} eval: ")
        self._run("generate", cycle, generate.STAGE.run, self.recipes.evaluate(cycle, model, below), show)
        return self._run("benchmark", cycle, benchmark.STAGE.run, self.recipes.benchmark(cycle, below), show)

    def _check(self) -> None:
        """Everything that can be refused is refused here, before a model loads."""
        from halo_forge.models.resolve import resolve
        from halo_forge.perception.detectors import resolve_detector
        from halo_forge.perception.ocr import resolve_ocr

        check_request(prompts.request_of(self.recipes.prompts(), {}))
        sql.named_or_file("filters", self.config.filter)
        resolve_ocr(self.config.ocr)
        resolve_detector(self.config.detector)
        resolve(self.config.model_name)

    def _run(self, stage: str, cycle: int, run: Callable[..., Any], config: Any, show: Progress) -> Any:
        """Run one stage. What was made from rows that are replaced now (by --force-from, or because a failed row
        was tried again) is thrown away and made anew; a table of other settings stops the run.
        """
        if stage == self.config.force_from and cycle >= self.config.cycle:
            self._throw_away(stage, config)
            self.replaced = True
        before = _digest(config)
        try:
            made = run(config, progress=show)
        except StaleError:
            if not self.replaced:
                raise
            self._throw_away(stage, config)
            made = run(config, progress=show)
        self.replaced = self.replaced or before not in (None, _digest(config))
        return made

    def _throw_away(self, stage: str, config: Any) -> None:
        if stage == "prompts":
            for name in ("images", "prompts", "eval/prompts"):
                discard(self.dir.table(name))
            return
        discard(config.output)
        if stage == "train":
            discard(config.log)

    def _nothing_passed(self, cycle: int) -> bool:
        reason = "no completion passed the filter"
        if cycle == 1:
            raise UserError(
                f"cycle 1: {reason}, so there is nothing to train on: look at the reasons with "
                f"stages/filter.py, raise --samples or --temperature, or start from a better model"
            )
        self.progress.note(f"cycle {cycle}: {reason}; the run ends with cycle {cycle - 1}")
        return False

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


def _digest(config: Any) -> str | None:
    """Digest of the finished table that a stage's config names as its output, None where there is none."""
    record = read_json(Path(config.output) / "_stage.json")
    return record["digest"] if record else None
