"""From a run's settings to the config of each stage: where its tables are and which settings it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from halo_forge.datasets.build import styles
from halo_forge.datasets.card import Card
from halo_forge.datasets.overrides import NAMES
from halo_forge.engines.choose import begun_with
from halo_forge.stages import benchmark, filter, more, perceive, prompts, reward, verify
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

    @property
    def samples(self) -> int:
        """Completions of one prompt: those of a question are divided among its styles."""
        return math.ceil(self.config.samples_per_prompt / len(self._styles()))

    @property
    def further(self) -> int:
        """Completions that a prompt gets on top of those where it is sampled further; 0: none ever is."""
        return max(math.ceil(self.config.samples_max / len(self._styles())) - self.samples, 0)

    def _styles(self) -> list[str]:
        return styles(self.card, self.config.style)

    def _pixels(self) -> dict[str, int]:
        return {
            name: getattr(self.config, name) or getattr(self.card, name) or 0 for name in ("min_pixels", "max_pixels")
        }

    def prompts(self) -> prompts.Config:
        """Train and held-out prompts of the dataset."""
        names = ("dataset", "limit", "eval_limit", "style", "hold_out", "data_dir", "allow_urls", "url_hosts", *NAMES)
        return prompts.Config(output=str(self.dir.root), split="all", **self._same(prompts.Config, *names))

    def policy(self, cycle: int) -> str:
        """The model after `cycle`; 0 is the base."""
        return self.config.model_name if cycle == 0 else str(self.dir.model(cycle))

    def label(self, cycle: int) -> str:
        """What tables call the policy after `cycle`: no path, so that a run may move and be compared."""
        return self.config.model_name if cycle == 0 else self.dir.model(cycle).name

    def _engine(self) -> str:
        """What generates: `auto` is decided by the first table of a run, the base's, so that all are sampled alike."""
        if self.config.engine != "auto":
            return self.config.engine
        return begun_with(self.dir.table("eval/completions", 0)) or "auto"

    def _answers(self, below: str, cycle: int, model: str, label: str, **own: Any) -> generation.Config:
        """Completions of `model` for the prompts `below` the run, or below a folder of it."""
        same = ("temperature", "top_p", "max_new_tokens", "quantization", "batch_invariant")
        where = ("tensor_parallel", "base_url", "concurrency", "timeout")
        return generation.Config(
            images=self.dir.table("images"),
            model=model,
            label=label,
            output=self.dir.table(f"{below}completions", cycle),
            engine=self._engine(),
            batch_size=self.config.generate_batch_size,
            cycle=cycle,
            **own,
            **self._pixels(),
            **self._same(generation.Config, *same, *where),
        )

    def generate(self, cycle: int) -> generation.Config:
        """Samples of the policy of the cycle before."""
        model, label = self.policy(cycle - 1), self.label(cycle - 1)
        own = {"prompts": self.dir.table("prompts"), "samples": self.samples, "per_cycle": self._per_cycle()}
        return self._answers("", cycle, model, label, **own)

    def evaluate(self, cycle: int, model: str, below: str) -> generation.Config:
        """Completions of the held-out prompts: the greedy one first, then samples."""
        label = self.label(cycle) if below == "eval" else below
        own = {"prompts": self.dir.table("eval/prompts"), "samples": self.config.eval_samples, "greedy": True}
        return self._answers(f"{below}/", cycle, model, label, **own)

    def benchmark(self, cycle: int, below: str) -> benchmark.Config:
        """Scores of the held-out completions."""
        return benchmark.Config(
            completions=self.dir.table(f"{below}/completions", cycle),
            prompts=self.dir.table("eval/prompts"),
            output=self.dir.table(f"{below}/benchmark", cycle),
            threshold=self.card.threshold,
        )

    def _per_cycle(self) -> int:
        """Prompts of a cycle; those of all styles count, so that a question keeps its own."""
        return self.config.prompts_per_cycle * len(self._styles())

    def perceive(self, cycle: int) -> perceive.Config:
        """Evidence of the images that the cycle asks about and no earlier one did: each is looked at once."""
        return perceive.Config(
            prompts=self.dir.table("prompts"),
            images=self.dir.table("images"),
            known=tuple(self.dir.table("evidence", earlier) for earlier in range(1, cycle)),
            output=self.dir.table("evidence", cycle),
            cycle=cycle,
            per_cycle=self._per_cycle(),
            **self._same(perceive.Config, "detector", "ocr"),
        )

    def more(self, cycle: int) -> more.Config:
        """Which prompts of a cycle are sampled further."""
        return more.Config(
            rewards=self.dir.table("rewards", cycle),
            completions=self.dir.table("completions", cycle),
            output=self.dir.table("more", cycle),
            further=self.further,
            query=self.config.more,
            cycle=cycle,
            **self._same(more.Config, "max_per_prompt"),
        )

    def generate_more(self, cycle: int) -> generation.Config:
        """Further samples of the same policy, at temperature 1 and with seeds of their own; no more completions at
        once than before."""
        few = max(self.config.generate_batch_size * self.samples // self.further, 1)
        own: dict[str, Any] = {
            "more": self.dir.table("more", cycle),
            "samples": self.further,
            "first_index": self.samples,
            "batch_size": few,
        }
        place = self.dir.table("more/completions", cycle)
        return replace(self.generate(cycle), **own, output=place, temperature=1.0, per_cycle=0)

    def verify_more(self, cycle: int) -> verify.Config:
        """Scores of the further samples."""
        places = {"completions": self.dir.table("more/completions", cycle)}
        return replace(self.verify(cycle), **places, output=self.dir.table("more/scores", cycle))

    def reward_more(self, cycle: int) -> reward.Config:
        """Rewards of the further samples."""
        places = {"scores": self.dir.table("more/scores", cycle), "output": self.dir.table("more/rewards", cycle)}
        return replace(self.reward(cycle), **places)

    def verify(self, cycle: int) -> verify.Config:
        """Scores of a cycle's completions."""
        return verify.Config(
            completions=self.dir.table("completions", cycle),
            prompts=self.dir.table("prompts"),
            evidence=tuple(self.dir.table("evidence", seen) for seen in range(1, cycle + 1)),
            output=self.dir.table("scores", cycle),
            threshold=self.card.threshold,
            semantic=self.config.semantic,
            verifier=self.config.verifier,
        )

    def reward(self, cycle: int) -> reward.Config:
        """Rewards of a cycle's scores."""
        return reward.Config(
            scores=self.dir.table("scores", cycle),
            output=self.dir.table("rewards", cycle),
            weights=self.config.weights,
            weight=self.config.weight,
            combine=self.config.combine,
        )

    def _sampled(self, name: str, cycle: int) -> tuple[str, ...]:
        """A table of a cycle, and that of the further samples."""
        further = (self.dir.table(f"more/{name}", cycle),) if self.further else ()
        return (self.dir.table(name, cycle), *further)

    def filter(self, cycle: int) -> filter.Config:
        """What of a cycle is trained on."""
        both = len(self._styles()) > 1
        return filter.Config(
            rewards=self._sampled("rewards", cycle),
            completions=self._sampled("completions", cycle),
            prompts=self.dir.table("prompts"),
            scores=self._sampled("scores", cycle),
            history=tuple(self.dir.table("sft", earlier) for earlier in range(1, cycle)),
            output=self.dir.table("sft", cycle),
            transfer=both if self.config.transfer is None else self.config.transfer,
            cycle=cycle,
            **self._same(filter.Config, "filter", "max_per_prompt", "all_right_share", "replay"),
        )

    def train(self, cycle: int) -> training.Config:
        """The policy of the cycle before, or the base, trained at the cycle's learning rate."""
        c = self.config
        rate = learning_rate(cycle, c.learning_rate, c.lr_decay_per_cycle, c.min_lr)
        model = self.policy(0 if c.start == "base" else cycle - 1)
        lesson = self.lesson(
            self.dir.table("sft", cycle), model, self.dir.model(cycle), self.dir.table("training", cycle), cycle, rate
        )
        return replace(lesson, **self._same(training.Config, "objective", "beta", "patience", "merge"))

    def lesson(self, sft: str, model: str, output: Path, log: str, cycle: int, rate: float) -> training.Config:
        """`model` trained on `sft` into `output` with cross-entropy, the training table at `log`."""
        form = ("mode", "train_vision", "num_processes", "gradient_checkpointing")
        same = ("rank", "alpha", "dropout", "epochs", "max_steps", "batch_size", "micro_batch_size", "warmup_ratio")
        return training.Config(
            sft=sft,
            prompts=self.dir.table("prompts"),
            images=self.dir.table("images"),
            model=model,
            output=str(output),
            log=log,
            cycle=cycle,
            learning_rate=rate,
            **self._pixels(),
            **self._same(training.Config, *form, *same),
        )
