"""Settings of a RAFT run: one definition for the Python door, the flags and the config file.

Precedence: flag, then `--config` file, then the card's `defaults`, then the defaults here.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.config import check_choices, execution, identity, target, weights
from halo_forge.engines import choose
from halo_forge.errors import UserError, nearest
from halo_forge.presets import PRESETS, weights_of
from halo_forge.training.settings import BETA, CHECKPOINTING, MODES, OBJECTIVES
from halo_forge.vlm import trackers

TAG = re.compile(r"[a-z][a-z0-9_]{0,40}")
STARTS = ("last", "base")
STAGES = ("prompts", "perceive", "generate", "verify", "reward", "more", "filter", "train", "benchmark")


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
    style: str = identity("mixed", "prompt style: direct, grounded, or mixed: half of the samples under each")
    hold_out: float = identity(0.1, "share of images held out where a set has no eval split")
    data_dir: str = execution("", "local copy of the dataset's Parquet files")
    question_column: str = identity("", "column of the question ('': question, prompt, query or problem)")
    image_column: str = identity("", "column of the image or images ('': image, images, image_path, file_name, …)")
    answer_column: str = identity("", "column of one or many answers ('': answer, answers, ground_truth, label, …)")
    choices_column: str = identity("", "column of the options ('': choices or options)")
    subset: str = identity("", "config of a hub dataset, or a folder below that of --dataset")
    train_split: str = identity("", "split to train on, of a hub id or folder ('': train)")
    eval_split: str = identity("", "split to evaluate on ('': a share of the images is held out)")
    metric: str = identity("", "metric of the answers ('': the dataset's own, or match)")
    threshold: float = identity(0.0, "score from which an answer is right (0: the dataset's own)")
    allow_urls: bool = identity(False, "fetch images behind URLs, from public hosts")
    url_hosts: tuple[str, ...] = identity((), "with --allow-urls: from these hosts only, which may be local")

    prompts_per_cycle: int = identity(2048, "prompts of one cycle, another slice in each (0: all)")
    samples_per_prompt: int = identity(4, "completions per question and cycle", flag="samples")
    samples_max: int = identity(
        0, "up to so many completions of questions with wrong ones, the further ones at temperature 1; 0: off"
    )
    more: str = identity(
        "default", "with --samples-max, of which questions: a query of sql/more/, or your own .sql file"
    )
    temperature: float = identity(0.7, "sampling temperature")
    top_p: float = identity(1.0, "nucleus sampling")
    max_new_tokens: int = identity(256, "longest completion, in tokens")
    eval_samples: int = identity(2, "sampled completions per held-out prompt, beside the greedy one")
    engine: str = execution("auto", "what generates: auto, vllm, transformers or openai", choices=choose.ENGINES)
    generate_batch_size: int = identity(16, "prompts per generation batch (transformers)")
    quantization: str = identity("", "nf4: the base in 4 bits, in engine and trainer", choices=choose.QUANTIZATIONS)
    batch_invariant: bool = identity(False, "vLLM: the same to the bit whatever else is in the batch (slower)")
    tensor_parallel: int = execution(1, "vLLM: devices that share the model")
    base_url: str = execution("", "openai: address of the server, such as http://localhost:8000/v1")
    concurrency: int = execution(32, "openai: prompts asked at the same time")
    timeout: float = execution(600.0, "openai: seconds to wait for an answer")

    detector: str = identity("yolov8n.pt", "detector weights: name, PATH.pt, bundled:PATH, transformers:ID, none")
    ocr: str = identity("rapidocr", "text reader: rapidocr, rapidocr:SIDE, easyocr, none")
    semantic: str = identity("", "sentence-transformers model for the semantic score ('': off)")
    preset: str = identity("", "weights by kind of question: default, vqa, document, chart", choices=("", *PRESETS))
    perception_weight: float | None = identity(None, "weight of perception (none: the preset's, 0.3)")
    reasoning_weight: float | None = identity(None, "weight of reasoning (none: the preset's, 0.4)")
    output_weight: float | None = identity(None, "weight of output (none: the preset's, 0.3)")
    verifier: tuple[str, ...] = execution((), "verifiers of your own: FILE.py:FUNCTION, comma separated")
    weight: tuple[float, ...] = identity((), "their weights, in order (none: 0.2 each)")
    combine: str = identity("gated", "gated or mean", choices=("gated", "mean"))
    filter: str = identity("default", "a query of sql/filters/, or your own .sql file")
    max_per_prompt: int = identity(2, "right completions kept for one prompt")
    all_right_share: float = identity(0.25, "share of the all-right prompts of which one completion is kept")
    replay: float = identity(0.1, "rows replayed from earlier cycles, as a share of those kept in this one")
    transfer: bool | None = identity(
        None, "verified grounded answers also train the direct prompt (none: in mixed style)"
    )

    objective: str = identity(
        "raft",
        "raft: cross-entropy on kept rows; raft++: their ratio to the start policy, clipped; dpo: right against wrong",
        choices=OBJECTIVES,
    )
    beta: float = identity(BETA, "dpo: how strongly the policy is held at the one a cycle started from")
    mode: str = identity("lora", "lora, qlora (base in 4 bits, GPU), or full: all weights", choices=MODES)
    train_vision: bool = identity(False, "train the vision tower and its projection as well")
    start: str = identity("last", "each cycle trains the last cycle's model further, or the base anew", choices=STARTS)
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
    patience: int = identity(0, "stop when the mean loss of so many steps is not below that of those before; 0: off")
    num_processes: int = execution(1, "training processes that share the rows of a step, one per GPU")
    gradient_checkpointing: str = execution(
        "auto",
        "activations computed twice rather than kept: on, off, or auto: on where there is an accelerator",
        choices=CHECKPOINTING,
    )
    merge: bool = execution(False, "also write base and adapter of each cycle as one model, to cycle_N-merged")

    min_pixels: int = identity(0, "least pixels of an image (0: the card's, else the model's)")
    max_pixels: int = identity(0, "most pixels of an image (0: the card's, else the model's)")
    seed: int = identity(0, "seed of the run")
    device: str = execution("auto", "auto, cpu, cuda, cuda:N, xpu or mps")
    threads: int = execution(0, "CPU threads (0: torch's own choice)")
    controls: bool = execution(False, "also train on unverified samples and on gold answers, at equal steps")
    start_from: str = execution(
        "", "start at this stage; what comes before is taken as it stands", choices=("", *STAGES), flag="from"
    )
    force_from: str = execution("", "rebuild this stage and whatever follows from it", choices=("", *STAGES))
    cycle: int = execution(0, "with --from or --force-from: in which cycle (0: the first)")
    tag: str = execution("", "keep tables and models that differ beside the first ones, as scores_TAG, cycle_1_TAG")
    retry_errors: bool = execution(False, "try failed rows again in cycles that are trained already, too")
    quiet: bool = execution(False, "no progress lines")
    json: bool = execution(False, "events as JSON lines on standard output, and nothing else there")
    report_to: tuple[str, ...] = execution(
        trackers.DEFAULT, "where figures go while it runs: tensorboard, wandb, mlflow, trackio, …, or none"
    )
    push_to_hub: str = execution("", "when done, push the best model with its card to this repository, OWNER/NAME")
    push_private: bool = execution(False, "with --push-to-hub: a new repository is private")
    trust_remote_code: bool = execution(False, "run code that a model brings along")

    def __post_init__(self) -> None:
        object.__setattr__(self, "report_to", trackers.named(self.report_to))
        if self.num_cycles < 1:
            raise UserError(f"--cycles takes a number from 1 up, not {self.num_cycles}")
        if min(self.weights) < 0 or sum(self.weights) <= 0:
            raise UserError(f"the weights must be >= 0 and not all 0, not {self.weights}")
        if self.weight and len(self.weight) != len(self.verifier):
            raise UserError(f"--weight has {len(self.weight)} numbers for {len(self.verifier)} of --verifier")
        if self.mode == "full" and self.quantization:
            raise UserError(f"--quantization {self.quantization}: --mode full trains weights that are not packed")
        if self.mode == "qlora" or (self.mode == "lora" and self.quantization == "nf4"):  # one and the same
            object.__setattr__(self, "mode", "qlora")
            object.__setattr__(self, "quantization", "nf4")
        same = ("device", "base_url", "quantization", "tensor_parallel", "batch_invariant")
        choose.check(self.engine, **{name: getattr(self, name) for name in same})
        if not 0 < self.lr_decay_per_cycle <= 1:
            raise UserError(f"--lr-decay takes a factor above 0 and at most 1, not {self.lr_decay_per_cycle}")
        if self.eval_samples < 1 or self.samples_per_prompt < 1:
            raise UserError("--samples and --eval-samples take numbers from 1 up")
        if self.samples_max and self.samples_max <= self.samples_per_prompt:
            raise UserError(
                f"--samples-max takes a number above --samples ({self.samples_per_prompt}) or 0, not {self.samples_max}"
            )
        for flag, stage in (("--from", self.start_from), ("--force-from", self.force_from)):
            if stage and stage not in STAGES:
                raise UserError(f"{flag} {stage}: {nearest(stage, STAGES)}")
        if "more" in (self.start_from, self.force_from) and not self.samples_max:
            raise UserError("--from more and --force-from more: no prompt is sampled further without --samples-max")
        if self.start_from and self.force_from:
            raise UserError("--from and --force-from exclude each other: --force-from starts there, too")
        if self.cycle and not (self.start_from or self.force_from):
            raise UserError("--cycle says where --from or --force-from starts: give one of them with it")
        if not 0 <= self.cycle <= self.num_cycles:
            raise UserError(f"--cycle {self.cycle}: the run has cycles 1 to {self.num_cycles}; see --cycles")
        if self.tag and not TAG.fullmatch(self.tag):
            raise UserError(f"--tag takes small letters, digits and _, a letter first, not '{self.tag}'")
        check_choices(self)

    @property
    def weights(self) -> tuple[float, float, float]:
        """Of perception, reasoning, output: as given, the others from the preset."""
        given = (self.perception_weight, self.reasoning_weight, self.output_weight)
        usual = weights_of((), self.preset)
        perception, reasoning, output = (u if g is None else g for g, u in zip(given, usual, strict=True))
        return perception, reasoning, output


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
        if isinstance(value, bool) and kinds[field.name] is str:  # YAML's on and off
            value = "on" if value else "off"
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        found[field.name] = flags.convert(text, kinds[field.name], flags.flag_of(field))
    return found


def from_flags(argv: list[str]) -> VLMRAFTConfig:
    """A run's settings from a command line. Raises UserError before anything heavy loads."""
    from halo_forge.cli import flags
    from halo_forge.datasets.cards import load_card

    words, file = without(list(argv), "--config")
    given = flags.read(VLMRAFTConfig, words)
    filed = defaults_of(settings_in(file), file) if file else {}
    dataset = given.get("dataset", filed.get("dataset", ""))
    if not dataset:
        raise UserError(
            "--dataset is missing: name one (see halo-forge vlm datasets), or give a .yaml, .jsonl or .parquet"
        )
    card = load_card(dataset, must_exist=False)  # a file that is gone is told where the prompts are made
    return VLMRAFTConfig(**{**defaults_of(card.defaults, f"card {card.name}"), **filed, **given})


def without(words: list[str], flag: str) -> tuple[list[str], str]:
    """The words of a command line without `flag` and its value, and the value ('': it is not given)."""
    for i, word in enumerate(words):
        if word == flag and i + 1 < len(words):
            return words[:i] + words[i + 2 :], words[i + 1]
        if word.startswith(f"{flag}="):
            return words[:i] + words[i + 1 :], word.partition("=")[2]
    return words, ""


def settings_in(file: str) -> dict[str, Any]:
    """What a --config file says, by flag or field name. Raises UserError where it cannot be read."""
    import yaml

    try:
        loaded = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as exc:
        raise UserError(f"--config {file}: {' '.join(str(exc).split())}") from exc
    if not isinstance(loaded, dict):
        raise UserError(f"--config {file}: it must hold settings, such as 'cycles: 3'")
    return loaded
