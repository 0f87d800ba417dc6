"""One completion with what is needed to judge it: the row every verifier reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rollout:
    """`answers` None: no ground truth. `threshold`: output at or above it counts as correct (in [0, 1])."""

    question: str
    completion: str
    answers: tuple[str, ...] | None
    metric: str = "match"
    style: str = "grounded"
    choices: tuple[str, ...] | None = None
    answer_type: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: str = "stop"
    threshold: float = 0.9
