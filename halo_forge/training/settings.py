"""Hyper-parameters of one cycle's training. No torch here: plans and keys read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from halo_forge.errors import UserError, nearest

LR_DECAY = 0.85
LR_FLOOR = 1e-6
SCHEDULERS = ("cosine", "linear", "constant")
OBJECTIVES = ("raft", "raft++", "dpo")
"""What is minimised; `objectives` has the formulas."""
MODES = ("lora", "qlora", "full")
"""What is trained: an adapter, an adapter on a base in 4 bits, or the weights themselves."""
CHECKPOINTING = ("auto", "on", "off")
"""Whether activations are computed twice rather than kept; auto: on an accelerator."""
BETA = 0.1


def learning_rate(cycle: int, base: float = 5e-5, decay: float = LR_DECAY, floor: float = LR_FLOOR) -> float:
    """Peak learning rate of a cycle counted from 1: base · decay^(cycle-1), never under the floor."""
    if cycle < 1:
        raise ValueError(f"cycles count from 1, got {cycle}")
    return max(base * decay ** (cycle - 1), floor)


def recomputes(checkpointing: str, on_cpu: bool) -> bool:
    """Whether activations are computed twice rather than kept, by a word of `CHECKPOINTING`."""
    return checkpointing == "on" or (checkpointing == "auto" and not on_cpu)


def rows_at_once(rows: int, at_most: int) -> int:
    """Rows of a forward pass where a process has `rows` of each step: the largest divisor up to `at_most`."""
    return next(size for size in range(min(at_most, rows), 0, -1) if rows % size == 0)


@dataclass(frozen=True)
class Settings:
    """What changes the trained weights; every field bears identity."""

    learning_rate: float = 5e-5
    """Peak, already decayed for the cycle."""
    rank: int = 16
    alpha: int = 32
    """LoRA scales its update by alpha / rank."""
    dropout: float = 0.0
    """On the LoRA input. 0 keeps the trainer's probabilities equal to the engine's."""
    epochs: float = 1.0
    max_steps: int = 0
    """Optimizer steps; 0: by epochs."""
    batch_size: int = 16
    """Rows per optimizer step."""
    micro_batch_size: int = 4
    """Rows per forward pass; batch_size is a multiple of it."""
    warmup_ratio: float = 0.1
    scheduler: str = "cosine"
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    seed: int = 0
    objective: str = "raft"
    beta: float = BETA
    """dpo: how strongly the policy is held at the one it started from."""
    mode: str = "lora"
    train_vision: bool = False
    """The vision tower and its projection are trained as well."""
    patience: int = 0
    """Stop when the mean loss of this many steps is not below that of as many before; 0: never."""

    def __post_init__(self) -> None:
        for name in (
            "learning_rate",
            "rank",
            "alpha",
            "epochs",
            "batch_size",
            "micro_batch_size",
            "max_grad_norm",
            "beta",
        ):
            if not getattr(self, name) > 0:
                raise UserError(f"training: {name} must be above 0, got {getattr(self, name)}")
        for name, known in (("scheduler", SCHEDULERS), ("objective", OBJECTIVES), ("mode", MODES)):
            if getattr(self, name) not in known:
                value = getattr(self, name)
                raise UserError(f"training: no {name} {value!r}: {nearest(value, known)}")
        if not (0 <= self.dropout < 1 and 0 <= self.warmup_ratio < 1 and self.weight_decay >= 0):
            raise UserError("training: need 0 <= dropout < 1, 0 <= warmup_ratio < 1 and weight_decay >= 0")
        for name, none in (("max_steps", "by epochs"), ("patience", "never stop early")):
            if getattr(self, name) < 0:
                raise UserError(f"training: {name} must be 0 ({none}) or more, got {getattr(self, name)}")
        if self.batch_size % min(self.micro_batch_size, self.batch_size):
            raise UserError(
                f"training: batch_size {self.batch_size} is no multiple of micro_batch_size {self.micro_batch_size}"
            )

    @property
    def micro(self) -> int:
        """Rows per forward pass, never more than a step has."""
        return min(self.micro_batch_size, self.batch_size)

    def share(self, processes: int = 1, at_most: int | None = None) -> tuple[int, int]:
        """(rows per forward pass, forward passes per optimizer step) of each of `processes`: together the rows of a
        step, whatever fits. `at_most` bounds the former where memory does. Raises UserError."""
        each = self.batch_size // processes
        if each * processes != self.batch_size:
            raise UserError(f"training: batch_size {self.batch_size} is no multiple of {processes} processes")
        micro = rows_at_once(each, self.micro if at_most is None else at_most)
        return micro, each // micro

    def steps(self, rows: int) -> int:
        """Optimizer steps that a training of `rows` rows takes, if it is not stopped early."""
        if self.max_steps:
            return self.max_steps
        return math.ceil(math.ceil(math.ceil(rows / self.micro) / (self.batch_size // self.micro)) * self.epochs)

    def stalled(self, losses: Sequence[float]) -> bool:
        """Whether to stop after these losses of the steps so far: the last `patience` of them are on average not
        below the `patience` before. It looks at nothing else, so a resumed training stops at the same step."""
        count = self.patience
        if not count or len(losses) < 2 * count:
            return False
        return sum(losses[-count:]) >= sum(losses[-2 * count : -count])

    def factor(self, step: int, steps: int) -> float:
        """Share of the peak learning rate at optimizer step `step` (from 0) of `steps`.

        Linear warm-up that starts above 0 (a step at rate 0 is a step lost), then a half cosine, a line or a
        constant; the last step is still above 0.
        """
        warm = int(self.warmup_ratio * steps)
        if step < warm:
            return (step + 1) / (warm + 1)
        done = (step - warm) / max(1, steps - warm)
        if self.scheduler == "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        return 1 - done if self.scheduler == "linear" else 1.0

    def lines(self) -> list[str]:
        """`name value` of every field, for printing."""
        return [f"{field.name} {getattr(self, field.name)}" for field in fields(self)]
