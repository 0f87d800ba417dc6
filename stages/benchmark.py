"""benchmark: completions (+ prompts) → benchmark. One row in, one row out.

Scores each prediction with its dataset's published metric. Greedy rows have temperature 0.

    python stages/benchmark.py --completions C --prompts P --output B
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from halo_forge import metrics
from halo_forge.answers import by_letter, extract
from halo_forge.config import identity, source, target
from halo_forge.schema import from_rows
from halo_forge.stage import Stage, Tables

VERSION = 3
CATEGORIES = ("category", "kind", "type", "question_type", "human_or_machine")


@dataclass(frozen=True)
class Config:
    """What to score."""

    completions: str = source("completions")
    prompts: str = source("prompts")
    output: str = target(help="where the benchmark table goes")
    threshold: float | None = identity(None, "score at or above which an answer is correct (none: the metric's)")


def gather(completions: pa.Table, tables: Tables) -> dict[str, pa.Table]:
    """The prompts of these completions."""
    return {"prompts": tables["prompts"].where("prompt_id", completions["prompt_id"])}


def benchmark(completions: pa.Table, config: Config, state: Any = None, *, prompts: pa.Table) -> pa.Table:
    """The scores by the published metric (completions → benchmark, 1:1, same order).

    `score` is null without ground truth, `correct` is `score` at or above the threshold. A truncated completion
    is scored on what it says, as the benchmarks do.
    """
    questions = {row["prompt_id"]: row for row in prompts.to_pylist()}
    return from_rows(
        [_scored(row, questions.get(row["prompt_id"]), config) for row in completions.to_pylist()], "benchmark"
    )


def _scored(row: dict[str, Any], question: dict[str, Any] | None, config: Config) -> dict[str, Any]:
    same = ("prompt_id", "sample_index", "cycle", "model", "temperature", "finish_reason", "error")
    made = {name: row[name] for name in same}
    if question is None:
        return {**made, "error": "its prompt is not in the prompts table"}
    extra = json.loads(question["extra"] or "{}")
    metric = question["metric"] or "match"
    options = by_letter(question["choices"], question["answers"])
    answer = extract(row["completion"] or "", question["style"] or "direct", options)
    score = None
    if question["answers"] is not None:
        score = metrics.score(
            metric,
            answer.text,
            question["answers"],
            choices=question["choices"],
            answer_type=question["answer_type"],
            question_type=extra.get("question_type"),
            precision=extra.get("precision"),
            question=question["question"],
        )
    threshold = metrics.threshold_of(metric) if config.threshold is None else config.threshold
    return {
        **made,
        "dataset": question["dataset"],
        "split": question["split"],
        "style": question["style"],
        "image_id": question["image_ids"][0] if question["image_ids"] else None,
        "category": next((str(extra[name]) for name in CATEGORIES if name in extra), question["answer_type"]),
        "metric": metric,
        "prediction": answer.text,
        "score": score,
        "correct": None if score is None else score >= threshold,
    }


STAGE = Stage("benchmark", VERSION, Config, benchmark, rows="completions", output="benchmark", gather=gather)


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    return STAGE.main(argv)
