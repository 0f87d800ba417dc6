"""One raw row to one SourceRow: every shape people write, and every way a row is bad."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hub_files import png

from halo_forge.datasets.cards import load_card
from halo_forge.datasets.rows import SourceRow, choices_in, to_row

IMAGE = png(1)


def read(raw: dict[str, Any], tmp_path: Path, image: Any = IMAGE) -> SourceRow:
    (tmp_path / "x.jsonl").touch()
    card = load_card(str(tmp_path / "x.jsonl"))
    return to_row({"image": image} | raw, card, 7, "x.jsonl:8", tmp_path)


@pytest.mark.parametrize("key", ["question", "prompt", "query", "problem"])
def test_question_under_its_usual_names(tmp_path: Path, key: str) -> None:
    row = read({key: " what? "}, tmp_path)
    assert (row.question, row.error, row.row_index, row.origin) == (" what? ", None, 7, "x.jsonl:8")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("red", ("red",)),
        (["red", "Red "], ("red", "Red ")),
        (3, ("3",)),
        (3.0, ("3",)),
        (0.25, ("0.25",)),
        (1e300, ("1e+300",)),
        (True, ("yes", "true")),
        (False, ("no", "false")),
        ([1, "one"], ("1", "one")),
        ([{"answer": "red", "answer_id": 1}], ("red",)),
        (None, None),
        ([], None),
        ("", None),
        ([""] * 10, None),
        (["a", None, ""], ("a", "")),
        (float("nan"), None),
    ],
)
def test_answers(tmp_path: Path, value: Any, expected: tuple[str, ...] | None) -> None:
    for key in ("answer", "answers", "ground_truth"):
        row = read({"question": "q", key: value}, tmp_path)
        assert row.error is None and row.answers == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "no question"),
        ({"question": ""}, "empty question"),
        ({"question": " \n"}, "empty question"),
        ({"question": None}, "empty question"),
        ({"question": 5}, "the question is a number"),
        ({"question": ["q"]}, "the question is a list"),
        ({"question": "x" * 30_000}, "prompt too long"),
        ({"question": "q", "choices": ["x" * 15_000, "y" * 6_000]}, "prompt too long: 21,001 characters"),
        ({"question": "q", "choices": ["x"] * 1_001}, "too many choices"),
        ({"question": "q", "answer": ["x"] * 1_001}, "too many answers"),
        ({"question": "q", "answer": "x" * 30_000}, "answer too long"),
        ({"question": "\ud800"}, "not Unicode"),
        ({"question": "q", "answer": {"a": 1}}, "the answer is an object"),
        ({"question": "q", "answer": [["a"]]}, "the answer is a list"),
        ({"question": "q", "choices": "a, b"}, "the choices are text"),
        ({"question": "q", "image": None}, "no image"),
        ({"question": "q", "image": []}, "no image"),
        ({"question": "q", "image": b""}, "empty image"),
        ({"question": "q", "image": 5}, "the image is a number"),
        ({"question": "q", "image": {"bytes": None, "path": None}}, "the image is null"),
        ({"question": "q", "image": [b"x"] * 65}, "too many images"),
        ({"question": "q", "image": "https://example.com/a.png"}, "only with --allow-urls"),
        ({"question": "q", "image": "file:///etc/passwd"}, "never fetched"),
        ({"question": "q", "image": "data:image/png;base64,AAAA"}, "never fetched"),
        ({"question": "q", "image": "missing.png"}, "missing image file"),
        ({"question": "q", "image": "."}, "missing image file"),
        ({"question": "q", "image": "a\x00b"}, "image file"),
        ({"question": "q", "image": "x" * 5000}, "image file"),
    ],
)
def test_a_bad_row_says_why_and_does_not_raise(tmp_path: Path, raw: dict[str, Any], message: str) -> None:
    row = read(raw, tmp_path)
    assert row.error is not None and message in row.error and not row.images


@pytest.mark.parametrize(
    "name", ["../secret.png", "sub/../../secret.png", "/etc/hostname", "link.png", "dir/secret.png"]
)
def test_image_paths_never_leave_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.png").write_bytes(IMAGE)
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "link.png").symlink_to("../secret.png")
    (folder / "dir").symlink_to("..", target_is_directory=True)
    row = read({"question": "q"}, folder, image=name)
    assert row.error is not None and "leaves the folder" in row.error


def test_paths_below_the_folder_work_also_absolute_or_linked(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.png").write_bytes(IMAGE)
    (tmp_path / "link.png").symlink_to("sub/a.png")
    for name in ("sub/a.png", "./sub/../sub/a.png", "link.png", str(tmp_path / "sub/a.png")):
        assert read({"question": "q"}, tmp_path, image=name).images == (IMAGE,)


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "missing" in (read({"question": "q"}, tmp_path, image="pipe.png").error or "")


def test_images_of_every_shape_stay_byte_identical(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(2))
    shapes = [
        b"not an image",
        {"bytes": IMAGE, "path": "../../x.png"},
        {"bytes": None, "path": "a.png"},
        "a.png",
    ]
    row = read({"question": "q"}, tmp_path, image=shapes)
    assert row.images == (b"not an image", IMAGE, png(2), png(2))


def test_other_columns_are_kept_as_json_values(tmp_path: Path) -> None:
    raw = {
        "question": "q",
        "answer": "a",
        "kind": "count",
        "n": 3,
        "nan": float("nan"),
        "raw": b"x",
        "o": {"a": [1]},
    }
    assert read(raw, tmp_path).extra == {"kind": "count", "n": 3, "o": {"a": [1]}}


def test_choices_as_list_or_object_or_in_the_question(tmp_path: Path) -> None:
    assert read({"question": "q", "choices": ["a", 2]}, tmp_path).choices == ("a", "2")
    assert read({"question": "q", "options": {"B": "b", "A": "a", "C": None}}, tmp_path).choices == ("a", "b")
    assert read({"question": "q", "choices": []}, tmp_path).choices is None
    assert choices_in("Where?\nA. Left\n(B) Far right\nC: up\nAnswer with the letter.") == (
        "Left",
        "Far right",
        "up",
    )
    assert choices_in("A. Smith is who?\nHe won.") is None
    assert choices_in("Where?\nB. Left\nC. Right") is None
