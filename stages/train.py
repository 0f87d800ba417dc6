"""train: sft (kept rows), prompts, images → a LoRA adapter folder, and the training table. One row per step.

Only rows with keep = true are trained on, with the loss on the completion; `--objective dpo` sets beside each a
wrong one of the same prompt. A model that is an adapter is trained further; any other gets a fresh adapter, or with
`--mode full` becomes another full model. Interrupted, the same command goes on at the last checkpoint.

    python stages/train.py --sft T --prompts P/prompts --model M --output models/vlm_raft/cycle_1
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from halo_forge import schema
from halo_forge.config import check_choices, execution, identity, source, target, weights
from halo_forge.engines.pictures import Pictures, images_beside
from halo_forge.errors import UserError
from halo_forge.executor import begin, open_inputs, payload_of
from halo_forge.models import folder
from halo_forge.models.resolve import resolve
from halo_forge.progress import Progress
from halo_forge.store import StaleError, Table, discard
from halo_forge.training.pairs import paired, right_and_wrong
from halo_forge.training.rows import Row
from halo_forge.training.settings import BETA, CHECKPOINTING, MODES, OBJECTIVES, SCHEDULERS, Settings

VERSION = 1


@dataclass(frozen=True)
class Config:
    """What is trained on what, and how."""

    sft: str = source("sft")
    prompts: str = source("prompts")
    model: str = weights(help="folder, adapter (cycle_N) to train further, hub id, or bundled:shapes/base")
    output: str = target(help="folder of the adapter or model, such as models/vlm_raft/cycle_1")
    images: str = source("images", "", "the images table; default: the one beside the prompts")
    log: str = target("", "where the training table goes; default: training/cycle=N beside the adapter")
    cycle: int = identity(1, "number of the cycle, written into the table")
    objective: str = identity(
        "raft",
        "raft: cross-entropy on kept rows; raft++: their ratio to the start policy, clipped; dpo: right against wrong",
        choices=OBJECTIVES,
    )
    beta: float = identity(BETA, "dpo: how strongly the policy is held at the one it started from")
    mode: str = identity("lora", "lora, qlora (base in 4 bits, GPU), or full: all weights", choices=MODES)
    train_vision: bool = identity(False, "train the vision tower and its projection as well")
    learning_rate: float = identity(5e-5, "peak learning rate of this cycle")
    rank: int = identity(16, "LoRA rank")
    alpha: int = identity(32, "LoRA scale: updates count alpha / rank")
    dropout: float = identity(0.0, "dropout on the LoRA input")
    epochs: float = identity(1.0, "times each row is seen")
    max_steps: int = identity(0, "optimizer steps; 0: by --epochs")
    batch_size: int = identity(16, "rows per optimizer step")
    micro_batch_size: int = identity(4, "rows per forward pass; --batch-size is a multiple of it")
    warmup_ratio: float = identity(0.1, "share of the steps in which the learning rate rises")
    scheduler: str = identity("cosine", "cosine, linear or constant, after the warm-up", choices=SCHEDULERS)
    weight_decay: float = identity(0.0, "AdamW weight decay")
    patience: int = identity(0, "stop when the mean loss of so many steps is not below that of those before; 0: off")
    max_grad_norm: float = identity(1.0, "gradients are clipped to this norm")
    seed: int = identity(0, "seed of adapter, order and dropout")
    max_pixels: int = identity(0, "pixels of an image at most, as in generate; 0: the model's own bound")
    min_pixels: int = identity(0, "pixels of an image at least, as in generate; 0: the model's own bound")
    dtype: str = identity("auto", "auto, float32 or bfloat16", choices=("auto", "float32", "bfloat16"))
    revision: str = identity("", "branch, tag or commit of a hub model")
    gradient_checkpointing: str = execution(
        "auto", "on, off, or auto: on where there is an accelerator", choices=CHECKPOINTING
    )
    save_steps: int = execution(50, "steps between checkpoints")
    device: str = execution("auto", "auto, cpu, cuda, cuda:N, xpu or mps")
    num_processes: int = execution(1, "processes on this machine that share the rows of a step, one per GPU")
    threads: int = execution(0, "CPU threads of each process; 0: torch's choice")
    merge: bool = execution(False, "also write base and adapter as one model, to OUTPUT-merged")
    trust_remote_code: bool = execution(False, "run code that a model brings along")

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", images_beside(self.prompts, self.images))
        if not self.log:
            beside = Path(self.output).parent / "training" / f"cycle={self.cycle}"
            object.__setattr__(self, "log", str(beside))
        if self.max_pixels < 0 or self.min_pixels < 0 or self.save_steps < 1:
            raise UserError("--max-pixels and --min-pixels must not be negative, --save-steps must be at least 1")
        if self.num_processes < 1:
            raise UserError(f"--num-processes takes a number from 1 up, not {self.num_processes}")
        if self.num_processes > 1 and ":" in self.device:
            raise UserError(f"--num-processes takes several devices, --device {self.device} names one")
        if self.merge and self.mode == "full":
            raise UserError("--merge: --mode full writes a whole model already; leave it out")
        settings_of(self).share(self.num_processes)
        check_choices(self)


def settings_of(config: Config) -> Settings:
    """The hyper-parameters of `config`. Raises UserError for one that makes no sense."""
    return Settings(**{field.name: getattr(config, field.name) for field in fields(Settings)})


def training_rows(
    sft: Table, prompts: Table, objective: str = "raft", seed: int = 0
) -> tuple[list[Row], dict[str, int]]:
    """Rows to train on, in the order of `sft`, and how many kept ones are left out by reason."""
    kept, wrong = right_and_wrong(sft)
    wanted = sorted({row["prompt_id"] for row in kept})
    known = prompts.where("prompt_id", wanted).select(["prompt_id", "prompt", "image_ids"])
    by_id = {row["prompt_id"]: row for row in known.to_pylist()}
    rows = [
        Row(
            row["prompt_id"],
            row["prompt"] or by_id[row["prompt_id"]]["prompt"],
            tuple(by_id[row["prompt_id"]]["image_ids"] or ()),
            row["completion"],
            tuple(row["token_ids"]) if row["token_ids"] else None,
        )
        for row in kept
        if row["prompt_id"] in by_id
    ]
    left_out = {"their prompt_id is not in the prompts table": len(kept) - len(rows)}
    if objective == "dpo":
        pairs = paired(rows, wrong, seed)
        left_out["no completion of the same prompt was dropped as wrong"] = len(rows) - len(pairs)
        rows = pairs
    return rows, {reason: count for reason, count in left_out.items() if count}


def payload(config: Config, inputs: dict[str, Table]) -> dict[str, Any]:
    """What adapter and training table are known by."""
    digest = resolve(config.model, config.revision or None).digest
    return payload_of("train", VERSION, config, inputs, {"model": digest})


def train(config: Config, progress: Progress | None = None) -> Table:
    """Train an adapter into `config.output` and write its training table; the table.

    Does nothing when both stand there under the same key, and goes on at the last checkpoint when the
    training was interrupted; with `--merge` the merged model is brought up to date as well. Raises UserError:
    nothing kept, weights that did not change, a loss that is no number; StaleError when the adapter of another
    training stands there.
    """
    show = progress or Progress()
    table = _adapter_and_table(config, show)
    if config.merge:
        from halo_forge.models.merge import merge

        merge(config.output, Path(f"{config.output}-merged"), config.trust_remote_code, show.note)
    return table


def _adapter_and_table(config: Config, show: Progress) -> Table:
    inputs = open_inputs(config)
    identified = payload(config, inputs)
    output = Path(config.output)
    writer = begin(train, show, config.log, "training", identified)
    record = folder.record_of(output)
    if writer.finished and record and record.get("key") == writer.key:
        show.note(f"train: finished before, nothing to do ({output})")
        return Table(config.log, "training")
    if output.exists() and (record or {}).get("key") != writer.key:
        raise StaleError(
            f"{output} holds another model than this training makes; continue with --force-from train, or "
            "give another --output"
        )
    if writer.finished:  # the table is there, its adapter is gone
        discard(config.log)
        writer = begin(train, show, config.log, "training", identified)
    if record is None:
        _trained(config, inputs, writer.key, show)
        record = folder.record_of(output) or {}
    steps = [{"cycle": config.cycle, **step} for step in record["log"]]
    if not any(True for _ in writer.missing()):
        return writer.finish()
    tokens = sum(step["tokens"] for step in record["log"])
    writer.write(0, schema.from_rows(steps, "training"), tokens=tokens, seconds=record.get("seconds", 0.0))
    return writer.finish()


def _trained(config: Config, inputs: dict[str, Table], key: str, show: Progress) -> None:
    """Train the model and put it, with its record, at the output."""
    from halo_forge.training import loop

    rows, left_out = training_rows(inputs["sft"], inputs["prompts"], config.objective, config.seed)
    for reason, count in left_out.items():
        show.note(f"train: {count} kept rows left out: {reason}")
    if left_out and not rows and config.objective == "dpo":
        raise UserError(
            "nothing to train on: no prompt has both a kept completion and one dropped as wrong; raise --samples or "
            "use --objective raft"
        )
    pictures = Pictures(inputs.get("images"), (image_id for row in rows for image_id in row.image_ids))
    run = loop.Run(
        device=config.device,
        dtype=config.dtype,
        gradient_checkpointing=config.gradient_checkpointing,
        save_steps=config.save_steps,
        processes=config.num_processes,
        threads=config.threads,
        trust_remote_code=config.trust_remote_code,
        max_pixels=config.max_pixels or None,
        min_pixels=config.min_pixels or None,
    )
    output = Path(config.output)
    ref = resolve(config.model, config.revision or None)
    loop.train(ref, rows, pictures, output, settings_of(config), run, key=key, tell=show.note)


run = train
"""The name every stage is run by."""


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    from halo_forge.cli import stage_main

    return stage_main(Config, train, argv, prog="stages/train.py", doc=__doc__ or "")
