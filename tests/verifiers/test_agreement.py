"""sql/reward/agreement: the area under the ROC curve by hand, over all completions and within prompts."""

from __future__ import annotations

import itertools
import random

import pytest

from halo_forge import schema, sql


def test_auc_is_the_share_of_right_over_wrong_pairs() -> None:
    rng = random.Random(0)
    rows = [
        {
            "prompt_id": str(i // 4), "sample_index": i % 4, "cycle": 1, "correct": rng.random() < 0.5,
            "perception": rng.choice([None, 0.25, 0.5, 0.75]), "reasoning": None, "output": rng.random(),
        }
        for i in range(60)
    ]  # fmt: skip
    rows.append({"prompt_id": "no gold", "sample_index": 0, "cycle": 1, "correct": None, "perception": 1.0})
    keys = ("prompt_id", "sample_index", "cycle", "correct")
    paid = [{**{k: row[k] for k in keys}, "reward": row.get("output") or 0.0} for row in rows]
    tables = {"scores": schema.from_rows(rows, "scores"), "rewards": schema.from_rows(paid, "rewards")}
    found = {row["verifier"]: row for row in sql.query(sql.text("reward/agreement"), tables).to_pylist()}

    def auc(name: str, within: bool) -> float:
        known = [row for row in rows if row["correct"] is not None and row.get(name) is not None]
        pairs = [
            (a[name] > b[name]) + (a[name] == b[name]) / 2
            for a, b in itertools.product(known, known)
            if a["correct"] and not b["correct"] and (not within or a["prompt_id"] == b["prompt_id"])
        ]
        return sum(pairs) / len(pairs)

    for name in ("perception", "output"):
        assert found[name]["auc"] == pytest.approx(auc(name, False))
        assert found[name]["auc_within"] == pytest.approx(auc(name, True))
    assert found["reward"]["auc"] == found["output"]["auc"]
    assert (found["reasoning"]["judged"], found["reasoning"]["abstained"], found["reasoning"]["auc"]) == (0, 1.0, None)
    silent = sum(row["perception"] is None for row in rows[:60])
    assert found["perception"]["abstained"] == pytest.approx(silent / 60)
    assert found["output"]["completions"] == 60
