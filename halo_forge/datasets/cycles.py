"""Which prompts of a run a cycle asks."""

from __future__ import annotations

import hashlib

import numpy as np

from halo_forge.table import Table


def asked_in(prompts: Table, per_cycle: int, cycle: int, seed: int) -> np.ndarray | None:
    """Ascending positions in `prompts` of the questions of one cycle; None: all of them.

    Questions lie in the order of a hash of (seed, question); cycle c takes the c-th slice of about `per_cycle`
    prompts and wraps around at the end. A question comes with all its styles, so that they can be compared. 0, or
    as many as there are: every cycle asks everything.
    """
    if per_cycle <= 0 or per_cycle >= prompts.rows:
        return None
    column = prompts.read(["question_id", "prompt_id"])
    names = column["question_id"].fill_null("").to_pylist()
    names = [name or own for name, own in zip(names, column["prompt_id"].to_pylist(), strict=True)]
    questions = sorted(set(names), key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    size = max(1, per_cycle * len(questions) // prompts.rows)
    start = (cycle - 1) * size
    chosen = {questions[(start + i) % len(questions)] for i in range(min(size, len(questions)))}
    return np.flatnonzero([name in chosen for name in names])
