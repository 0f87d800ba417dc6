"""Roles, limits and counts: train, dev and test share no image, and every row left out has its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_files import TEXTVQA, png, textvqa_rows, write

from halo_forge.datasets import collect as c
from halo_forge.datasets.cards import load_card
from halo_forge.datasets.sources import Source, open_source
from halo_forge.errors import UserError
from halo_forge.images import image_id


def keep_all(ids: list[str]) -> tuple[str | None, str | None]:
    return "train", None


def run(source: Source, decide: c.Decide = keep_all, **options: Any) -> tuple[c.Collected, dict[str, bytes]]:
    stored: dict[str, bytes] = {}

    def store(name: str, data: bytes, info: tuple[int, int, str]) -> None:
        assert name not in stored and info == (12, 8, "PNG")
        stored[name] = data

    return c.collect(source, decide, store, **options), stored


def own(path: Path) -> Source:
    return open_source(load_card(str(path)), "train")


def many(jsonl: Callable[..., Path], count: int = 60) -> Path:
    images = {f"{i}.png": png(i) for i in range(count)}
    return jsonl(*[{"question": f"q{i}?", "image": f"{i}.png", "answer": i} for i in range(count)], images=images)


def test_rows_carry_ids_and_images_are_stored_once(jsonl: Callable[..., Path]) -> None:
    path = jsonl({"question": "q", "image": "a.png"}, {"question": "r", "images": ["b.png", "a.png"], "n": 1})
    found, stored = run(own(path))
    a, b = image_id(png(1)), image_id(png(2))
    assert stored == {a: png(1), b: png(2)}
    rows = found.rows.table().to_pylist()
    assert [row["image_ids"] for row in rows] == [[a], [b, a]]
    assert rows[1]["extra"] == '{"n":1}' and rows[0]["answers"] is None and rows[0]["split"] == "train"


def test_bad_rows_are_named_counted_and_store_nothing(jsonl: Callable[..., Path]) -> None:
    path = jsonl(
        {"question": "", "image": "a.png"},
        {"question": "q", "image": "bad.png"},
        {"question": "q", "images": ["a.png", "bad.png"]},
        {"question": "q", "image": "gone.png"},
        {"question": "q", "image": "a.png"},
        images={"a.png": png(1), "bad.png": b"no image"},
    )
    found, stored = run(own(path))
    assert len(found.rows) == 1 and list(stored) == [image_id(png(1))]
    assert [(row.origin, c.kind(row.reason)) for row in found.skipped] == [
        ("rows.jsonl:1", "empty question"),
        ("rows.jsonl:2", "unreadable image"),
        ("rows.jsonl:3", "unreadable image"),
        ("rows.jsonl:4", "missing image file"),
    ]
    assert found.reasons == {"empty question": 1, "unreadable image": 2, "missing image file": 1}


def test_nothing_left_is_one_line_with_the_reasons(jsonl: Callable[..., Path]) -> None:
    source = own(jsonl({"question": "", "image": "a.png"}, {"question": "q", "image": "gone.png"}))
    found, _ = run(source)
    with pytest.raises(UserError) as caught:
        c.refuse_empty(found, source)
    text = str(caught.value)
    assert "no usable rows" in text and "1 x empty question (first at rows.jsonl:1" in text and "\n" not in text
    empty = own(jsonl())
    with pytest.raises(UserError, match="it is empty"):
        c.refuse_empty(run(empty)[0], empty)


def test_hash_roles_are_disjoint_and_complete(jsonl: Callable[..., Path]) -> None:
    source = own(many(jsonl))
    train, train_images = run(source, c.by_hash(True, 0.3))
    held, held_images = run(source, c.by_hash(False, 0.3))
    assert {row["split"] for row in train.rows.table().to_pylist()} == {"train"} and {
        row["split"] for row in held.rows.table().to_pylist()
    } == {
        "dev",
        "test",
    }
    assert not train_images.keys() & held_images.keys()
    assert len(train_images) + len(held_images) == 60 and held_images
    assert train.reasons == {c.HELD_OUT: len(held.rows)} and not train.skipped
    dev = {name for row in held.rows.table().to_pylist() if row["split"] == "dev" for name in row["image_ids"]}
    test = {name for row in held.rows.table().to_pylist() if row["split"] == "test" for name in row["image_ids"]}
    assert not dev & test


def test_rows_whose_images_have_different_roles_are_dropped_with_a_reason() -> None:
    by_role: dict[str, str] = {}
    for number in range(200):
        name = image_id(png(number))
        role, _ = c.split_eval([name])
        by_role.setdefault(str(role), name)
    assert c.split_eval([by_role["dev"], by_role["test"]]) == (None, c.OTHER_HALF)
    assert c.split_eval([by_role["dev"]] * 2) == ("dev", None)
    names = [image_id(png(number)) for number in range(200)]
    train = next(name for name in names if c.by_hash(True, 0.5)([name])[0])
    held = next(name for name in names if c.by_hash(False, 0.5)([name])[0])
    for side in (True, False):
        assert c.by_hash(side, 0.5)([train, held]) == (None, c.MIXED)


def test_train_rows_with_an_eval_image_are_dropped(mirror: Path) -> None:
    path = mirror / "lmms-lab-encoder/textvqa/data/train-00001-of-00002.parquet"
    write(path, [*textvqa_rows(2, start=50), *textvqa_rows(2, start=100)], TEXTVQA)
    evaluated = c.image_ids(open_source(load_card("textvqa"), "eval", str(mirror)))
    assert len(evaluated) == 40
    found, stored = run(open_source(load_card("textvqa"), "train", str(mirror)), c.split_train(evaluated))
    assert len(found.rows) == 8 and found.reasons == {c.IN_EVAL: 2}
    assert not stored.keys() & evaluated
    assert {row.origin for row in found.skipped} == {f"train-00001-of-00002.parquet:{i}" for i in (3, 4)}
    assert not any(row.kind for row in found.skipped)


def test_a_limit_takes_the_first_rows_and_reads_no_further(jsonl: Callable[..., Path]) -> None:
    path = many(jsonl)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["{bad", *lines[:5], "{never reached"]) + "\n")
    found, _ = run(own(path), limit=5)
    assert [row["row_index"] for row in found.rows.table().to_pylist()] == [1, 2, 3, 4, 5]
    assert [row.origin for row in found.skipped] == ["rows.jsonl:1"]


def test_a_seeded_sample_is_fixed_spread_and_full(mirror: Path, jsonl: Callable[..., Path]) -> None:
    source = open_source(load_card("textvqa"), "eval", str(mirror))

    def pick(seed: int) -> list[int]:
        return run(source, c.split_eval, limit=10, seed=seed)[0].rows.table()["row_index"].to_pylist()

    assert pick(0) == pick(0) and len(set(pick(0))) == 10
    assert pick(0) != pick(1) and pick(0) != list(range(10))
    held = [
        row["row_index"]
        for row in run(own(many(jsonl)), c.by_hash(False, 0.5), limit=9, seed=0)[0].rows.table().to_pylist()
    ]
    everything = {row["row_index"] for row in run(own(many(jsonl)), c.by_hash(False, 0.5))[0].rows.table().to_pylist()}
    assert len(held) == 9 and set(held) < everything


def test_a_sample_replaces_rows_that_cannot_be_used(mirror: Path) -> None:
    rows = textvqa_rows(20, start=100)
    for row in rows[::2]:
        row["question"] = ""
    write(mirror / "lmms-lab-encoder/textvqa/data/validation-00000-of-00001.parquet", rows, TEXTVQA)
    source = open_source(load_card("textvqa"), "eval", str(mirror))
    found, _ = run(source, c.split_eval, limit=10, seed=0)
    assert len(found.rows) == 10
    short, _ = run(source, c.split_eval, limit=15, seed=0)
    assert len(short.rows) == 10 and short.reasons == {"empty question": 10}


def test_limit_zero_takes_nothing(mirror: Path) -> None:
    source = open_source(load_card("textvqa"), "train", str(mirror))
    assert not len(run(source, limit=0)[0].rows)
