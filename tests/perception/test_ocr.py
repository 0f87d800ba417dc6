"""Text readers: RapidOCR reads rendered words; EasyOCR's own code runs on weights made here."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path

import pytest
from PIL import Image

from halo_forge.errors import UserError
from halo_forge.perception.ocr import load_ocr, resolve_ocr
from tests.perception.parts import easyocr_weights, sign


@pytest.fixture(scope="module")
def rapid() -> object:
    return load_ocr("rapidocr:192")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("easyocr")
    return folder, easyocr_weights(folder)


@pytest.mark.parametrize("name", ["rapidocr", "rapidocr:192"])
def test_rapidocr_reads_words_where_they_are(name: str) -> None:
    reader = load_ocr(name)
    assert reader.name == name
    image = Image.new("RGB", (400, 300), "white")
    image.paste(sign("EXIT 42"), (10, 10))
    image.paste(sign("Hello"), (150, 180))
    first, second = reader.read([image])[0]
    assert (first.text, second.text) == ("EXIT 42", "Hello")
    assert first.confidence > 0.8
    assert 0 <= first.x1 < 60 and first.y2 < 110 and second.x1 > 140 and 180 < second.y1 < second.y2 <= 300


def test_small_picture_is_read(rapid) -> None:
    assert [line.text for line in rapid.read([sign("STOP", (84, 84), 24)])[0]] == ["STOP"]


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (12_000, 4), (5, 3_000)])
def test_blank_and_extreme_images_have_no_lines(rapid, size: tuple[int, int]) -> None:
    assert rapid.read([Image.new("RGB", size, (9, 9, 9))]) == [[]]


def test_lines_of_a_long_strip_lie_inside_it(rapid) -> None:
    strip = Image.new("RGB", (1200, 60), "white")
    strip.paste(sign("STATION", (300, 60)), (500, 0))
    lines = rapid.read([strip])[0]
    assert [line.text for line in lines] == ["STATION"]
    assert 450 < lines[0].x1 < lines[0].x2 < 800 and 0 <= lines[0].y1 < lines[0].y2 <= 60


def test_same_lines_again_and_whatever_stands_beside(rapid) -> None:
    images = [sign("ONE"), sign("TWO", (84, 84), 24)]
    assert rapid.read(images) == rapid.read(images) == [rapid.read([image])[0] for image in images]


def test_rapidocr_is_quiet(rapid, capfd: pytest.CaptureFixture[str]) -> None:
    load_ocr("rapidocr:64").read([Image.new("RGB", (32, 32))])
    out = capfd.readouterr()
    assert out.out == "" and out.err == ""
    assert logging.getLogger("RapidOCR").level == logging.CRITICAL


def test_side_limit_belongs_to_the_name_and_weights_to_the_digest() -> None:
    assert resolve_ocr("rapidocr:192").side_limit == 192
    assert resolve_ocr("rapidocr").digest == resolve_ocr("rapidocr:192").digest
    assert len(resolve_ocr("rapidocr").digest) == 64


def test_none_reads_nothing() -> None:
    reader = load_ocr("none")
    assert reader.name == "none" and reader.read([sign("A"), sign("B")]) == [[], []]


def patch_md5(monkeypatch: pytest.MonkeyPatch, md5: dict[str, str]) -> None:
    from easyocr import config

    monkeypatch.setitem(config.detection_models["craft"], "md5sum", md5["craft_mlt_25k.pth"])
    monkeypatch.setitem(config.recognition_models["gen2"]["english_g2"], "md5sum", md5["english_g2.pth"])


def test_easyocr_runs_its_own_code(
    weights: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, md5 = weights
    patch_md5(monkeypatch, md5)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = list(sys.path)
    reader = load_ocr(f"easyocr:en@{folder}")
    assert reader.name == "easyocr:en" and sys.path == path
    images = [sign("STOP", (200, 80)), Image.new("RGB", (1, 1)), Image.new("RGB", (600, 30), "white")]
    found = reader.read(images)
    line = found[0][0]
    assert set(line.text) == {"A"} and line.confidence > 0.2
    assert 0 <= line.x1 < line.x2 <= 200 and 0 <= line.y1 < line.y2 <= 80
    assert reader.read(images) == found and len(found) == 3
    assert list(tmp_path.iterdir()) == []


def test_easyocr_keeps_a_file_it_does_not_know(weights: tuple[Path, dict[str, str]]) -> None:
    folder, _ = weights
    with pytest.raises(UserError, match="MD5 mismatch") as caught:
        load_ocr(f"easyocr:en@{folder}")
    assert "\n" not in str(caught.value)
    assert (folder / "craft_mlt_25k.pth").is_file()


def test_missing_easyocr_weights_are_one_line_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"craft_mlt_25k\.pth.*--ocr rapidocr") as caught:
        load_ocr(f"easyocr:en@{tmp_path}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rapidocrr", "did you mean 'rapidocr'"),
        ("rapidocr:", "side limit"),
        ("rapidocr:big", "side limit"),
        ("rapidocr:5", "32 to 4096"),
        ("easyocr:english", "no language 'english'"),
        ("easyocr:en@/nowhere/at/all", "there is no folder"),
    ],
)
def test_bad_names_are_one_line(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        resolve_ocr(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "package", "command"),
    [
        ("rapidocr", "rapidocr", "pip install rapidocr"),
        ("easyocr", "easyocr", r"pip install 'halo-forge\[perception\]'"),
    ],
)
def test_a_missing_package_names_the_command(
    name: str, package: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == package else real(n, *a))
    with pytest.raises(UserError, match=command):
        load_ocr(name)
