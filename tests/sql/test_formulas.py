"""The numbers of sql/ against the same numbers worked out in plain Python, over random tables with ties and nulls."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections import Counter, defaultdict
from typing import Any

import pyarrow as pa
import pytest

from halo_forge import schema, sql
from halo_forge.vlm.questions import question

Row = dict[str, Any]
CYCLES = (1, 2, 3)
PARTS = (
    "perception_objects", "perception_text", "perception_spatial", "perception_counting", "reasoning_structure",
    "reasoning_consistency", "reasoning_grounding",
)  # fmt: skip


def rollouts(seed: int = 0) -> list[Row]:
    """Completions of 25 prompts in three cycles, one to six samples each, judged; some without ground truth, some
    that failed."""
    draw = random.Random(seed)
    rows = []
    for cycle, number in itertools.product(CYCLES, range(25)):
        hard = draw.random()
        for sample in range(draw.randint(1, 6)):
            known, failed = number % 8 != 7, draw.random() < 0.04
            right = draw.random() > hard if known else None
            seen = [round(draw.random(), 1) if draw.random() < 0.8 else None for _ in range(2)]
            rows.append(
                {
                    "prompt_id": f"p{number:02}",
                    "sample_index": sample,
                    "cycle": cycle,
                    "perception": seen[0],
                    "reasoning": seen[1],
                    "output": float(right) if right is not None else None,
                    "correct": right,
                    "reward": round((0 if right is None else 0.5 * right) + round(draw.random(), 1) / 2, 4),
                    "error": "no image" if failed else None,
                    **{part: round(draw.random(), 1) if draw.random() < 0.7 else None for part in PARTS},
                }
            )
    return rows


ROWS = rollouts()
JUDGED = [row for row in ROWS if row["correct"] is not None and row["error"] is None]


def table(name: str, rows: list[Row]) -> pa.Table:
    known = schema.TABLES[name].names
    return schema.from_rows([{key: row[key] for key in row if key in known} for row in rows], name)


REWARDS, SCORES = table("rewards", ROWS), table("scores", ROWS)


def ask(name: str, tables: dict[str, pa.Table], **given: str) -> list[Row]:
    asked = question(name)
    return sql.query(asked.text, {view: tables[view] for view in asked.tables}, **asked.values(given)).to_pylist()


def grouped(rows: list[Row], *keys: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]].append(row)
    return found


def test_pass_at_k_is_the_share_of_draws_of_k_with_a_right_one() -> None:
    expected: dict[tuple[int, int], list[float]] = defaultdict(list)
    for (cycle, _), said in grouped(JUDGED, "cycle", "prompt_id").items():
        for k in (1, 2, 4, 8):
            draws = list(itertools.combinations([row["correct"] for row in said], k))
            if draws:
                expected[cycle, k].append(statistics.fmean(any(draw) for draw in draws))
    found = ask("pass_at_k", {"rewards": REWARDS})
    assert {(row["cycle"], row["k"]): row["prompts"] for row in found} == {key: len(v) for key, v in expected.items()}
    for row in found:
        assert row["pass_at_k"] == pytest.approx(statistics.fmean(expected[row["cycle"], row["k"]]))
    assert {row["k"] for row in found} == {1, 2, 4}


def auc(right: list[float], wrong: list[float]) -> float | None:
    pairs = [(a > b) + (a == b) / 2 for a in right for b in wrong]
    return statistics.fmean(pairs) if pairs else None


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    found = {(row["cycle"], row["verifier"]): row for row in ask("agreement", {"scores": SCORES, "rewards": REWARDS})}
    for cycle, verifier in itertools.product(CYCLES, ("perception", "reasoning", "output", "reward", *PARTS)):
        known = [row for row in JUDGED if row["cycle"] == cycle]
        valued = [row for row in known if row[verifier] is not None]
        row = found[cycle, verifier]
        assert (row["completions"], row["judged"]) == (len(known), len(valued))
        assert row["abstained"] == pytest.approx(1 - len(valued) / len(known))
        sides = [[one[verifier] for one in valued if one["correct"] is right] for right in (True, False)]
        assert row["auc"] == pytest.approx(auc(*sides))
        pairs = [
            (a[verifier] > b[verifier]) + (a[verifier] == b[verifier]) / 2
            for said in grouped(valued, "prompt_id").values()
            for a in said
            for b in said
            if a["correct"] and not b["correct"]
        ]
        assert row["auc_within"] == pytest.approx(statistics.fmean(pairs))
    assert found[1, "output_fuzzy"]["abstained"] == 1 and found[1, "output_fuzzy"]["auc"] is None
    assert found[1, "output"]["auc"] == 1


def test_calibration_is_by_tenths_that_keep_equal_scores_together() -> None:
    found = [row for row in ask("calibration", {"scores": SCORES, "rewards": REWARDS}) if row["verifier"] == "reward"]
    expected = []
    for cycle in CYCLES:
        known = sorted((row for row in JUDGED if row["cycle"] == cycle), key=lambda row: row["reward"])
        tenths: dict[int, list[Row]] = defaultdict(list)
        below = 0
        for _, same in itertools.groupby(known, key=lambda row: round(row["reward"], 4)):
            group = list(same)
            tenths[1 + math.floor(10 * (below + len(group) / 2) / len(known))] += group
            below += len(group)
        for tenth, rows in sorted(tenths.items()):
            mean, right = (statistics.fmean(row[name] for row in rows) for name in ("reward", "correct"))
            expected.append((cycle, tenth, len(rows), rows[0]["reward"], rows[-1]["reward"], mean, right, right - mean))
    assert len(found) == len(expected) > 20
    for row, figures in zip(found, expected, strict=True):
        names = ("cycle", "decile", "completions", "low", "high", "score", "right_share", "gap")
        assert [row[name] for name in names] == pytest.approx(figures)


def test_best_of_n_takes_the_first_of_the_highest() -> None:
    scores = {
        "perception": lambda row: half(row["perception"]),
        "reasoning": lambda row: half(row["reasoning"]),
        "seen": lambda row: round(half(row["perception"]) + half(row["reasoning"]), 6),
        "reward": lambda row: round(row["reward"], 6),
    }
    chosen: dict[tuple[int, int, str], list[bool]] = defaultdict(list)
    shares: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for (cycle, _), said in grouped(JUDGED, "cycle", "prompt_id").items():
        shares[cycle, len(said)] += said
        for name, score in scores.items():
            best = max(said, key=lambda row: (score(row), -row["sample_index"]))
            chosen[cycle, len(said), name].append(best["correct"])
    found = ask("best_of_n", {"rewards": REWARDS})
    assert len(found) == len(chosen)
    for row in found:
        picked = chosen[row["cycle"], row["n"], row["chosen_by"]]
        assert row["prompts"] == len(picked) and row["right_share"] == pytest.approx(statistics.fmean(picked))
        every = shares[row["cycle"], row["n"]]
        assert row["random"] == pytest.approx(statistics.fmean(one["correct"] for one in every))
        solved = [any(one["correct"] for one in said) for said in grouped(every, "prompt_id").values()]
        assert row["any_right"] == pytest.approx(statistics.fmean(solved))


def half(value: float | None) -> float:
    return 0.5 if value is None else value


def test_prompts_are_solved_newly_solved_and_forgotten() -> None:
    solved = {key: any(row["correct"] for row in said) for key, said in grouped(JUDGED, "cycle", "prompt_id").items()}
    asked: dict[str, list[int]] = defaultdict(list)
    new, lost = set(), set()
    for (cycle, prompt), good in sorted(solved.items()):
        before = [solved[earlier, prompt] for earlier in asked[prompt]]
        if before and good and not any(before):
            new.add((cycle, prompt))
        if before and not good and before[-1]:
            lost.add((cycle, prompt))
        asked[prompt].append(cycle)
    tables = {"rewards": REWARDS, "prompts": schema.empty("prompts")}
    assert {(row["cycle"], row["prompt_id"]) for row in ask("newly_solved", tables)} == new and len(new) > 2
    assert {(row["cycle"], row["prompt_id"]) for row in ask("forgotten", tables)} == lost and len(lost) > 2
    for row in ask("solved", tables):
        mine = {prompt: good for (cycle, prompt), good in solved.items() if cycle == row["cycle"]}
        assert (row["prompts"], row["solved"]) == (len(mine), sum(mine.values()))
        assert row["newly_solved"] == sum(cycle == row["cycle"] for cycle, _ in new)
        assert row["forgotten"] == sum(cycle == row["cycle"] for cycle, _ in lost)
        until = {prompt for (cycle, prompt), good in solved.items() if good and cycle <= row["cycle"]}
        assert row["never_yet"] == len(set(mine) - until)
    never = {row["prompt_id"]: row["tries"] for row in ask("never_solved", tables)}
    ever = {prompt for (_, prompt), good in solved.items() if good}
    tries = Counter(row["prompt_id"] for row in JUDGED)
    assert never == {prompt: n for prompt, n in tries.items() if prompt not in ever}


def test_pass_rates_and_verifiers_by_cycle() -> None:
    said = grouped(JUDGED, "cycle", "prompt_id")
    rates = {(row["cycle"], row["prompt_id"]): row["pass_rate"] for row in ask("pass_rate", {"rewards": REWARDS})}
    assert rates == pytest.approx({key: statistics.fmean(r["correct"] for r in rows) for key, rows in said.items()})
    few = ask("pass_rate", {"rewards": REWARDS}, min_n="4")
    assert {row["n"] for row in few} == {4, 5, 6} and len(few) == sum(len(rows) > 3 for rows in said.values())
    for row in ask("by_verifier", {"rewards": REWARDS}):
        mine = [one for one in ROWS if one["cycle"] == row["cycle"] and one["error"] is None]
        values = [one[row["verifier"]] for one in mine if one[row["verifier"]] is not None]
        assert row["judged"] == pytest.approx(len(values) / len(mine))
        assert (row["mean"], row["spread"]) == pytest.approx((statistics.fmean(values), statistics.stdev(values)))
        right = [one[row["verifier"]] for one in mine if one["correct"] and one[row["verifier"]] is not None]
        assert row["mean_right"] == pytest.approx(statistics.fmean(right))


def test_distribution_counts_every_reward_once() -> None:
    found = ask("distribution", {"rewards": REWARDS}, bins="10")
    expected = Counter(
        (row["cycle"], min(math.floor(row["reward"] * 10), 9), row["correct"]) for row in ROWS if row["error"] is None
    )
    for row in found:
        key = row["cycle"], round(row["low"] * 10)
        counts = [expected.pop((*key, right), 0) for right in (True, False, None)]
        assert [row["right_ones"], row["wrong_ones"], row["unknown"]] == counts and row["completions"] == sum(counts)
        assert row["high"] == pytest.approx(row["low"] + 0.1)
    assert not expected


def held_out(seed: int = 1) -> list[Row]:
    """Greedy answers of two cycles to 40 prompts about 15 images."""
    draw = random.Random(seed)
    return [
        {
            "prompt_id": f"p{number:02}", "sample_index": 0, "cycle": cycle, "model": f"cycle_{cycle}", "dataset": "d",
            "split": "test", "style": "direct", "temperature": 0.0, "image_id": f"i{number % 15}", "metric": "match",
            "prediction": "x" if draw.random() < 0.9 else None, "score": round(draw.random() ** (2 - cycle), 2),
            "correct": draw.random() < 0.5,
        }
        for cycle in (0, 1)
        for number in range(40)
    ]  # fmt: skip


def clustered(values: list[float], images: list[str]) -> tuple[float, float]:
    """Mean, and half of its 95 % interval with errors clustered by image."""
    mean = statistics.fmean(values)
    sums: dict[str, float] = defaultdict(float)
    for value, image in zip(values, images, strict=True):
        sums[image] += value - mean
    return mean, 1.96 * math.sqrt(math.fsum(total**2 for total in sums.values())) / len(values)


def test_intervals_are_clustered_by_image() -> None:
    rows = held_out()
    benchmark = table("benchmark", rows)
    marked = benchmark.append_column("run", pa.array(["mine"] * len(rows)))
    images = [row["image_id"] for row in rows[:40]]
    scores = [[row["score"] for row in rows if row["cycle"] == cycle] for cycle in (0, 1)]
    for name, given in (("accuracy", benchmark), ("by_model", marked)):
        for row in ask(name, {"benchmark": given}):
            mean, half_width = clustered(scores[row["cycle"]], images)
            assert (row["score"], row["low"], row["high"]) == pytest.approx(
                (mean, mean - half_width, mean + half_width)
            )
            assert row["n"] == 40
    mean, half_width = clustered([after - before for before, after in zip(*scores, strict=True)], images)
    gain = ask("gain", {"benchmark": benchmark}, cycle="1")[0]
    assert (gain["gain"], gain["low"], gain["high"]) == pytest.approx((mean, mean - half_width, mean + half_width))
    paired = ask("paired", {"benchmark": marked})
    assert len(paired) == 1 and (paired[0]["cycle"], paired[0]["other_cycle"]) == (1, 0)
    found = [paired[0][name] for name in ("difference", "low", "high")]
    assert found == pytest.approx([mean, mean - half_width, mean + half_width])
