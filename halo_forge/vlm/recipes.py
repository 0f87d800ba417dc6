"""From a run's settings to the config of each stage: where its tables are and which settings it takes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from halo_forge.datasets.card import Card
from halo_forge.stages import benchmark, filter, perceive, prompts, reward, verify
from halo_forge.stages import generate as generation
from halo_forge.stages import train as training
from halo_forge.training.settings import learning_rate
from halo_forge.vlm.config import VLMRAFTConfig
from halo_forge.vlm.run_dir import RunDir


@dataclass(frozen=True)
class Recipes:
    """Configs of the stages of one run."""

    config: VLMRAFTConfig
    dir: RunDir
    card: Card

    def _same(self, config: type, *names: str) -> dict[str, Any]:
        """Settings that a stage and the run call by the same name, of those listed or of all execution flags."""
        known = {field.name for field in fields(config)}
        shared = (*names, "seed", "device", "threads", "trust_remote_code")
        return {name: getattr(self.config, name) for name in shared if name in known}

    def _pixels(self) -> dict[str, int]:
        return {
            name: getattr(self.config, name) or getattr(self.card, name) or 0 for name in ("min_pixels", "max_pixels")
        }

    def prompts(self) -> prompts.Config:
        """Train and held-out prompts of the dataset."""
        names = ("dataset", "limit", "eval_limit", "style", "hold_out", "data_dir")
        return prompts.Config(output=str(self.dir.root), split="all", **self._same(prompts.Config, *names))

    def policy(self, cycle: int) -> str:
        """The model after `cycle`; 0 is the base."""
        return self.config.model_name if cycle == 0 else str(self.dir.model(cycle))

    def label(self, cycle: int) -> str:
        """What tables call the policy after `cycle`: no path, so that a run may move and be compared."""
        return self.config.model_name if cycle == 0 else f"cycle_{cycle}"

    def generate(self, cycle: int) -> generation.Config:
        """Samples of the policy of the cycle before."""
        c = self.config
        return generation.Config(
            prompts=self.dir.table("prompts"),
            images=self.dir.table("images"),
            model=self.policy(cycle - 1),
            label=self.label(cycle - 1),
            output=self.dir.table("completions", cycle),
            samples=c.samples_per_prompt,
            batch_size=c.generate_batch_size,
            cycle=cycle,
            **self._pixels(),
            **self._same(generation.Config, "engine", "temperature", "top_p", "max_new_tokens"),
        )

    def evaluate(self, cycle: int, model: str, below: str) -> generation.Config:
        """Completions of the held-out prompts: the greedy one first, then samples."""
        c = self.config
        return generation.Config(
            prompts=self.dir.table("eval/prompts"),
            images=self.dir.table("images"),
            model=model,
            label=self.label(cycle) if below == "eval" else below,
            output=self.dir.table(f"{below}/completions", cycle),
            samples=c.eval_samples,
            greedy=True,
            batch_size=c.generate_batch_size,
            cycle=cycle,
            **self._pixels(),
            **self._same(generation.Config, "engine", "temperature", "top_p", "max_new_tokens"),
        )

    def benchmark(self, cycle: int, below: str) -> benchmark.Config:
        """Scores of the held-out completions."""
        return benchmark.Config(
            completions=self.dir.table(f"{below}/completions", cycle),
            prompts=self.dir.table("eval/prompts"),
            output=self.dir.table(f"{below}/benchmark", cycle),
            threshold=self.card.threshold,
        )

    def perceive(self) -> perceive.Config:
        """Evidence of all train images: every cycle asks about the same ones, so they are looked at once."""
        return perceive.Config(
            prompts=self.dir.table("prompts"),
            images=self.dir.table("images"),
            output=self.dir.table("evidence", 1),
            **self._same(perceive.Config, "detector", "ocr"),
        )

    def verify(self, cycle: int) -> verify.Config:
        """Scores of a cycle's completions."""
        return verify.Config(
            completions=self.dir.table("completions", cycle),
            prompts=self.dir.table("prompts"),
            evidence=self.dir.table("evidence", 1),
            output=self.dir.table("scores", cycle),
            threshold=self.card.threshold,
            semantic=self.config.semantic,
        )

    def reward(self, cycle: int) -> reward.Config:
        """Rewards of a cycle's scores."""
        return reward.Config(
            scores=self.dir.table("scores", cycle),
            output=self.dir.table("rewards", cycle),
            weights=self.config.weights,
            combine=self.config.combine,
        )

    def filter(self, cycle: int) -> filter.Config:
        """What of a cycle is trained on."""
        return filter.Config(
            rewards=self.dir.table("rewards", cycle),
            completions=self.dir.table("completions", cycle),
            prompts=self.dir.table("prompts"),
            output=self.dir.table("sft", cycle),
            **self._same(filter.Config, "filter", "max_per_prompt"),
        )

    def train(self, cycle: int) -> training.Config:
        """The policy of the cycle before, trained further at the cycle's learning rate."""
        c = self.config
        rate = learning_rate(cycle, c.learning_rate, c.lr_decay_per_cycle, c.min_lr)
        return self.lesson(self.dir.table("sft", cycle), self.policy(cycle - 1), self.dir.model(cycle), cycle, rate)

    def lesson(self, sft: str, model: str, output: Path, cycle: int, rate: float) -> training.Config:
        """`model` trained on `sft` into `output`."""
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
            **self._pixels(),
            **self._same(training.Config, *same),
        )
