"""Column flags and the like: what goes before the card, and what does not fit it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_files import png, struct

from halo_forge.datasets.build import Request, build
from halo_forge.datasets.cards import load_card
from halo_forge.datasets.overrides import Overrides
from halo_forge.datasets.sources import open_source
from halo_forge.errors import UserError

MINE = Overrides(question_column="ask", image_column="photo", answer_column="gold.text", choices_column="pick")


def rows(dataset: object, said: Overrides, split: str = "train") -> list[Any]:
    return list(open_source(load_card(str(dataset), said), split).rows())


def test_columns_of_a_jsonl(jsonl: Callable[..., Path]) -> None:
    path = jsonl({"ask": "q?", "photo": ["a.png", "b.png"], "gold": {"text": 3.5}, "pick": [1, 2], "question": "no"})
    (row,) = rows(path, MINE)
    assert (row.question, row.images, row.answers, row.choices) == ("q?", (png(1), png(2)), ("3.5",), ("1", "2"))


def test_columns_of_parquet_and_what_is_missing_there(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ask": ["q?"], "photo": [struct(1)], "gold": [["x", "y"]]}), tmp_path / "r.parquet")
    said = Overrides(question_column="ask", image_column="photo", answer_column="gold")
    (row,) = rows(tmp_path / "r.parquet", said)
    assert (row.question, row.images, row.answers) == ("q?", (png(1),), ("x", "y"))
    with pytest.raises(UserError, match=r"no question column.*say which with --question-column"):
        rows(tmp_path / "r.parquet", Overrides())
    with pytest.raises(UserError, match=r"--answer-column goold: .*r\.parquet has no such column; did you mean 'gold'"):
        rows(tmp_path / "r.parquet", Overrides(question_column="ask", image_column="photo", answer_column="goold"))


def test_a_named_column_has_to_be_in_some_row(jsonl: Callable[..., Path]) -> None:
    path = jsonl({"question": "q?", "image": "a.png"}, {"question": "q?", "image": "a.png", "gold": "x"})
    assert [row.answers for row in rows(path, Overrides(answer_column="gold"))] == [None, ("x",)]
    with pytest.raises(UserError, match=r"--answer-column glod: .*did you mean 'gold'"):
        rows(path, Overrides(answer_column="glod"))


def test_metric_and_threshold() -> None:
    card = load_card("textvqa", Overrides(metric="anls", threshold=0.5))
    assert (card.metric, card.threshold) == ("anls", 0.5)
    for said, word in (
        (Overrides(metric="anl"), "did you mean 'anls'"),
        (Overrides(threshold=1.5), "--threshold"),
        (Overrides(eval_split="test"), "--eval-split is for a hub id or a folder"),
        (Overrides(subset="x"), "--subset is for"),
    ):
        with pytest.raises(UserError, match=word):
            load_card("textvqa", said)


def test_splits_and_subset_of_a_hub_id() -> None:
    card = load_card("me/sheep", Overrides(subset="wool", train_split="small", eval_split="validation"))
    places = {name: split.places[0] for name, split in card.splits.items()}
    assert [(p.hub, p.config, p.split) for p in places.values()] == [
        ("me/sheep", "wool", "small"),
        ("me/sheep", "wool", "validation"),
    ]
    with pytest.raises(UserError, match="is what is trained on"):
        load_card("me/sheep", Overrides(eval_split="train"))


def test_splits_of_a_folder_share_no_image(tmp_path: Path, jsonl: Callable[..., Path]) -> None:
    folder = jsonl({"question": "q?", "image": "a.png"}, {"question": "q?", "image": "b.png"}).parent
    (folder / "rows.jsonl").rename(folder / "train.jsonl")
    (folder / "held.jsonl").write_text('{"question": "r?", "image": "b.png"}\n')
    built = build(Request(str(folder), split="all", said=Overrides(eval_split="held")), lambda *_: None)
    assert built.train is not None and built.evaluation is not None
    assert (built.train.num_rows, built.evaluation["question"].to_pylist()) == (1, ["r?"])
    assert built.reasons == {"an image of it is in the eval set": 1}


def test_a_split_that_is_not_there_is_one_line(jsonl: Callable[..., Path]) -> None:
    path = jsonl({"question": "q?", "image": "a.png"})
    with pytest.raises(UserError, match=r"no rows of split held: looked for held-\*\.parquet"):
        rows(path.parent, Overrides(eval_split="held"), "eval")
    with pytest.raises(UserError, match="one file has no splits"):
        rows(path, Overrides(eval_split="held"), "eval")
