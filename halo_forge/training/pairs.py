"""Pairs for dpo: each kept completion against a wrong one of the same prompt.

Wrong are the rows of the sft table that a filter dropped as such, by their `reason`: those of all shipped filters;
one's own filter says it in the same words. Truncated, failed and merely superfluous completions are no counterparts.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from halo_forge.store import Table
from halo_forge.training.rows import Row

WRONG = ("wrong answer", "no right completion for this prompt")
"""The latter are counterparts of an answer that was transferred from another style of the question."""


def right_and_wrong(sft: Table) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """(kept rows, in order; wrong rows by prompt_id) of an sft table, as dicts."""
    names = ["prompt_id", "sample_index", "keep", "reason", "prompt", "completion", "token_ids"]
    rows = [row for row in sft.read(names).to_pylist() if row["completion"] is not None]
    wrong: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if not row["keep"] and row["reason"] in WRONG:
            wrong[row["prompt_id"]].append(row)
    return [row for row in rows if row["keep"]], wrong


def paired(rows: Sequence[Row], wrong: Mapping[str, Sequence[Mapping[str, Any]]], seed: int) -> list[Row]:
    """The rows that have a counterpart, with it: the wrong ones of a prompt in an order drawn by `seed`, each before
    one comes again."""
    found, taken = [], dict.fromkeys(wrong, 0)
    drawn = {
        prompt: sorted(others, key=lambda other: _draw(seed, prompt, other["sample_index"]))
        for prompt, others in wrong.items()
    }
    for row in rows:
        others = [other for other in drawn.get(row.prompt_id, ()) if other["completion"] != row.completion]
        if others:
            other = others[taken[row.prompt_id] % len(others)]
            taken[row.prompt_id] += 1
            ids = tuple(other["token_ids"]) if other["token_ids"] else None
            found.append(replace(row, rejected=other["completion"], rejected_ids=ids))
    return found


def _draw(seed: int, prompt: str, sample: int) -> str:
    return hashlib.md5(f"{seed}/{prompt}/{sample}".encode(), usedforsecurity=False).hexdigest()
