"""Settings of a RAFT run: one definition for the Python door, the flags and the config file.

Precedence: flag, then `--config` file, then the card's `defaults`, then the defaults here.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.config import execution, identity, target, weights
from halo_forge.errors import UserError, nearest

STAGES = ("prompts", "perceive", "generate", "verify", "reward", "filter", "train", "benchmark")


@dataclass(frozen=True)
class VLMRAFTConfig:
    """What a run samples, verifies, keeps and trains. Defaults are for a 7B model on one GPU."""

    dataset: str = identity("", "a named set (vlm datasets), a card .yaml, .jsonl, .parquet, or a folder")
    model_name: str = weights(
        "Qwen/Qwen2-VL-7B-Instruct", "hub id, folder, cycle_N, or bundled:shapes/base", flag="model"
    )
    output_dir: str = target("models/vlm_raft", "the run directory", flag="output")
    num_cycles: int = execution(6, "cycles of sampling, verifying and training", flag="cycles")

    limit: int | None = identity(None, "train rows (none: all)")
    eval_limit: int | None = identity(500, "held-out rows, a seeded sample (none: all)")
    style: str = identity("", "prompt style: direct, grounded or mixed ('': the card's)")
    hold_out: float = identity(0.1, "share of images held out where a set has no eval split")
    data_dir: str = execution("", "local copy of the dataset's Parquet files")

    samples_per_prompt: int = identity(4, "completions per prompt and cycle", flag="samples")
    temperature: float = identity(0.7, "sampling temperature")
    top_p: float = identity(1.0, "nucleus sampling")
    max_new_tokens: int = identity(256, "longest completion, in tokens")
    eval_samples: int = identity(2, "sampled completions per held-out prompt, beside the greedy one")
    engine: str = execution(
        "auto", "what generates: auto, transformers", choices=("auto", "transformers", "vllm", "openai")
    )
    generate_batch_size: int = identity(16, "prompts per generation batch")

    detector: str = identity("yolov8n.pt", "detector weights: name, PATH.pt, bundled:PATH, transformers:ID, none")
    ocr: str = identity("rapidocr", "text reader: rapidocr, rapidocr:SIDE, easyocr, none")
    semantic: str = identity("", "sentence-transformers model for the semantic score ('': off)")
    perception_weight: float = identity(0.3, "weight of perception")
    reasoning_weight: float = identity(0.4, "weight of reasoning")
    output_weight: float = identity(0.3, "weight of output")
    combine: str = identity("gated", "gated or mean", choices=("gated", "mean"))
    filter: str = identity("default", "a query of sql/filters/, or your own .sql file")
    max_per_prompt: int = identity(2, "right completions kept for one prompt")

    learning_rate: float = identity(5e-5, "peak learning rate of cycle 1")
    lr_decay_per_cycle: float = identity(0.85, "learning rate factor per cycle", flag="lr_decay")
    min_lr: float = identity(1e-6, "floor of the learning rate")
    rank: int = identity(16, "LoRA rank")
    alpha: int = identity(32, "LoRA alpha")
    dropout: float = identity(0.0, "LoRA dropout")
    epochs: float = identity(1.0, "epochs over the kept rows, per cycle")
    max_steps: int = identity(0, "optimizer steps per cycle (0: by epochs)")
    batch_size: int = identity(16, "rows per optimizer step")
    micro_batch_size: int = identity(4, "rows per forward pass")
    warmup_ratio: float = identity(0.1, "share of steps with a rising learning rate")

    min_pixels: int = identity(0, "least pixels of an image (0: the card's, else the model's)")
    max_pixels: int = identity(0, "most pixels of an image (0: the card's, else the model's)")
    seed: int = identity(0, "seed of the run")
    device: str = execution("auto", "auto, cpu, cuda, cuda:N, xpu or mps")
    threads: int = execution(0, "CPU threads (0: torch's own choice)")
    controls: bool = execution(False, "also train on unverified samples and on gold answers, at equal steps")
    force_from: str = execution("", "rebuild this stage and whatever follows from it", choices=("", *STAGES))
    cycle: int = execution(0, "with --force-from: the first cycle to rebuild (0: the first)")
    retry_errors: bool = execution(False, "try failed rows again in cycles that are trained already, too")
    quiet: bool = execution(False, "no progress lines")
    trust_remote_code: bool = execution(False, "run code that a model brings along")

    def __post_init__(self) -> None:
        if self.num_cycles < 1:
            raise UserError(f"--cycles takes a number from 1 up, not {self.num_cycles}")
        if min(self.weights) < 0 or sum(self.weights) <= 0:
            raise UserError(f"the weights must be >= 0 and not all 0, not {self.weights}")
        if not 0 < self.lr_decay_per_cycle <= 1:
            raise UserError(f"--lr-decay takes a factor above 0 and at most 1, not {self.lr_decay_per_cycle}")
        if self.eval_samples < 1 or self.samples_per_prompt < 1:
            raise UserError("--samples and --eval-samples take numbers from 1 up")
        if self.force_from and self.force_from not in STAGES:
            raise UserError(f"--force-from {self.force_from}: {nearest(self.force_from, STAGES)}")

    @property
    def weights(self) -> tuple[float, float, float]:
        """Of perception, reasoning, output."""
        return self.perception_weight, self.reasoning_weight, self.output_weight


def defaults_of(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Values by flag or field name (as in a card or config file), as fields of VLMRAFTConfig."""
    from halo_forge.cli import flags

    by_name = {f.name: f for f in dataclasses.fields(VLMRAFTConfig)}
    by_name |= {flags.flag_of(f).replace("-", "_"): f for f in dataclasses.fields(VLMRAFTConfig)}
    kinds = typing.get_type_hints(VLMRAFTConfig)
    found = {}
    for name, value in values.items():
        field = by_name.get(str(name).replace("-", "_"))
        if field is None:
            raise UserError(f"{where}: no setting '{name}': {nearest(str(name), by_name)}")
        found[field.name] = flags.convert(str(value), kinds[field.name], flags.flag_of(field))
    return found


def from_flags(argv: list[str]) -> VLMRAFTConfig:
    """A run's settings from a command line. Raises UserError before anything heavy loads."""
    from halo_forge.cli import flags
    from halo_forge.datasets.cards import load_card

    words, file = _take(list(argv), "--config")
    given = flags.read(VLMRAFTConfig, words)
    filed = defaults_of(_yaml(file), file) if file else {}
    dataset = given.get("dataset", filed.get("dataset", ""))
    if not dataset:
        raise UserError(
            "--dataset is missing: name one (see halo-forge vlm datasets), or give a .yaml, .jsonl or .parquet"
        )
    card = load_card(dataset)
    return VLMRAFTConfig(**{**defaults_of(card.defaults, f"card {card.name}"), **filed, **given})


def _take(words: list[str], flag: str) -> tuple[list[str], str]:
    for i, word in enumerate(words):
        if word == flag and i + 1 < len(words):
            return words[:i] + words[i + 2 :], words[i + 1]
        if word.startswith(f"{flag}="):
            return words[:i] + words[i + 1 :], word.partition("=")[2]
    return words, ""


def _yaml(file: str) -> dict[str, Any]:
    import yaml

    try:
        loaded = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as exc:
        raise UserError(f"--config {file}: {' '.join(str(exc).split())}") from exc
    if not isinstance(loaded, dict):
        raise UserError(f"--config {file}: it must hold settings, such as 'cycles: 3'")
    return loaded
