"""transformers' Trainer with a loss on completions only, exact counts in its log, and marked checkpoints.

Imports torch and transformers at the top: only `loop` imports this module, when training starts.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback

from halo_forge.errors import UserError
from halo_forge.models.load import unwrapped
from halo_forge.training.rows import IGNORED
from halo_forge.training.settings import Settings


class CompletionTrainer(Trainer):
    """Cross-entropy summed over the completion tokens of an optimizer step, divided by their number."""

    loss_is_scaled_for_ga = True

    def __init__(self, settings: Settings, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.settings = settings
        self.model_accepts_loss_kwargs = True  # makes the Trainer count the labels of the whole step
        self.rows_in_step = 0
        self.tokens_in_step = 0
        self.keeps_logits = "logits_to_keep" in inspect.signature(unwrapped(self.model).forward).parameters

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The learning rate of `Settings.factor`."""
        if self.lr_scheduler is None:
            settings = self.settings
            chosen: Any = optimizer or self.optimizer

            def factor(step: int) -> float:
                return settings.factor(step, num_training_steps)

            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(chosen, factor)
        return self.lr_scheduler

    def get_batch_samples(self, *arguments: Any, **named: Any) -> Any:
        """As the Trainer's; notes what the coming step consists of."""
        samples, count = super().get_batch_samples(*arguments, **named)
        self.rows_in_step = sum(len(batch["labels"]) for batch in samples)
        self.tokens_in_step = sum(int((batch["labels"] != IGNORED).sum()) for batch in samples)
        return samples, count

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Sum of -log p(token) over this micro-batch's completions / completion tokens of the step."""
        labels = inputs["labels"]
        model_inputs = {name: value for name, value in inputs.items() if name != "labels"}
        first = int((labels != IGNORED).any(dim=0).nonzero()[0]) - 1  # this position predicts the first label
        if self.keeps_logits:
            model_inputs["logits_to_keep"] = torch.arange(first, labels.shape[1] - 1, device=labels.device)
        outputs = model(**model_inputs, use_cache=False)
        logits = outputs.logits if self.keeps_logits else outputs.logits[:, first:-1]
        targets = labels[:, first + 1 :]
        total = torch.nn.functional.cross_entropy(
            logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        loss = total / (self.tokens_in_step or (targets != IGNORED).sum())
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds the step's rows and tokens; stops at a loss or gradient that is no number."""
        if "loss" in logs:
            for name in ("loss", "grad_norm"):
                value = float(logs.get(name, 0.0))
                if not math.isfinite(value):
                    raise UserError(
                        f"training stopped at step {self.state.global_step}: {name} is {value}; "
                        "lower --learning-rate or --max-grad-norm"
                    )
            logs = {**logs, "rows": self.rows_in_step, "tokens": self.tokens_in_step}
        super().log(logs, start_time)


class Progress(TrainerCallback):
    """Tells every tenth step and marks a checkpoint as whole after its last file."""

    def __init__(self, tell: Callable[[str], None], marker: str) -> None:
        self.tell, self.marker = tell, marker

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs and "rows" in logs and (state.global_step % 10 == 0 or state.global_step in (1, state.max_steps)):
            self.tell(f"train: step {state.global_step}/{state.max_steps} loss {logs['loss']:.4f}")

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        (Path(args.output_dir) / f"checkpoint-{state.global_step}" / self.marker).touch()
