"""filter: which completions are trained on, and the reason for every one that is not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from halo_forge import schema
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.stages import filter
from halo_forge.store import Table, Writer

Row = tuple[str, str, float, bool | None]


def tables(rows: list[Row], **more: list) -> dict[str, pa.Table]:
    keys = [{"prompt_id": p, "sample_index": i, "cycle": 1} for i, (p, *_) in enumerate(rows)]
    completions = [
        {**key, "completion": text, "completion_tokens": len(text), "finish_reason": "stop", "token_ids": [1, 2]}
        for key, (_, text, _, _) in zip(keys, rows, strict=True)
    ]
    for name, values in more.items():
        for row, value in zip(completions, values, strict=True):
            row[name] = value
    rewards = [
        {**key, "reward": reward, "correct": correct, "output": None if correct is None else float(correct)}
        for key, (_, _, reward, correct) in zip(keys, rows, strict=True)
    ]
    prompts = [{"prompt_id": p, "question": "?", "prompt": f"ask {p}", "image_ids": []} for p in {r[0] for r in rows}]
    return {
        "rewards": schema.from_rows(rewards, "rewards"),
        "completions": schema.from_rows(completions, "completions"),
        "prompts": schema.from_rows(prompts, "prompts"),
    }


def wrong(index: int) -> list[pa.Table]:
    """A wrong completion of prompt a, so that not all of them are right."""
    made = tables([("a", "wrong", 0.1, False)])
    place = {name: made[name].schema.get_field_index("sample_index") for name in ("rewards", "completions")}
    moved = {n: made[n].set_column(i, "sample_index", pa.array([index], pa.int32())) for n, i in place.items()}
    return [moved["rewards"], moved["completions"], made["prompts"].slice(1)]


def chosen(made: dict[str, pa.Table], **settings: object) -> dict[int, tuple[bool, str]]:
    config = filter.Config("r", "c", "p", "o", **{"all_right_share": 1.0, "max_per_prompt": 2} | settings)
    sft = filter.filter_rows(made["rewards"], config, completions=made["completions"], prompts=made["prompts"])
    assert sft.schema == schema.TABLES["sft"]
    assert sft.num_rows == made["rewards"].num_rows
    return {row["sample_index"]: (row["keep"], row["reason"]) for row in sft.to_pylist()}


def test_two_distinct_right_ones_the_best_first() -> None:
    made = tables([("a", "x", 0.7, True), ("a", "x", 0.7, True), ("a", "y", 0.9, True), ("a", "z", 0.8, True)])
    made = {name: pa.concat_tables([part, other]) for (name, part), other in zip(made.items(), wrong(9), strict=True)}
    assert chosen(made) == {
        0: (False, "enough right completions for this prompt"),
        1: (False, "duplicate completion"),
        2: (True, "right"),
        3: (True, "right"),
        9: (False, "wrong answer"),
    }


def test_wrong_and_all_wrong_are_told_apart() -> None:
    made = tables([("a", "x", 0.9, True), ("a", "y", 0.2, False), ("b", "x", 0.2, False)])
    assert chosen(made) == {
        0: (True, "right"),
        1: (False, "wrong answer"),
        2: (False, "no right completion for this prompt"),
    }


def test_truncated_and_failed_are_never_kept() -> None:
    made = tables(
        [("a", "x", 0.9, True), ("b", "y", 0.9, True)], finish_reason=["length", "stop"], error=[None, "boom"]
    )
    assert chosen(made) == {0: (False, "truncated"), 1: (False, "error")}


def test_shorter_wins_between_equals() -> None:
    made = tables([("a", "long one", 0.9, True), ("a", "short", 0.9, True), ("a", "wrong", 0.1, False)])
    assert chosen(made, max_per_prompt=1)[1] == (True, "right")


def test_without_ground_truth_the_reward_decides() -> None:
    made = tables([("a", "x", 0.8, None), ("a", "y", 0.4, None)])
    assert [keep for keep, _ in chosen(made).values()] == [True, False]


def test_own_query_decides(tmp_path: Path) -> None:
    own = tmp_path / "own.sql"
    own.write_text("SELECT prompt_id, sample_index, cycle, reward >= 0.5 AS keep, 'by reward' AS reason FROM rewards")
    made = tables([("a", "x", 0.8, True), ("a", "y", 0.4, True)])
    assert chosen(made, filter=str(own)) == {0: (True, "by reward"), 1: (False, "by reward")}
    own.write_text("SELECT prompt_id, sample_index, cycle FROM rewards")
    with pytest.raises(UserError, match="no column keep"):
        chosen(made, filter=str(own))
    own.write_text("SELECT 1 AS x FROM read_csv('/etc/passwd')")
    with pytest.raises(UserError, match="SQL:"):
        chosen(made, filter=str(own))


def test_text_of_completions_stays_text() -> None:
    hostile = "'); DROP TABLE rewards; --\x00 <script>"
    made = tables([("a'); --", hostile, 0.9, True)])
    assert chosen(made) == {0: (True, "right")}


def all_right(prompts: int) -> dict[str, pa.Table]:
    return tables([(f"p{i:03}", text, 0.9, True) for i in range(prompts) for text in ("x", "yy")])


def test_of_all_right_prompts_a_seeded_share_keeps_one() -> None:
    kept = {
        seed: {i for i, (k, _) in chosen(all_right(400), all_right_share=0.25, seed=seed).items() if k}
        for seed in (0, 1)
    }
    assert kept[0] != kept[1] and all(i % 2 == 0 for i in kept[0])  # the shorter of two equals
    assert 70 <= len(kept[0]) <= 130
    assert chosen(all_right(400), all_right_share=0.25) == chosen(all_right(400), all_right_share=0.25)
    assert not any(keep for keep, _ in chosen(all_right(4), all_right_share=0.0).values())
    assert {reason for _, reason in chosen(all_right(4), all_right_share=0.0).values()} == {
        "every completion of this prompt is right"
    }


def test_one_sample_says_nothing_about_all() -> None:
    assert chosen(tables([("a", "x", 0.9, True)]), all_right_share=0.0) == {0: (True, "right")}


MIXED: list[Row] = [
    *(("a", f"right {i}", 0.6 + i / 100, True) for i in range(12)),
    *(("b", "right", 0.9, True), ("b", "wrong", 0.2, False), ("b", "wronger", 0.1, False)),
    ("c", "wrong", 0.9, False),
]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("rest_em", {*range(2, 12), 12}), ("easy_medium", {10, 11}), ("threshold_top_half", {6, 7, 8, 9, 10, 11, 12})],
)
def test_other_filters(name: str, kept: set[int]) -> None:
    assert {i for i, (keep, _) in chosen(tables(MIXED), filter=name).items() if keep} == kept


@pytest.mark.parametrize("name", ["default", "rest_em", "easy_medium", "threshold_top_half"])
def test_no_filter_keeps_what_is_wrong_or_truncated(name: str) -> None:
    made = tables(MIXED, finish_reason=["length"] * 12 + ["stop"] * 4)
    assert {i for i, (keep, _) in chosen(made, filter=name).items() if keep} <= {12}


def replayed(made: dict[str, pa.Table], **settings: object) -> list[dict]:
    config = filter.Config("r", "c", "p", "o", all_right_share=1.0, cycle=2, **settings)
    first = filter.filter_rows(made["rewards"], config, completions=made["completions"], prompts=made["prompts"])
    again = filter.filter_rows(
        made["rewards"], config, completions=made["completions"], prompts=made["prompts"], history=first
    )
    return [row for row in again.to_pylist() if row["origin"] == "replayed"]


def test_a_share_of_what_was_kept_is_replayed() -> None:
    made = all_right(50)
    rows = replayed(made, replay=0.1)
    assert len(rows) == 5 and all(row["keep"] and row["cycle"] == 2 and row["from_cycle"] == 1 for row in rows)
    assert rows == replayed(made, replay=0.1) != replayed(made, replay=0.1, seed=3)
    assert replayed(made, replay=0.0) == []


def test_a_verified_grounded_answer_trains_the_direct_prompt() -> None:
    rows: list[Row] = [
        *(("g1", "<answer>7</answer>", 0.9, True), ("g1", "<answer>8</answer>", 0.1, False)),
        *(("d1", "8", 0.1, False), ("d1", "9", 0.1, False)),  # solved under the grounded prompt only
        *(("g2", "<answer>2</answer>", 0.9, True), ("d2", "2", 0.9, True)),  # solved under both
        *(("g3", "<answer>1</answer>", 0.1, False), ("d3", "4", 0.1, False)),  # solved under none
    ]
    made = tables(rows)
    asked = [
        {"prompt_id": p, "question_id": p[1], "style": {"g": "grounded", "d": "direct"}[p[0]], "prompt": f"ask {p}",
         "question": "?", "image_ids": [], "answers": ["7"]}
        for p in ("g1", "d1", "g2", "d2", "g3", "d3")
    ]  # fmt: skip
    prompts = schema.from_rows(asked, "prompts")
    scores = schema.from_rows(
        [
            {"prompt_id": p, "sample_index": i, "cycle": 1, "answer": t.removeprefix("<answer>")[0], "correct": c}
            for i, (p, t, _, c) in enumerate(rows)
        ],
        "scores",
    )
    config = filter.Config("r", "c", "p", "o", scores="s", transfer=True)
    sft = filter.filter_rows(
        made["rewards"], config, completions=made["completions"], prompts=prompts, scores=scores
    ).to_pylist()
    moved = [row for row in sft if row["origin"] == "transferred"]
    assert [(r["prompt_id"], r["prompt"], r["completion"], r["token_ids"]) for r in moved] == [
        ("d1", "ask d1", "7", None)
    ]
    assert len(sft) == len(rows) + 1
    with pytest.raises(UserError, match="--transfer needs"):
        filter.Config("r", "c", "p", "o", transfer=True)


def on_disk(folder: Path, made: dict[str, pa.Table]) -> dict[str, str]:
    for name, rows in made.items():
        writer = Writer.begin(folder / name, name, {"stage": name})
        writer.write(0, rows)
        writer.finish()
    return {name: str(folder / name) for name in made}


def run(places: dict[str, str], output: Path, **more: object) -> Table:
    return filter.run(filter.Config(**places, output=str(output), **more), progress=Progress(quiet=True))


def test_parts_hold_the_same_rows_in_the_same_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = all_right(30)
    places = on_disk(tmp_path, made)
    first = run(places, tmp_path / "first", all_right_share=1.0)
    history = {"history": (first.path,), "replay": 0.5, "cycle": 2, "all_right_share": 1.0}
    whole = run(places, tmp_path / "whole", **history)
    monkeypatch.setattr(filter, "PART_ROWS", 20)
    parts = run(places, tmp_path / "parts", **history)
    assert (len(whole.files), parts.counts) == (1, [20, 20, 20, 15])
    assert parts.read().equals(whole.read())
    order = [(row["prompt_id"], row["sample_index"]) for row in whole.read().to_pylist() if row["origin"] == "sampled"]
    assert order == sorted(order) and whole.read()["origin"].to_pylist()[60:] == ["replayed"] * 15
    again = run(places, tmp_path / "exact", all_right_share=1.0)
    assert again.counts == [20, 20, 20]


def test_stopped_between_parts_it_is_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = on_disk(tmp_path, all_right(30))
    monkeypatch.setattr(filter, "PART_ROWS", 20)
    whole = run(places, tmp_path / "whole")
    real, calls = Writer.write, []

    def dying(self: Writer, *arguments: object, **facts: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(self, *arguments, **facts)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Writer, "write", dying)
        run(places, tmp_path / "cut")
    assert len(list((tmp_path / "cut").glob("*.parquet"))) == 2
    with pytest.raises(UserError, match="unfinished"):
        Table(str(tmp_path / "cut"), "sft").open()
    assert run(places, tmp_path / "cut").digest == whole.digest


def test_a_query_that_loses_a_row_leaves_no_finished_table(tmp_path: Path) -> None:
    own = tmp_path / "own.sql"
    own.write_text("SELECT prompt_id, sample_index, cycle, true AS keep, 'x' AS reason FROM rewards LIMIT 3")
    with pytest.raises(UserError, match="returned 3 rows for 60 rewards"):
        run(on_disk(tmp_path, all_right(30)), tmp_path / "sft", filter=str(own))
    assert not (tmp_path / "sft/_stage.json").exists()


def test_without_rows_there_is_an_empty_table(tmp_path: Path) -> None:
    made = {name: rows.slice(0, 0) for name, rows in all_right(1).items()}
    assert run(on_disk(tmp_path, made), tmp_path / "sft").counts == [0]


def test_further_samples_count_with_the_first_ones(tmp_path: Path) -> None:
    first = tables([("a", "wrong", 0.1, False), ("b", "right", 0.9, True)])
    found = tables([("a", "right at last", 0.9, True), ("a", "wrong again", 0.1, False)])
    for name in ("rewards", "completions"):
        place = found[name].schema.get_field_index("sample_index")
        found[name] = found[name].set_column(place, "sample_index", pa.array([4, 5], pa.int32()))
    one, two = on_disk(tmp_path / "one", first), on_disk(tmp_path / "two", found)
    both = {**one, **{name: (one[name], two[name]) for name in ("rewards", "completions")}}
    alone = run(one, tmp_path / "alone").read().to_pylist()
    assert next(row["reason"] for row in alone) == "no right completion for this prompt"
    made = run(both, tmp_path / "sft").read().to_pylist()
    assert [(row["prompt_id"], row["sample_index"], row["keep"]) for row in made] == [
        ("a", 0, False), ("a", 4, True), ("a", 5, False), ("b", 1, True)
    ]  # fmt: skip
    assert filter.main([f"--{name}={value if isinstance(value, str) else ','.join(value)}" for name, value in
                        {**both, "output": str(tmp_path / "sft")}.items()]) == 0  # fmt: skip
