"""What sql/hacking, sql/policy and sql/kept count, against the same counts in plain Python; the warnings they give."""

from __future__ import annotations

import random
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from halo_forge import schema, sql
from halo_forge.vlm import views
from halo_forge.vlm.questions import question

Row = dict[str, Any]
WORDS = ("red", "dog", "cat", "two", "left", "gate")


def ask(name: str, tables: dict[str, sql.Source], **given: str) -> list[Row]:
    asked = question(name)
    return sql.query(asked.text, {view: tables[view] for view in asked.tables}, **asked.values(given)).to_pylist()


def rollouts(seed: int = 0) -> list[Row]:
    """Two cycles of 15 prompts with four short completions each; every third of the second begins with a new phrase."""
    draw = random.Random(seed)
    rows = []
    for cycle in (1, 2):
        for number in range(60):
            said = [draw.choice(WORDS) for _ in range(draw.randint(1, 12))]
            if cycle == 2 and number % 3 == 0:
                said = ["look", "at", "this", *said]
            right = draw.random() < 0.5
            verdicts = [draw.choice(("supported", "contradicted", "unknown")) for _ in range(draw.randint(0, 3))]
            rows.append(
                {
                    "prompt_id": f"p{number // 4:02}", "sample_index": number % 4, "cycle": cycle,
                    "completion": " ".join(said), "completion_tokens": len(said), "answer": said[-1], "correct": right,
                    "finish_reason": "length" if draw.random() < 0.1 else "stop", "perception": draw.random(),
                    "reasoning": draw.random(), "reward": draw.random(), "output": float(right), "verdicts": verdicts,
                    "claims": [{"kind": draw.choice(("count", "text")), "verdict": verdict} for verdict in verdicts],
                }
            )  # fmt: skip
    return rows


ROWS = rollouts()


def tables(rows: list[Row]) -> dict[str, sql.Source]:
    def table(name: str) -> pa.Table:
        known = schema.TABLES[name].names
        return schema.from_rows([{key: row[key] for key in row if key in known} for row in rows], name)

    return {name: table(name) for name in ("completions", "scores", "rewards")} | {"prompts": schema.empty("prompts")}


def by_cycle(rows: list[Row]) -> dict[int, list[Row]]:
    return {cycle: [row for row in rows if row["cycle"] == cycle] for cycle in sorted({row["cycle"] for row in rows})}


def phrases(row: Row) -> list[str]:
    words = row["completion"].split()
    return [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]


def repeated(row: Row) -> float | None:
    return 1 - len(set(phrases(row))) / len(phrases(row)) if phrases(row) else None


def test_lengths() -> None:
    for row in ask("length_drift", tables(ROWS)):
        mine = by_cycle(ROWS)[row["cycle"]]
        sizes = [float(one["completion_tokens"]) for one in mine]
        assert (row["completions"], row["tokens"]) == (60, pytest.approx(statistics.fmean(sizes)))
        assert row["median"] == sorted(sizes)[29] and row["p95"] == sorted(sizes)[56]
        assert row["truncated"] == pytest.approx(statistics.fmean(one["finish_reason"] == "length" for one in mine))
        rewards = [one["reward"] for one in mine]
        assert row["reward_correlation"] == pytest.approx(statistics.correlation(sizes, rewards), abs=1e-5)
        right = [one["completion_tokens"] for one in mine if one["correct"]]
        assert row["tokens_right"] == pytest.approx(statistics.fmean(right))
    first, last = (statistics.fmean(one["completion_tokens"] for one in rows) for rows in by_cycle(ROWS).values())
    assert [row["change"] for row in ask("length_drift", tables(ROWS))] == pytest.approx([0, last / first - 1])


def test_repetition() -> None:
    for row in ask("repetition", tables(ROWS), share="0.1"):
        mine = by_cycle(ROWS)[row["cycle"]]
        values = [repeated(one) or 0.0 for one in mine]
        assert row["repetition"] == pytest.approx(statistics.fmean(values)) and max(values) > 0.1
        assert row["repetitive"] == pytest.approx(statistics.fmean(value >= 0.1 for value in values))
        same = sum(n - 1 for n in Counter((one["prompt_id"], one["completion"]) for one in mine).values())
        assert row["same_completion"] == pytest.approx(same / 60)


def test_phrases_that_grow() -> None:
    found = ask("growing_phrases", tables(ROWS))
    assert (found[0]["phrase"], found[0]["first_share"], found[0]["rises"]) == ("look at this", 0.0, 1)
    assert found[0]["last_share"] == pytest.approx(1 / 3) and len(found) <= 30
    for row in found:
        shares = []
        for rows in by_cycle(ROWS).values():
            with_it = [one for one in rows if row["phrase"] in phrases(one)]
            shares.append(len(with_it) / len(rows))
        assert [row["first_share"], row["last_share"], row["growth"]] == pytest.approx([*shares, shares[1] - shares[0]])
        without = [one for one in rows if row["phrase"] not in phrases(one)]
        assert row["right_with"] == pytest.approx(statistics.fmean(one["correct"] for one in with_it))
        assert row["right_without"] == pytest.approx(statistics.fmean(one["correct"] for one in without))


