"""What a prompts table is known by changes with content and with nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hub_files import TEXTVQA, png, textvqa_rows, write

from halo_forge.datasets import identity as i
from halo_forge.datasets.build import Request
from halo_forge.keys import DigestCache, canonical


@pytest.fixture
def cache(tmp_path: Path) -> DigestCache:
    return DigestCache(tmp_path / "digests.json")


def test_files_by_content_and_split(mirror: Path, tmp_path: Path, cache: DigestCache) -> None:
    request = Request("textvqa", split="all", data_dir=str(mirror))
    found = i.identity(request, cache)
    assert canonical(found) == found and found["dataset"] == "textvqa"
    assert len(found["rows"]["train"]["files"]) == 2 and len(found["rows"]["eval"]["files"]) == 1
    moved = mirror.rename(tmp_path / "elsewhere")
    assert i.identity(replace(request, data_dir=str(moved)), cache) == found
    part = moved / "lmms-lab-encoder/textvqa/data/train-00001-of-00002.parquet"
    write(part, textvqa_rows(6, start=7), TEXTVQA)
    changed = i.identity(replace(request, data_dir=str(moved)), cache)
    assert changed["rows"]["eval"] == found["rows"]["eval"] and changed["rows"]["train"] != found["rows"]["train"]


def test_train_depends_on_the_eval_images_it_avoids(mirror: Path, cache: DigestCache) -> None:
    request = Request("textvqa", data_dir=str(mirror))
    assert set(i.identity(request, cache)["rows"]) == {"train", "eval"}
    (mirror / "lmms-lab-encoder/textvqa/data/validation-00000-of-00001.parquet").unlink()
    assert set(i.identity(request, cache)["rows"]) == {"train"}


def test_pictures_beside_the_rows_count(jsonl: Callable[..., Path], cache: DigestCache) -> None:
    path = jsonl({"question": "q", "image": "a.png"}, {"question": "q", "images": ["b.png", "../x", "gone.png"]})
    found = i.identity(Request(str(path)), cache)
    assert len(found["rows"]["train"]["files"]) == 1
    (path.parent / "b.png").write_bytes(png(99))
    assert i.identity(Request(str(path)), cache)["rows"] != found["rows"]


def test_the_cards_prompts_count_only_where_they_are_asked(tmp_path: Path) -> None:
    text = (
        "name: c\nsplits: {train: {file: r.jsonl}}\ncolumns: {image: i, question: q}\nstyle: direct\n"
        "prompts: {direct: '{question} A', grounded: '{question} B'}\n"
    )
    from halo_forge.datasets.card_file import parse_card

    old, new = parse_card(text, "c.yaml"), parse_card(text.replace(" B", " C") + "task: other\n", "c.yaml")
    assert i.said(old, "direct") == i.said(new, "direct") == i.said(old, "")
    assert i.said(old, "grounded") != i.said(new, "grounded")


def test_hub_commits_are_pinned_without_asking_again(tmp_path: Path, cache: DigestCache) -> None:
    commit = "a" * 40
    request = Request("chartqa", split="all", revisions={"HuggingFaceM4/ChartQA": commit})
    found = i.identity(request, cache)
    assert found["rows"]["train"] == {
        "hub": "HuggingFaceM4/ChartQA", "config": None, "split": "train", "revision": commit,
    }  # fmt: skip
    assert i.revisions(json.loads(json.dumps(found))) == request.revisions


def test_generated_rows_by_version(cache: DigestCache) -> None:
    found = i.identity(Request("shapes", split="eval"), cache)["rows"]["eval"]
    assert found["generator"] == "shapes" and isinstance(found["version"], int)


def test_large_files_are_sampled(tmp_path: Path, cache: DigestCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i, "LARGE", 2**20)
    path = tmp_path / "big"
    data = bytearray(3 * 2**20)
    path.write_bytes(data)
    first = i.file_digest(path, cache)
    data[-5] = 1  # the footer
    path.write_bytes(data)
    assert i.file_digest(path, cache) != first and not cache.known
