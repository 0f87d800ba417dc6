"""benchmark: the published metric on each prediction, and intervals that know about images."""

from __future__ import annotations

import pyarrow as pa
import pytest

from halo_forge import schema, sql
from halo_forge.stages import benchmark


def made(rows: list[dict], **prompt: object) -> list[dict]:
    base = {"prompt_id": "p", "image_ids": ["i"], "question": "?", "prompt": "?", "dataset": "d", "split": "test"}
    asked = schema.from_rows([{**base, "style": "direct", "metric": "vqa_accuracy", **prompt}], "prompts")
    table = schema.from_rows([{"prompt_id": "p", "sample_index": 0, "cycle": 0, **row} for row in rows], "completions")
    return benchmark.STAGE(table, benchmark.Config("c", "p", "b"), prompts=asked).to_pylist()


def test_soft_accuracy_and_threshold() -> None:
    answers = ["stop"] * 2 + ["halt"] * 8
    rows = made([{"completion": "Stop."}, {"completion": "halt"}, {"completion": "go"}], answers=answers)
    assert [row["score"] for row in rows] == [pytest.approx(0.6), 1.0, 0.0]
    assert [row["correct"] for row in rows] == [True, True, False]


def test_grounded_answers_are_extracted() -> None:
    row = made([{"completion": "I see a sign. <answer>stop</answer>"}], answers=["stop"] * 10, style="grounded")[0]
    assert (row["prediction"], row["score"]) == ("stop", 1.0)


def test_no_ground_truth_is_null() -> None:
    row = made([{"completion": "stop"}], answers=None)[0]
    assert row["score"] is None and row["correct"] is None


def rows(scores: dict[str, list[float]], cycle: int) -> list[dict]:
    return [
        {
            "prompt_id": f"{image}{i}",
            "sample_index": 0,
            "cycle": cycle,
            "model": "m",
            "split": "test",
            "style": "direct",
            "temperature": 0.0,
            "image_id": image,
            "metric": "match",
            "score": score,
            "correct": score >= 0.9,
        }
        for image, values in scores.items()
        for i, score in enumerate(values)
    ]


def test_interval_is_wider_when_images_repeat() -> None:
    def interval(scores: dict[str, list[float]]) -> tuple[float, float]:
        table = schema.from_rows(rows(scores, 0), "benchmark")
        row = sql.query(sql.text("benchmark/accuracy"), {"benchmark": table}).to_pylist()[0]
        assert row["score"] == 0.5 and row["n"] == 40
        return row["low"], row["high"]

    alone = interval({f"i{n}": [n % 2] for n in range(40)})
    together = interval({f"i{n}": [n % 2] * 4 for n in range(10)})
    assert alone[0] == pytest.approx(0.5 - 1.96 * (40 * 0.25) ** 0.5 / 40)
    assert together[1] - together[0] == pytest.approx(2 * (alone[1] - alone[0]))


def test_gain_is_paired() -> None:
    before = {f"i{n}": [float(n < 10)] for n in range(40)}
    after = {f"i{n}": [float(n < 30)] for n in range(40)}
    table = schema.from_rows(rows(before, 0) + rows(after, 2), "benchmark")
    row = sql.query(sql.text("benchmark/gain"), {"benchmark": table}, cycle=2, baseline=0, split="test").to_pylist()[0]
    assert (row["before"], row["after"], row["gain"], row["n"]) == (0.25, 0.75, 0.5, 40)
    assert 0.3 < row["low"] < row["gain"] < row["high"] < 0.7


def test_best_is_chosen_on_dev_and_the_earlier_of_equals() -> None:
    table = schema.from_rows(
        [
            {**row, "split": "dev"}
            for cycle, score in ((0, 1.0), (1, 0.5), (2, 0.8), (3, 0.8))
            for row in rows({"i": [score]}, cycle)
        ],
        "benchmark",
    )
    best = sql.query(sql.text("benchmark/best"), {"benchmark": table}, style="direct", cycles=3)
    assert best["cycle"].to_pylist() == [2]
    assert isinstance(best, pa.Table)
