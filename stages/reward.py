"""reward: scores → rewards. One row in, one row out.

Combines the perception, reasoning and output scores of each completion into one reward in [0, 1].

    python stages/reward.py --scores S --weights 0.3,0.4,0.3 --output R [--preset vqa] [--weight 0.2]
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from halo_forge.config import execution, identity, source, target
from halo_forge.errors import UserError
from halo_forge.presets import COMBINE, CUSTOM_WEIGHT, NEUTRAL, PRESETS, weights_of
from halo_forge.stage import Stage

VERSION = 2


@dataclass(frozen=True)
class Config:
    """How scores become a reward."""

    scores: str = source("scores")
    output: str = target(help="where the rewards table goes")
    weights: tuple[float, ...] = identity((), "weights of perception, reasoning, output (none: the preset's)")
    preset: str = execution("", "weights by name: default, vqa, document, chart", choices=("", *PRESETS))
    weight: tuple[float, ...] = identity((), f"weights of your own verifiers, in order (none: {CUSTOM_WEIGHT} each)")
    combine: str = identity("gated", "gated: no wrong answer reaches a right one; mean: plain", choices=COMBINE)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", weights_of(self.weights, self.preset))
        if any(not 0 <= w < float("inf") for w in self.weight):
            raise UserError(f"--weight takes numbers >= 0, not '{','.join(map(str, self.weight))}'")
        if self.combine not in COMBINE:
            raise UserError(f"--combine takes gated or mean, not '{self.combine}'")


def reward(scores: pa.Table, config: Config, state: Any = None) -> pa.Table:
    """The rewards of `scores` (scores → rewards, 1:1, same order).

    m is the weighted mean of perception, reasoning, output and the user's own verifiers, a null of the first two
    and of the user's counting as 0.5. With ground truth the reward is m when correct and τ · w_output · m when
    not: wrong answers keep their order and the best of them stays below the worst right one, whatever the
    weights. Without ground truth (output null) the rest is renormalised and `gated` is false. A row with an
    error earns 0. `halo_forge.rewards.combined` is the same formula for one row.
    """
    own = _custom(scores, config.weight)
    total = sum(config.weights) + sum(weight for weight, _ in own)
    w_perception, w_reasoning, w_output = (weight / total for weight in config.weights)
    seen: Any = pa.array([0.0] * scores.num_rows, pa.float64())
    parts = [(w_perception, scores["perception"]), (w_reasoning, scores["reasoning"])]
    parts += [(weight / total, column) for weight, column in own]
    for weight, column in parts:
        seen = pc.add(seen, pc.multiply(pc.fill_null(column.cast(pa.float64()), NEUTRAL), weight))
    known = pc.is_valid(scores["output"])
    mean = pc.add(seen, pc.multiply(pc.fill_null(scores["output"].cast(pa.float64()), 0.0), w_output))
    without = pc.divide(seen, 1 - w_output) if w_output < 1 else pc.multiply(mean, 0.0)
    correct = pc.fill_null(scores["correct"], False)
    threshold = pc.fill_null(scores["threshold"].cast(pa.float64()), 0.9)
    wrong = pc.multiply(mean, pc.multiply(threshold, w_output))
    judged = mean if config.combine == "mean" else pc.if_else(correct, mean, wrong)
    value = pc.if_else(known, judged, without)
    value = pc.if_else(pc.is_valid(scores["error"]), 0.0, value)
    value = pc.max_element_wise(pc.min_element_wise(value, 1.0), 0.0)
    kept = ["prompt_id", "sample_index", "cycle", "perception", "reasoning", "output", "correct"]
    return pa.table(
        {
            **{name: scores[name] for name in kept},
            "gated": pc.and_(known, config.combine == "gated"),
            "finish_reason": scores["finish_reason"],
            "reward": value,
            "error": scores["error"],
        }
    )


def _custom(scores: pa.Table, weights: Sequence[float]) -> list[tuple[float, pa.Array]]:
    """(weight, scores) of each of the user's verifiers, in the order of the `custom` column."""
    rows = scores["custom"].to_pylist() if "custom" in scores.column_names else []
    names = next(([entry["name"] for entry in row] for row in rows if row), [])
    if weights and names and len(weights) != len(names):
        raise UserError(f"--weight has {len(weights)} numbers for {len(names)} verifiers ({', '.join(names)})")
    used = weights or [CUSTOM_WEIGHT] * len(names)
    columns = [{entry["name"]: entry["score"] for entry in row or ()} for row in rows]
    return [
        (weight, pa.array([c.get(name) for c in columns], pa.float64()))
        for weight, name in zip(used, names, strict=False)
    ]


STAGE = Stage("reward", VERSION, Config, reward, rows="scores", output="rewards", part_rows=8_192)


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    return STAGE.main(argv)
