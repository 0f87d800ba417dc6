"""transformers' Trainer with a loss on completions only, exact counts in its log, and marked checkpoints.

Imports torch and transformers at the top: only `session` imports this module, when training starts.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate.data_loader import SeedableRandomSampler
from accelerate.utils import gather_object
from torch.utils.data import Sampler
from transformers import Trainer, TrainerCallback

from halo_forge.errors import UserError
from halo_forge.models.load import unwrapped
from halo_forge.training.objectives import log_probabilities, total
from halo_forge.training.rows import IGNORED, Collator, Row
from halo_forge.training.settings import Settings

OWN = ("labels", "reference")
"""Columns of a batch that the model does not take."""


class CompletionTrainer(Trainer):
    """The objective summed over an optimizer step and divided by its number of completion tokens or pairs, those of
    all processes."""

    loss_is_scaled_for_ga = True

    def __init__(self, settings: Settings, collator: Collator, rows: Sequence[Row], **arguments: Any) -> None:
        processes, micro = arguments["args"].world_size, arguments["args"].per_device_train_batch_size
        data = filled(rows, processes * micro) if processes > 1 else list(rows)
        super().__init__(train_dataset=data, data_collator=collator, **arguments)
        self.settings, self.collator, self.rows, self.data = settings, collator, rows, data
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

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """The Trainer's; several processes go through the rows in the order of one."""
        if self.args.world_size == 1:
            return super()._get_train_sampler(train_dataset)
        order = Shuffled(len(self.rows), len(self.data), self.settings.seed)
        self.add_callback(Epochs(order))
        return order

    def get_batch_samples(self, *arguments: Any, **named: Any) -> Any:
        """As the Trainer's; notes what the coming step consists of, in all processes."""
        samples, count = super().get_batch_samples(*arguments, **named)
        counted = [batch["labels"] != IGNORED for batch in samples]
        found = [sum(int(labels.any(dim=1).sum()) for labels in counted), sum(int(labels.sum()) for labels in counted)]
        if self.args.world_size > 1:
            found = self.accelerator.reduce(torch.tensor(found, device=self.args.device)).tolist()
        rows, self.tokens_in_step = found
        self.rows_in_step = rows // 2 if self.settings.objective == "dpo" else rows
        return samples, count

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The objective summed over this micro-batch / tokens or pairs of the step.

        Several processes average their gradients, so each one's share is multiplied by their number.
        """
        logits, targets, start, outputs = self._scored(model, inputs)
        settings = self.settings
        found = total(settings.objective, logits, targets, start, settings.beta)
        loss = found / (self.rows_in_step if settings.objective == "dpo" else self.tokens_in_step)
        if self.args.world_size > 1:
            loss = loss * self.args.world_size
        return (loss, outputs) if return_outputs else loss

    def _scored(self, model: Any, inputs: dict[str, Any]) -> Any:
        """(logits, targets, reference or None, outputs) of the positions from the first label of the batch on."""
        labels = inputs["labels"]
        model_inputs = {name: value for name, value in inputs.items() if name not in OWN}
        counted = (labels != IGNORED).any(dim=0).nonzero()
        first = int(counted[0] if len(counted) else labels.shape[1] - 1) - 1  # it predicts the first label
        if self.keeps_logits:
            model_inputs["logits_to_keep"] = torch.arange(first, labels.shape[1] - 1, device=labels.device)
        outputs = model(**model_inputs, use_cache=False)
        logits = outputs.logits if self.keeps_logits else outputs.logits[:, first:-1]
        start = inputs["reference"][:, first + 1 :] if "reference" in inputs else None
        return logits, labels[:, first + 1 :], start, outputs

    def remember_start(self) -> None:
        """Log-probabilities of all completions under the policy as it is now, into the batches to come.

        They are computed here and not taken from the engine, whose other kernels round otherwise, and without
        dropout. Each process takes a share.
        """
        rows = list(dict.fromkeys(answer for row in self.rows for answer in row.answers()))
        mine = rows[self.args.process_index :: self.args.world_size]
        size = self.args.per_device_train_batch_size
        found: list[tuple[int, list[float]]] = []
        model: Any = self.model
        model.eval()
        for at in range(0, len(mine), size):
            batch = self._prepare_inputs(self.collator(mine[at : at + size]))
            with torch.no_grad(), self.accelerator.autocast():
                logits, targets, _, _ = self._scored(model, batch)
                values = log_probabilities(logits, targets)
            found += [
                (self.args.process_index + self.args.world_size * (at + place), known[labels != IGNORED].tolist())
                for place, (known, labels) in enumerate(zip(values, targets, strict=True))
            ]
        model.train()
        everyone = gather_object(found) if self.args.world_size > 1 else found
        self.collator.reference = {rows[number]: known for number, known in everyone}

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """0: nobody reads the count, and the Trainer's walks over all weights at each forward pass (0.02 of a step)."""
        return 0

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


def filled(rows: Sequence[Row], multiple: int) -> list[Row]:
    """`rows` and, up to a multiple, rows that do not count: every process has equally many batches, and no row is
    seen twice."""
    blank = replace(rows[0], counts=False)
    return [*rows, *[blank] * (-len(rows) % multiple)]


class Shuffled(Sampler[int]):
    """Places of the rows in the seeded order that one process takes, then of those that fill up."""

    def __init__(self, rows: int, filled: int, seed: int) -> None:
        self.rows, self.filled = rows, filled
        self.order = SeedableRandomSampler(range(rows), data_seed=seed)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.filled

    def __iter__(self) -> Iterator[int]:
        yield from self.order
        yield from range(self.rows, self.filled)

    def set_epoch(self, epoch: int) -> None:
        """Each epoch has an order of its own."""
        self.order.set_epoch(epoch)


class Epochs(TrainerCallback):
    """Tells the order which epoch begins: accelerate does not where batches are skipped, that is, when a training in
    several processes resumes within an epoch."""

    def __init__(self, order: Shuffled) -> None:
        self.order = order

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.order.set_epoch(int(state.epoch or 0))


class Progress(TrainerCallback):
    """Tells every tenth step, stops early where asked to, and marks a checkpoint as whole after its last file."""

    def __init__(self, tell: Callable[[str], None], marker: str, settings: Settings) -> None:
        self.tell, self.marker, self.settings = tell, marker, settings

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if not logs or "rows" not in logs:
            return
        if state.global_step % 10 == 0 or state.global_step in (1, state.max_steps):
            self.tell(f"train: step {state.global_step}/{state.max_steps} loss {logs['loss']:.4f}")
        if state.global_step < state.max_steps and self.settings.stalled(losses(state.log_history)):
            self.tell(f"train: stopped early at step {state.global_step}/{state.max_steps}: the loss no longer falls")
            control.should_training_stop = control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        together(args)  # each process saves its own random state
        if args.process_index == 0:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / self.marker).touch()
        together(args)  # none goes on before it counts


def together(args: Any) -> None:
    """Wait until every process is here."""
    if args.world_size > 1:
        torch.distributed.barrier()


def losses(history: Sequence[dict[str, Any]]) -> list[float]:
    """The loss of each step of a Trainer's log."""
    return [float(entry["loss"]) for entry in history if "rows" in entry]
