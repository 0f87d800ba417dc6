"""reward: scores → rewards. One row in, one row out.

Combines the perception, reasoning and output scores of each completion into one reward in [0, 1].

    python stages/reward.py --scores S --weights 0.3,0.4,0.3 --output R
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from halo_forge.config import identity, source, target
from halo_forge.errors import UserError
from halo_forge.stage import Stage

VERSION = 1
NEUTRAL = 0.5
"""What a score that judged nothing counts as: it neither pays nor punishes."""
COMBINE = ("gated", "mean")


@dataclass(frozen=True)
class Config:
    """How scores become a reward."""

    scores: str = source("scores")
    output: str = target(help="where the rewards table goes")
    weights: tuple[float, ...] = identity((0.3, 0.4, 0.3), "weights of perception, reasoning, output")
    combine: str = identity("gated", "gated: no wrong answer reaches a right one; mean: plain", choices=COMBINE)

    def __post_init__(self) -> None:
        if len(self.weights) != 3 or min(self.weights) < 0 or sum(self.weights) <= 0:
            shown = ",".join(map(str, self.weights))
            raise UserError(f"--weights takes three numbers >= 0 that are not all 0, not '{shown}'")
        if self.combine not in COMBINE:
            raise UserError(f"--combine takes gated or mean, not '{self.combine}'")


def reward(scores: pa.Table, config: Config, state: Any = None) -> pa.Table:
    """The rewards of `scores` (scores → rewards, 1:1, same order).

    m is the weighted mean of perception, reasoning and output, a null perception or reasoning counting as 0.5.
    With ground truth the reward is m when correct and τ · w_output · m when not: wrong answers keep their order
    and the best of them stays below the worst right one, whatever the weights. Without ground truth (output
    null) perception and reasoning are renormalised and `gated` is false. A row with an error earns 0.
    """
    total = sum(config.weights)
    w_perception, w_reasoning, w_output = (weight / total for weight in config.weights)
    perception, reasoning = (
        pc.fill_null(scores[name].cast(pa.float64()), NEUTRAL) for name in ("perception", "reasoning")
    )
    known = pc.is_valid(scores["output"])
    seen = pc.add(pc.multiply(perception, w_perception), pc.multiply(reasoning, w_reasoning))
    mean = pc.add(seen, pc.multiply(pc.fill_null(scores["output"].cast(pa.float64()), 0.0), w_output))
    without = pc.divide(seen, w_perception + w_reasoning) if w_perception + w_reasoning else pc.multiply(mean, 0.0)
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


STAGE = Stage("reward", VERSION, Config, reward, rows="scores", output="rewards", part_rows=65_536)


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    return STAGE.main(argv)
