"""One call from a dataset to its prompts: roles, refusals, every image once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_files import TEXTVQA, png, textvqa_rows, write

from halo_forge.datasets.build import Built, Request, build, check
from halo_forge.errors import UserError
from halo_forge.images import image_id


def run(request: Request) -> tuple[Built, dict[str, bytes]]:
    stored: dict[str, bytes] = {}

    def store(name: str, data: bytes, info: tuple[int, int, str]) -> None:
        assert name not in stored, "an image was stored twice"
        stored[name] = data

    return build(request, store), stored


def images(table: Any, split: str | None = None) -> set[str]:
    rows = [row for row in table.to_pylist() if split in (None, row["split"])]
    return {name for row in rows for name in row["image_ids"]}


def textvqa(mirror: Path, **changes: Any) -> Request:
    return Request("textvqa", data_dir=str(mirror), **changes)


def test_train_and_eval_in_one_call_share_no_image(mirror: Path) -> None:
    overlap = [*textvqa_rows(5, start=50), *textvqa_rows(4, start=100)]
    write(mirror / "lmms-lab-encoder/textvqa/data/train-00001-of-00002.parquet", overlap, TEXTVQA)
    built, stored = run(textvqa(mirror, split="all"))
    assert built.train is not None and built.evaluation is not None
    dev, test = images(built.evaluation, "dev"), images(built.evaluation, "test")
    train = images(built.train)
    assert dev and test and train and not (dev & test or dev & train or test & train)
    assert stored.keys() == dev | test | train
    assert all(image_id(data) == name for name, data in stored.items())
    assert built.reasons == {"an image of it is in the eval set": 4}
    assert built.summary() == {"train": 11, "dev": len(dev), "test": len(test), "without answers": 0}


@pytest.mark.parametrize("split", ["train", "all"])
def test_train_avoids_the_whole_eval_split_also_when_only_a_sample_is_evaluated(mirror: Path, split: str) -> None:
    write(
        mirror / "lmms-lab-encoder/textvqa/data/train-00000-of-00002.parquet",
        textvqa_rows(40, start=100),
        TEXTVQA,
    )
    built, _ = run(textvqa(mirror, split=split, eval_limit=5))
    assert built.train is not None and built.train.num_rows == 6
    assert built.reasons == {"an image of it is in the eval set": 40}
    assert (built.evaluation is None) == (split == "train")


def test_a_mirror_of_the_train_split_alone_is_enough_to_train(mirror: Path) -> None:
    (mirror / "lmms-lab-encoder/textvqa/data/validation-00000-of-00001.parquet").unlink()
    assert run(textvqa(mirror))[0].summary()["train"] == 12
    with pytest.raises(UserError, match="no Parquet files of split validation"):
        run(textvqa(mirror, split="all"))


def test_limits_and_styles(mirror: Path) -> None:
    built, stored = run(textvqa(mirror, split="all", limit=3, eval_limit=4, style="mixed"))
    assert built.train is not None and built.evaluation is not None
    assert built.train.num_rows == 6 and built.evaluation.num_rows == 8 and len(stored) == 7
    assert built.train["style"].to_pylist() == ["direct", "grounded"] * 3
    assert built.train["row_index"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert run(textvqa(mirror))[0].train["style"].to_pylist() == ["direct"] * 12  # type: ignore[index]


def test_same_request_same_tables_and_another_seed_another_sample(mirror: Path) -> None:
    first, again, other = (run(textvqa(mirror, split="eval", limit=8, seed=s))[0].evaluation for s in (0, 0, 1))
    assert first is not None and first.equals(again) and not first.equals(other)


def test_hidden_answers_are_null(mirror: Path) -> None:
    built, _ = run(textvqa(mirror, split="test"))
    assert built.evaluation is not None and built.evaluation["answers"].to_pylist() == [None, None]
    assert built.summary()["without answers"] == 2 and built.train is None


@pytest.mark.parametrize(
    ("dataset", "split", "message"),
    [
        ("realworldqa", "train", "test split only"),
        ("realworldqa", "all", "test split only"),
        ("mathvista", "train", "prohibit"),
        ("textvqa", "validatoin", "did you mean 'validation'"),
        ("textvqua", "train", "did you mean 'textvqa'"),
    ],
)
def test_refused_before_a_row_is_read(dataset: str, split: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(Request(dataset, split=split, data_dir="/nowhere"))


@pytest.mark.parametrize(
    "changes", [{"style": "ground"}, {"hold_out": 1.0}, {"hold_out": -0.1}, {"limit": 0}, {"eval_limit": -1}]
)
def test_wrong_values_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="--"):
        check(Request("textvqa", **changes))


def test_training_on_a_split_with_hidden_answers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "name: c\nsplits: {train: {hub: a/b, answers: false}}\ncolumns: {image: i, question: q}\n"
        "style: direct\nprompts: {direct: '{question}'}\n"
    )
    with pytest.raises(UserError, match="no public answers"):
        check(Request(str(tmp_path / "c.yaml")))


def test_own_rows_are_held_out_by_image(jsonl: Callable[..., Path]) -> None:
    pictures = {f"{i}.png": png(i) for i in range(60)}
    path = jsonl(
        *[{"question": f"q{j}?", "image": f"{i}.png"} for i in range(60) for j in range(2)],
        {"question": "", "image": "0.png"},
        images=pictures,
    )
    built, stored = run(Request(str(path), split="all", hold_out=0.3))
    assert built.train is not None and built.evaluation is not None
    assert not images(built.train) & images(built.evaluation)
    assert built.train.num_rows + built.evaluation.num_rows == 120 and len(stored) == 60
    separate = [run(Request(str(path), split=split, hold_out=0.3))[0] for split in ("train", "eval")]
    assert separate[0].train.equals(built.train)  # type: ignore[union-attr]
    assert separate[1].evaluation.equals(built.evaluation)  # type: ignore[union-attr]
    everything, _ = run(Request(str(path), hold_out=0.0))
    assert everything.train is not None and everything.train.num_rows == 120
    assert [row.reason for row in everything.skipped] == ["empty question"]


def test_a_small_set_may_hold_nothing_out(jsonl: Callable[..., Path]) -> None:
    built, _ = run(Request(str(jsonl({"question": "q", "image": "a.png"})), split="all", hold_out=0.0))
    assert built.evaluation is not None and built.evaluation.num_rows == 0
    assert built.train is not None and built.train.num_rows == 1


def test_nothing_left_is_one_line(jsonl: Callable[..., Path]) -> None:
    path = jsonl({"question": "q", "image": "https://example.com/a.png"}, "{")
    with pytest.raises(UserError, match=r"no usable rows: .*fetched only with --allow-urls") as caught:
        run(Request(str(path)))
    assert "\n" not in str(caught.value)
