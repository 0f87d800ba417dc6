"""Intervals of a benchmark's score: bootstrap over images, because questions about one image are not independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 2000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of the width."""
        return (self.high - self.low) / 2


def bootstrap(values: Sequence[float], images: Sequence[str | None], seed: int = 0) -> Interval:
    """Mean of `values` and its 95 % percentile interval over 2,000 resamples of whole images (the cluster bootstrap,
    Cameron, Gelbach & Miller 2008, without refinement). A value without an image is a cluster of its own."""
    if not len(values):
        raise ValueError("no values to take a mean of")
    names = [f"\0{i}" if image is None else image for i, image in enumerate(images)]
    _, place = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    sums, counts = np.bincount(place, weights=np.asarray(values, float)), np.bincount(place)
    rng = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    for draw in range(DRAWS):
        chosen = rng.integers(0, len(sums), len(sums))
        means[draw] = sums[chosen].sum() / counts[chosen].sum()
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(np.mean(values)), float(low), float(high))


def smallest_difference(one: Interval, rows: int) -> float:
    """The difference between two models that this many rows can show: √2 times the half width of one's interval, the
    other's being as wide and independent; and never below 3/n, the rule of three for what was not seen in n rows."""
    return max(float(np.sqrt(2) * one.half), 3 / rows)
