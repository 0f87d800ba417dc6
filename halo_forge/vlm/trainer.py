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
from halo_forge.progress import Progress
from halo_forge.stages import benchmark, filter, generate, perceive, prompts, reward, verify
from halo_forge.stages import train as training
from halo_forge.store import StaleError, Table, discard, read_json
from halo_forge.training.settings import learning_rate
from halo_forge.vlm import summary
from halo_forge.vlm.config import VLMRAFTConfig
from halo_forge.vlm.run_dir import RunDir

__all__ = ["VLMRAFTConfig", "VLMRAFTTrainer"]


class VLMRAFTTrainer:
    """Runs RAFT as `config` says, into `config.output_dir`."""

    def __init__(self, config: VLMRAFTConfig) -> None:
        self.config = config
        self.dir = RunDir(Path(config.output_dir))
        self.progress = Progress(config.quiet)
        self.card = load_card(config.dataset) if config.dataset else None
        self.replaced = False
        """Whether this run has replaced rows that later stages were made from."""

    def train(self, dataset: str | None = None) -> summary.Outcome:
        """Run the loop on `dataset` (or the config's); what it gained on the held-out test half.

        Raises UserError when an input is unusable or nothing passes the filter in the first cycle.
        """
        if dataset:
            self.config = dataclasses.replace(self.config, dataset=dataset)
        self.card = load_card(self.config.dataset)
        self._check()
        with self.dir.locked():
            prepared = self._prompts()
            self.dir.record(self.config, prepared.revisions)
            self.evaluate(0, self.config.model_name)
            done = 0
            for cycle in range(1, self.config.num_cycles + 1):
                if not self.cycle(cycle):
                    break
                done = cycle
            return self._finish(done)

    def cycle(self, cycle: int) -> bool:
        """One cycle, through its evaluation. False when nothing passed the filter: the loop ends there."""
        show = self.progress.under(f"cycle {cycle}: ")
        where = self.dir.table
        policy = self.policy(cycle - 1)
        common = {"prompts": where("prompts"), "images": where("images")}
        retry = self.config.retry_errors or not (Path(where("training", cycle)) / "_stage.json").exists()
        asked = self.generate_config(policy, cycle, common)
        self._run("generate", cycle, partial(generate.STAGE.run, retry=retry), asked, show)
        if cycle == 1:  # every cycle asks about the same images: they are looked at once
            eyes = perceive.Config(
                **common,
                output=where("evidence", 1),
                detector=self.config.detector,
                ocr=self.config.ocr,
                device=self.config.device,
            )
            self._run("perceive", cycle, partial(perceive.STAGE.run, retry=retry), eyes, show)
        self._run("verify", cycle, verify.STAGE.run, self._verify_config(cycle), show)
        combine = reward.Config(
            scores=where("scores", cycle),
            output=where("rewards", cycle),
            weights=self.config.weights,
            combine=self.config.combine,
        )
        self._run("reward", cycle, reward.STAGE.run, combine, show)
        choose = filter.Config(
            rewards=where("rewards", cycle),
            completions=where("completions", cycle),
            prompts=where("prompts"),
            output=where("sft", cycle),
            filter=self.config.filter,
            max_per_prompt=self.config.max_per_prompt,
        )
        kept = self._run("filter", cycle, filter.run, choose, show)
        if not summary.show_kept(kept, show):
            return self._nothing_passed(cycle)
        rate = learning_rate(cycle, self.config.learning_rate, self.config.lr_decay_per_cycle, self.config.min_lr)
        lesson = self.train_config(where("sft", cycle), policy, self.dir.model(cycle), cycle, rate)
        self._run("train", cycle, training.run, lesson, show)
        self.evaluate(cycle, str(self.dir.model(cycle)))
        return True

    def policy(self, cycle: int) -> str:
        """The model after `cycle`; 0 is the base."""
        return self.config.model_name if cycle == 0 else str(self.dir.model(cycle))

    def evaluate(self, cycle: int, model: str, below: str = "eval") -> Table:
        """Score `model` on the held-out rows, greedy and sampled, into `below`/benchmark."""
        where = self.dir.table
        name = f"cycle {cycle}" if below == "eval" else below.replace("controls/", "control ")
        show = self.progress.under(f"{name} eval: ")
        held_out = {"prompts": where("eval/prompts"), "images": where("images")}
        config = self.generate_config(model, cycle, held_out)
        config = dataclasses.replace(
            config, output=where(f"{below}/completions", cycle), samples=self.config.eval_samples, greedy=True
        )
        self._run("generate", cycle, generate.STAGE.run, config, show)
        scored = benchmark.Config(
            completions=config.output,
            prompts=where("eval/prompts"),
            output=where(f"{below}/benchmark", cycle),
            threshold=self._threshold(),
        )
        return self._run("benchmark", cycle, benchmark.STAGE.run, scored, show)

    def generate_config(self, model: str, cycle: int, tables: dict[str, str]) -> generate.Config:
        """How `model` samples in `cycle`."""
        c = self.config
        return generate.Config(
            **tables,
            model=model,
            output=self.dir.table("completions", cycle),
            engine=c.engine,
            samples=c.samples_per_prompt,
            temperature=c.temperature,
            top_p=c.top_p,
            max_new_tokens=c.max_new_tokens,
            seed=c.seed,
            cycle=cycle,
            batch_size=c.generate_batch_size,
            **self._pixels(),
            device=c.device,
            threads=c.threads,
            trust_remote_code=c.trust_remote_code,
        )

    def train_config(self, sft: str, model: str, output: Path, cycle: int, rate: float) -> training.Config:
        """How `model` is trained on `sft`."""
        c = self.config
        same = ("rank", "alpha", "dropout", "epochs", "max_steps", "batch_size", "micro_batch_size", "warmup_ratio")
        return training.Config(
            sft=sft,
            prompts=self.dir.table("prompts"),
            images=self.dir.table("images"),
            model=model,
            output=str(output),
            log=str(output.parent / "training" / f"cycle={cycle}"),
            cycle=cycle,
            learning_rate=rate,
            **{name: getattr(c, name) for name in same},
            seed=c.seed,
            **self._pixels(),
            device=c.device,
            threads=c.threads,
            trust_remote_code=c.trust_remote_code,
        )

    def _verify_config(self, cycle: int) -> verify.Config:
        where = self.dir.table
        return verify.Config(
            completions=where("completions", cycle),
            prompts=where("prompts"),
            evidence=where("evidence", 1),
            output=where("scores", cycle),
            threshold=self._threshold(),
            semantic=self.config.semantic,
        )

    def _prompts(self) -> prompts.Prepared:
        return self._run("prompts", 0, prompts.run, self._prompts_config(), self.progress)

    def _prompts_config(self) -> prompts.Config:
        c = self.config
        return prompts.Config(
            dataset=c.dataset,
            output=str(self.dir.root),
            split="all",
            limit=c.limit,
            eval_limit=c.eval_limit,
            seed=c.seed,
            style=c.style,
            hold_out=c.hold_out,
            data_dir=c.data_dir,
        )

    def _pixels(self) -> dict[str, int]:
        card = self.card
        return {
            "min_pixels": self.config.min_pixels or (card.min_pixels if card else None) or 0,
            "max_pixels": self.config.max_pixels or (card.max_pixels if card else None) or 0,
        }

    def _threshold(self) -> float | None:
        return self.card.threshold if self.card else None

    def _check(self) -> None:
        """Everything that can be refused is refused here, before a model loads."""
        from halo_forge.models.resolve import resolve
        from halo_forge.perception.detectors import resolve_detector
        from halo_forge.perception.ocr import resolve_ocr

        check_request(prompts.request_of(self._prompts_config(), {}))
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
        best = summary.best_cycle(scored, cycles, self.card.style if self.card else "grounded")
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
