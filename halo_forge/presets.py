"""How much each verifier weighs in the reward: as given, or by the name of a preset."""

from __future__ import annotations

from collections.abc import Sequence

from halo_forge.errors import UserError, nearest

NEUTRAL = 0.5
"""What a score that judged nothing counts as: it neither pays nor punishes."""
CUSTOM_WEIGHT = 0.2
COMBINE = ("gated", "mean")
PRESETS: dict[str, tuple[float, float, float]] = {
    "default": (0.3, 0.4, 0.3),
    "vqa": (0.2, 0.2, 0.6),
    "document": (0.4, 0.2, 0.4),
    "chart": (0.3, 0.3, 0.4),
}
"""Weights of perception, reasoning, output by the kind of question."""


def weights_of(weights: Sequence[float], preset: str = "") -> tuple[float, float, float]:
    """The three weights: as given, else those of a preset. Raises UserError when they make no sense."""
    if not weights:
        if preset and preset not in PRESETS:
            raise UserError(f"--preset {preset}: {nearest(preset, PRESETS)}")
        return PRESETS[preset or "default"]
    if len(weights) != 3 or not all(0 <= w < float("inf") for w in weights) or sum(weights) <= 0:
        shown = ",".join(map(str, weights))
        raise UserError(f"--weights takes three numbers >= 0 that are not all 0, not '{shown}'")
    return weights[0], weights[1], weights[2]