def test_claims() -> None:
    for row in ask("claim_rate", tables(ROWS)):
        mine = by_cycle(ROWS)[row["cycle"]]
        claims = [(c, one) for one in mine for c in one["claims"] if row["kind"] in ("all", c["kind"])]
        assert (row["claims"], row["per_completion"]) == (len(claims), pytest.approx(len(claims) / 60))
        for verdict in ("supported", "contradicted", "unknown"):
            share = statistics.fmean(c["verdict"] == verdict for c, _ in claims)
            assert row[verdict] == pytest.approx(share)
        right = sum(one["correct"] for one in mine)
        assert row["per_right"] == pytest.approx(sum(one["correct"] for _, one in claims) / right)
        assert row["per_wrong"] == pytest.approx(sum(not one["correct"] for _, one in claims) / (60 - right))


def test_diversity() -> None:
    for row in ask("diversity", tables(ROWS)):
        prompts: dict[str, list[Row]] = defaultdict(list)
        for one in by_cycle(ROWS)[row["cycle"]]:
            prompts[one["prompt_id"]].append(one)
        answers = [Counter(one["answer"] for one in said) for said in prompts.values()]
        texts = [len({one["completion"] for one in said}) / len(said) for said in prompts.values()]
        assert (row["prompts"], row["samples"]) == (15, 4.0)
        assert row["distinct_completions"] == pytest.approx(statistics.fmean(texts))
        assert row["distinct_answers"] == pytest.approx(statistics.fmean(len(found) / 4 for found in answers))
        assert row["one_answer"] == pytest.approx(statistics.fmean(len(found) == 1 for found in answers))
        rights = [{one["correct"] for one in said} for said in prompts.values()]
        assert row["mixed"] == pytest.approx(statistics.fmean(len(found) == 2 for found in rights))


def test_wrong_answers_that_look_good() -> None:
    found = ask("wrong_but_high", tables(ROWS), high="0.7", cycle="2", most="5")
    seen = {
        (row["prompt_id"], row["sample_index"]): (row["perception"] + row["reasoning"]) / 2
        for row in by_cycle(ROWS)[2]
        if not row["correct"]
    }
    expected = sorted((key for key, value in seen.items() if value >= 0.7), key=lambda key: -seen[key])[:5]
    assert [(row["prompt_id"], row["sample_index"]) for row in found] == expected and len(expected) > 2
    assert all(row["completion"] for row in found)


def test_the_watch_counts_and_warns() -> None:
    first, last = ask("watch", tables(ROWS))
    assert first["warning"] == "" and last["reward"] == pytest.approx(statistics.fmean(r["reward"] for r in ROWS[60:]))
    values = [value for row in ROWS[60:] if (value := repeated(row)) is not None]
    assert last["repetition"] == pytest.approx(statistics.fmean(values))
    assert last["claims"] == pytest.approx(statistics.fmean(len(row["claims"]) for row in ROWS[60:]))
    verdicts = [verdict for row in ROWS[60:] for verdict in row["verdicts"]]
    assert last["supported"] == pytest.approx(verdicts.count("supported") / len(verdicts))


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"reward": 0.99, "correct": False}, "reward up, answers down"),
        ({"perception": 1.0, "reasoning": 1.0, "correct": False}, "verifiers up, answers down"),
        ({"perception": 1.0, "reasoning": 1.0, "correct": False}, "more wrong answers that look good"),
        ({"completion_tokens": 99}, "longer"),
        ({"completion_tokens": 1}, "shorter"),
        ({"completion": "so it is " * 9}, "more repetition"),
        ({"claims": [{"kind": "text", "verdict": "unknown"}] * 9}, "more claims"),
        ({"claims": []}, "fewer claims"),
    ],
)
def test_each_warning_is_given(change: Row, warning: str) -> None:
    worse = [row if row["cycle"] == 1 else {**row, **change} for row in ROWS]
    assert warning in ask("watch", tables(worse))[1]["warning"].split("; ")
    assert warning not in ask("watch", tables(ROWS))[1]["warning"].split("; ")


def test_what_is_kept_and_why(small_run: Path) -> None:
    there = views.views(str(small_run))
    sft = sql.query("FROM sft", there).to_pylist()
    rewards = sql.query("FROM rewards", there).to_pylist()
    reasons = Counter((row["cycle"], row["keep"], row["reason"]) for row in sft)
    found = ask("drop_reasons", there)
    assert {(row["cycle"], row["keep"], row["reason"]): row["completions"] for row in found} == reasons
    assert [row["share"] for row in found] == pytest.approx([row["completions"] / 24 for row in found])
    for row in ask("yield", there):
        kept = [one for one in sft if one["cycle"] == row["cycle"] and one["keep"]]
        assert (row["prompts"], row["completions"], row["kept"]) == (6, 24, len(kept))
        assert row["right_ones"] == sum(one["correct"] for one in rewards if one["cycle"] == row["cycle"])
        assert row["kept_prompts"] == len({one["prompt_id"] for one in kept}) and row["trained_on"] == len(kept)


def test_a_sample_is_whole_prompts(small_run: Path) -> None:
    rows = ask("diversity", tables(ROWS), sample="30")
    assert all(row["samples"] == 4.0 and 0 < row["prompts"] < 15 for row in rows)
    assert len({row["prompts"] for row in rows}) == 1
