"""One process of a training: the model, transformers' Trainer with our collator and loss, and the weights at the end.

- Logits are computed from the first completion position on only: a vocabulary of 150,000 over the image tokens of
  the prompt would cost gigabytes for nothing.
- Objectives that compare with the policy at the start ask it before the first step; a resumed training asks it again.
- A checkpoint counts only once its marker is written; an interrupted training continues from the newest such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.errors import UserError
from halo_forge.files import saving
from halo_forge.models.load import pick_device, pick_dtype, unwrapped
from halo_forge.models.resolve import ModelRef
from halo_forge.training import weights
from halo_forge.training.checkpoints import WHOLE, finished
from halo_forge.training.rows import Collator, Row
from halo_forge.training.settings import Settings, recomputes


@dataclass(frozen=True)
class Run:
    """How a training runs; nothing here changes the weights beyond rounding."""

    device: str = "auto"
    dtype: str = "auto"
    gradient_checkpointing: str = "auto"
    """auto: on for accelerators; on; off."""
    save_steps: int = 50
    processes: int = 1
    """Processes on this machine, each with its share of a step's rows and, where there are some, its accelerator."""
    threads: int = 0
    """CPU threads of each process; 0: torch's choice."""
    trust_remote_code: bool = False
    min_pixels: int | None = None
    max_pixels: int | None = None


@dataclass(frozen=True)
class Job:
    """What one process has to do; it can be sent to another."""

    ref: ModelRef
    rows: tuple[Row, ...]
    image: Callable[[str], bytes]
    work: Path
    aside: Path
    """Folder that the trained weights are written to, by the first process."""
    checkpoint: Path | None
    micro: int
    accumulation: int
    settings: Settings
    run: Run


@dataclass(frozen=True)
class Learned:
    """The Trainer's log, and digests of the trained weights before and after."""

    history: list[dict[str, Any]]
    before: str
    after: str


def learn(job: Job, tell: Callable[[str], None]) -> Learned:
    """Train, write the weights to `job.aside`, and return what happened. Raises UserError."""
    import torch

    run, settings = job.run, job.settings
    if run.threads:
        torch.set_num_threads(run.threads)
    pixels = {"max_pixels": run.max_pixels, "min_pixels": run.min_pixels}
    options = {**pixels, "trust_remote_code": run.trust_remote_code}
    model, processor = weights.load(job.ref, settings, run.device, run.dtype, **options)
    before = weights.digest(model, job.ref)
    _announce(model, job, tell)
    history = finished(job.checkpoint, settings)
    trainer = None
    if history is None:
        trainer = _trainer(model, Collator(model, processor, job.image, job.ref.family), job, tell)
        if settings.objective != "raft":
            tell("train: log-probabilities of the policy at the start")
            trainer.remember_start()
    if job.checkpoint and (history or settings.mode == "full"):  # an adapter is read back by the Trainer
        weights.restore(model, job.checkpoint)
    if trainer:
        with saving(job.work):
            trainer.train(resume_from_checkpoint=str(job.checkpoint) if job.checkpoint else None)
        history = trainer.state.log_history
    after = weights.digest(model, job.ref)
    if after == before:
        raise UserError("training changed no weight: is the learning rate 0, or every completion empty?")
    if trainer is None or trainer.is_world_process_zero():
        with saving(job.aside):
            weights.save(model, processor, job.ref, job.aside)
    return Learned(history or [], before, after)


def _announce(model: Any, job: Job, tell: Callable[[str], None]) -> None:
    """Everything that decides the outcome, said before the first step."""
    trained, total = weights.counts(model)
    settings, rows = job.settings, len(job.rows)
    tell(f"train: {rows} rows, {settings.steps(rows)} steps, {trained:,} of {total:,} weights, from {job.ref.given}")
    tell(f"train: {', '.join(settings.lines())}")
    tell(f"train: {weights.trained_on(model, job.ref, settings)}")
    if job.checkpoint:
        tell(f"train: continuing from step {job.checkpoint.name.removeprefix('checkpoint-')}")


def _trainer(model: Any, collator: Collator, job: Job, tell: Callable[[str], None]) -> Any:
    """A Trainer on one device: every visible GPU in one process would mean DataParallel, which breaks VLM
    inputs."""
    import torch
    from transformers import PrinterCallback, TrainingArguments

    from halo_forge.training.trainer import CompletionTrainer, Progress

    run, settings = job.run, job.settings
    on_cpu = unwrapped(model).device.type == "cpu"
    checkpointing = recomputes(run.gradient_checkpointing, on_cpu)
    arguments = TrainingArguments(
        output_dir=str(job.work),
        learning_rate=settings.learning_rate,
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        per_device_train_batch_size=job.micro,
        gradient_accumulation_steps=job.accumulation,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim="adamw_torch",
        seed=settings.seed,
        data_seed=settings.seed,
        bf16=not on_cpu and pick_dtype(run.dtype, pick_device(run.device)) == torch.bfloat16,
        use_cpu=on_cpu,
        gradient_checkpointing=checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None,
        ddp_backend="gloo" if run.processes > 1 and on_cpu else None,
        ddp_find_unused_parameters=settings.train_vision,  # some towers have layers past the one that is read
        save_strategy="steps",
        save_steps=run.save_steps,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        disable_tqdm=True,
        log_level="error",
        report_to=[],
        dataloader_pin_memory=not on_cpu,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)
    trainer = CompletionTrainer(settings, collator, job.rows, model=model, args=arguments)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Progress(tell, WHOLE, settings))
    return trainer
