"""A `datasets.Dataset` as one's own rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest
from hub_files import png
from PIL import Image

from halo_forge.datasets.cards import load_card
from halo_forge.datasets.given import from_dataset
from halo_forge.datasets.sources import open_source
from halo_forge.errors import UserError


def rows(path: str) -> list[Any]:
    return list(open_source(load_card(path), "train").rows())


def made(images: list[Any], **columns: Any) -> datasets.Dataset:
    found = datasets.Dataset.from_dict({"question": [f"q{i}?" for i in range(len(images))], "image": images, **columns})
    return found.cast_column("image", datasets.Image())


def test_bytes_files_and_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    stored = [{"bytes": png(2), "path": None}, {"bytes": None, "path": str(tmp_path / "a.png")}, None]
    dataset = made(stored, answer=[1, 2, 3])
    found = rows(from_dataset(dataset, tmp_path / "own"))
    assert [row.images for row in found] == [(png(2),), (png(1),), ()]
    assert [row.answers for row in found] == [("1",), ("2",), None] and "no image" in str(found[2].error)
    pictures = datasets.Dataset.from_dict(
        {"question": ["q"], "images": [[Image.new("RGB", (4, 4)), Image.new("RGB", (4, 5))]]},
        features=datasets.Features({"question": datasets.Value("string"), "images": datasets.List(datasets.Image())}),
    )
    (row,) = rows(from_dataset(pictures, tmp_path / "pictures"))
    assert len(row.images) == 2 and row.images[0].startswith(b"\x89PNG")


def test_the_path_is_known_by_content(tmp_path: Path) -> None:
    dataset = made([{"bytes": png(i), "path": None} for i in range(200)])
    first = from_dataset(dataset, tmp_path)
    stamp = Path(first).stat().st_mtime_ns
    assert from_dataset(made([{"bytes": png(i), "path": None} for i in range(200)]), tmp_path) == first
    assert Path(first).stat().st_mtime_ns == stamp
    other = from_dataset(dataset.select(range(199, -1, -1)), tmp_path)
    assert other != first and [path.name for path in tmp_path.iterdir()] == [Path(other).name]
    assert [row.question for row in rows(other)][:2] == ["q199?", "q198?"]


def test_class_labels_are_named_also_where_the_first_are_null(tmp_path: Path) -> None:
    dataset = made([{"bytes": png(1), "path": None}] * 100, answer=[None] * 99 + [1])
    dataset = dataset.cast_column("answer", datasets.ClassLabel(names=["cat", "dog"]))
    assert [row.answers for row in rows(from_dataset(dataset, tmp_path))][98:] == [None, ("dog",)]


def test_no_rows(tmp_path: Path) -> None:
    assert rows(from_dataset(made([{"bytes": png(1), "path": None}]).select([]), tmp_path)) == []


def test_what_is_refused_in_one_line(tmp_path: Path) -> None:
    dataset = made([{"bytes": png(1), "path": None}])
    paths = datasets.Dataset.from_dict({"question": ["q"], "image": ["a.png"]})
    for given, word in (
        (datasets.DatasetDict({"dev": dataset}), r"give one, such as dataset\['dev'\]"),
        ([{"question": "q"}], "not list"),
        (paths, "cast_column"),
    ):
        with pytest.raises(UserError, match=word) as caught:
            from_dataset(given, tmp_path / "x")
        assert "\n" not in str(caught.value) and not (tmp_path / "x").exists()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to"):
        from_dataset(dataset, tmp_path / "file" / "x")
