"""A grid of reward settings, read from flags that take several values."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from halo_forge import sql
from halo_forge.errors import UserError, nearest
from halo_forge.presets import COMBINE, PRESETS, weights_of

MOST = 500
"""Combinations of a grid."""


@dataclass(frozen=True)
class Setting:
    """One combination; `threshold` None: as it was verified."""

    weights: tuple[float, ...]
    combine: str
    threshold: float | None
    filter: str
    max_per_prompt: int


def grid(
    own: Setting, weights: str = "", combine: str = "", threshold: str = "", filters: str = "", most: str = ""
) -> list[Setting]:
    """Every combination of the values in these texts, each once; where a text is empty, `own` has the value. `most`: of
    right completions per prompt. Raises UserError for a value that makes no sense."""
    parts = [part.strip() for part in weights.split(";") if part.strip()]
    axes: tuple[list[Any], ...] = (
        [_weights(part) for part in parts] or [own.weights],
        [_known("combine", word, COMBINE) for word in _words(combine)] or [own.combine],
        [_number("threshold", word, 0, 1) for word in _words(threshold)] or [own.threshold],
        _words(filters) or [own.filter],
        [int(_number("max-per-prompt", word, 1, 10**6)) for word in _words(most)] or [own.max_per_prompt],
    )
    for name in axes[3]:
        sql.named_or_file("filters", name)
    found = list(dict.fromkeys(Setting(*combination) for combination in itertools.product(*axes)))
    if len(found) > MOST:
        raise UserError(f"the grid has {len(found)} combinations, at most {MOST} are taken: give fewer values")
    return found


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace(";", ",").split(",") if word.strip()]


def _weights(text: str) -> tuple[float, ...]:
    if text.replace("_", "").isalpha():
        return weights_of((), _known("weights", text, tuple(PRESETS)))
    return weights_of([_number("weights", word, 0, float("inf")) for word in _words(text)])


def _known(flag: str, word: str, options: Sequence[str]) -> str:
    if word not in options:
        raise UserError(f"--{flag} {word} is not known: {nearest(word, options)}")
    return word


def _number(flag: str, word: str, low: float, high: float) -> float:
    try:
        value = float(word)
    except ValueError as exc:
        raise UserError(f"--{flag} takes numbers, not '{word}'") from exc
    if not low <= value <= high or value == float("inf"):
        raise UserError(f"--{flag} takes numbers from {low:g} to {high:g}, not {word}")
    return value
