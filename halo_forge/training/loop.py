"""The training loop: transformers' Trainer with our collator, our loss and our checkpoints.

- Loss: cross-entropy over completion tokens, averaged over all tokens of an optimizer step.
- Logits are computed from the first completion position on only: a vocabulary of 150,000 over the image
  tokens of the prompt would cost gigabytes for nothing.
- A checkpoint counts only once its marker is written; an interrupted training continues from the newest such.
- The finished adapter appears under its name at once, by a rename.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from halo_forge.errors import UserError
from halo_forge.files import flush, saving
from halo_forge.keys import sha256_json
from halo_forge.models.families import BY_NAME
from halo_forge.models.load import load_policy, unwrapped
from halo_forge.models.resolve import RECORD, ModelRef
from halo_forge.training.checkpoints import WHOLE, finished, newest
from halo_forge.training.lora import adapter_digest, add_adapter, trainable_count
from halo_forge.training.rows import Collator, Row
from halo_forge.training.settings import Settings


@dataclass(frozen=True)
class Run:
    """How a training runs; nothing here changes the weights beyond rounding."""

    device: str = "auto"
    dtype: str = "auto"
    gradient_checkpointing: str = "auto"
    """auto: on for accelerators; on; off."""
    save_steps: int = 50
    trust_remote_code: bool = False
    min_pixels: int | None = None
    max_pixels: int | None = None


@dataclass(frozen=True)
class Trained:
    """A finished training: the folder, its log by step, and digests of the trainable weights."""

    folder: Path
    log: list[dict[str, Any]]
    before: str
    after: str


def train(
    ref: ModelRef,
    rows: Sequence[Row],
    image: Callable[[str], bytes],
    output: Path,
    settings: Settings,
    run: Run | None = None,
    *,
    key: str = "",
    tell: Callable[[str], None] = print,
) -> Trained:
    """Train an adapter on `rows` and put it at `output`.

    `ref` with an adapter goes on training it; without one a fresh adapter starts. `key` names this
    training: a checkpoint under another key is thrown away. Raises UserError: no rows, a loss that is no
    number, weights that did not change.
    """
    run = run or Run()
    if not rows:
        raise UserError("nothing to train on: no row has keep = true; see the reasons in sft")
    work = output.with_name(f".{output.name}.training")
    same = sha256_json([key, ref.digest, asdict(settings), [asdict(row) for row in rows]])
    checkpoint = newest(work, same)
    model, processor = _model(ref, settings, run)
    before = adapter_digest(model)
    _announce(model, ref, len(rows), settings, tell)
    if checkpoint:
        tell(f"train: continuing from step {checkpoint.name.removeprefix('checkpoint-')}")
    history = finished(model, checkpoint)
    if history is None:
        collator = Collator(model, processor, image, ref.family)
        trainer = _trainer(model, collator, rows, work, settings, run, tell)
        with saving(work):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        history = trainer.state.log_history
    after = adapter_digest(model)
    if after == before:
        raise UserError("training changed no weight: is the learning rate 0, or every completion empty?")
    log = [_step(entry) for entry in history if "rows" in entry]
    record = {
        "base": ref.base_given,
        "base_revision": ref.revision,
        "base_digest": ref.base_digest,
        "start": ref.given,
        "start_digest": ref.digest,
        "adapter_before": before,
        "adapter_after": after,
        "key": key,
        "settings": asdict(settings),
        "rows": len(rows),
        "seconds": next((entry["train_runtime"] for entry in reversed(history) if "train_runtime" in entry), 0.0),
        "log": log,
    }
    with saving(output):
        _put(model, processor, record, output)
    shutil.rmtree(work, ignore_errors=True)
    return Trained(output, log, before, after)


def record_of(folder: Path) -> dict[str, Any] | None:
    """What was recorded beside an adapter that we trained, None where there is no such record."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _model(ref: ModelRef, settings: Settings, run: Run) -> tuple[Any, Any]:
    model, processor = load_policy(
        ref,
        run.device,
        run.dtype,
        True,
        max_pixels=run.max_pixels,
        min_pixels=run.min_pixels,
        trust_remote_code=run.trust_remote_code,
    )
    return add_adapter(model, ref, settings), processor


def _announce(model: Any, ref: ModelRef, rows: int, settings: Settings, tell: Callable[[str], None]) -> None:
    """Everything that decides the outcome, said before the first step."""
    trained, total = trainable_count(model)
    steps = planned_steps(rows, settings)
    tell(f"train: {rows} rows, {steps} steps, {trained:,} of {total:,} weights, from {ref.given}")
    tell(f"train: {', '.join(settings.lines())}")
    tell(f"train: LoRA on {BY_NAME[ref.family].lora_targets}")


def _trainer(
    model: Any,
    collator: Collator,
    rows: Sequence[Row],
    work: Path,
    settings: Settings,
    run: Run,
    tell: Callable[[str], None],
) -> Any:
    """A Trainer on one device: every visible GPU in one process would mean DataParallel, which breaks VLM
    inputs."""
    from transformers import PrinterCallback, TrainingArguments

    from halo_forge.training.trainer import CompletionTrainer, Progress

    core = unwrapped(model)
    on_cpu = core.device.type == "cpu"
    checkpointing = run.gradient_checkpointing == "on" or (run.gradient_checkpointing == "auto" and not on_cpu)
    arguments = TrainingArguments(
        output_dir=str(work),
        learning_rate=settings.learning_rate,
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        per_device_train_batch_size=settings.micro,
        gradient_accumulation_steps=settings.accumulation,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim="adamw_torch",
        seed=settings.seed,
        data_seed=settings.seed,
        bf16=not on_cpu and core.dtype == _bfloat16(),
        use_cpu=on_cpu,
        gradient_checkpointing=checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None,
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
    trainer = CompletionTrainer(settings, model=model, args=arguments, train_dataset=list(rows), data_collator=collator)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Progress(tell, WHOLE))
    return trainer


def planned_steps(rows: int, settings: Settings) -> int:
    """Optimizer steps that a training of `rows` rows takes."""
    if settings.max_steps:
        return settings.max_steps
    return math.ceil(math.ceil(math.ceil(rows / settings.micro) / settings.accumulation) * settings.epochs)


def _bfloat16() -> Any:
    import torch

    return torch.bfloat16


def _step(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("step", "epoch", "loss", "learning_rate", "grad_norm", "tokens", "rows")
    return {name: entry[name] for name in names}


def _put(model: Any, processor: Any, record: dict[str, Any], output: Path) -> None:
    """Adapter, processor and record, written aside and renamed."""
    aside = output.with_name(f".{output.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    model.save_pretrained(aside)
    processor.save_pretrained(aside)
    (aside / "README.md").unlink(missing_ok=True)  # peft's empty form
    (aside / RECORD).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for file in aside.iterdir():
        flush(file)
    old = output.with_name(f".{output.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        os.replace(output, old)
    os.replace(aside, output)
    shutil.rmtree(old, ignore_errors=True)
