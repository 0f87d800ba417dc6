"""perceive through the real stage: real OCR, tables on disk, images and parts that fail."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from halo_forge import schema
from halo_forge.errors import UserError
from halo_forge.images import image_id
from halo_forge.perception.detectors import NoDetector
from halo_forge.perception.ocr import NoReader, TextReader, load_ocr
from halo_forge.stages import perceive as module
from halo_forge.stages.perceive import STAGE, Config, Eyes, perceive
from halo_forge.verifiers.scene import Box, Scene
from tests.perception.parts import random_yolo, sign


def png(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def images_table(*files: bytes | None) -> pa.Table:
    rows = [
        {"image_id": image_id(data or b""), "image": {"bytes": data, "path": None}, "width": 0, "height": 0}
        for data in files
    ]
    return schema.from_rows(rows, "images")


def prompts_table(*ids: list[str]) -> pa.Table:
    rows = [{"prompt_id": str(n), "image_ids": shown, "question": "q", "prompt": "q"} for n, shown in enumerate(ids)]
    return schema.from_rows(rows, "prompts")


def save(table: pa.Table, folder: Path) -> str:
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "part-00000.parquet")
    return str(folder)


class Watcher:
    """A detector that boxes the whole image, remembers what it was shown, and can be made to fail."""

    name, digest, vocabulary = "watcher", "0", ("thing",)

    def __init__(self, fails_on: tuple[int, int] | None = None) -> None:
        self.batches: list[list[tuple[int, int]]] = []
        self.fails_on = fails_on

    def detect(self, images: list[Image.Image]) -> list[list[Box]]:
        self.batches.append([image.size for image in images])
        if self.fails_on in self.batches[-1]:
            raise RuntimeError("out of memory\nsecond line")
        return [[Box("thing", 0.5, 0.0, 0.0, float(i.width), float(i.height))] for i in images]


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return load_ocr("rapidocr:192")


def config(**options: object) -> Config:
    return Config(output="unused", images="unused", detector="none", ocr="none", **options)  # type: ignore[arg-type]


def plain(colour: int, size: tuple[int, int] = (8, 8)) -> bytes:
    return png(Image.new("RGB", size, (colour, 0, 0)))


def test_one_row_per_image_in_order_with_the_exact_schema(reader: TextReader) -> None:
    files = [png(sign("STOP")), png(sign("EXIT")), b"no image", None]
    table = STAGE(images_table(*files), config(), Eyes(Watcher(), reader))
    assert table.schema == schema.arrow("evidence")
    rows = table.to_pylist()
    assert [row["image_id"] for row in rows] == [image_id(data or b"") for data in files]
    assert [[line["text"] for line in row["texts"]] for row in rows] == [["STOP"], ["EXIT"], [], []]
    assert rows[0]["objects"] == [{"label": "thing", "confidence": 0.5, "x1": 0.0, "y1": 0.0, "x2": 240.0, "y2": 100.0}]
    assert (rows[0]["width"], rows[0]["height"], rows[0]["detector"], rows[0]["ocr"]) == (
        240,
        100,
        "watcher",
        "rapidocr:192",
    )
    assert [row["error_kind"] for row in rows] == [None, None, "data", "data"]
    assert "not an image" in rows[2]["error"] and "no bytes" in rows[3]["error"]


def test_an_image_nobody_saw_lets_nothing_be_called_absent() -> None:
    table = perceive(images_table(b"no image", plain(1)), config(), Eyes(Watcher(), NoReader()))
    unseen, seen = (Scene.from_row(row) for row in table.to_pylist())
    assert unseen.vocabulary == frozenset() and seen.vocabulary == frozenset({"thing"})


def test_truncated_image_is_a_row_with_an_error(reader: TextReader) -> None:
    data = png(sign("STOP"))
    row = perceive(images_table(data[: len(data) // 2]), config(), Eyes(Watcher(), reader)).to_pylist()[0]
    assert (row["width"], row["height"], row["error_kind"], row["objects"]) == (0, 0, "data", [])


def test_boxes_are_in_pixels_of_the_upright_image(reader: TextReader) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    data = png(sign("STOP").rotate(90, expand=True), exif=exif)
    row = perceive(images_table(data), config(), Eyes(Watcher(), reader)).to_pylist()[0]
    assert (row["width"], row["height"]) == (240, 100)
    (line,) = row["texts"]
    assert line["text"] == "STOP" and 0 <= line["x1"] < line["x2"] <= 240 and line["y2"] <= 100


def test_each_distinct_image_is_perceived_once() -> None:
    watcher = Watcher()
    table = perceive(images_table(plain(1), plain(2), plain(1)), config(), Eyes(watcher, NoReader()))
    assert table.num_rows == 2 and sum(map(len, watcher.batches)) == 2


def test_empty_in_empty_out() -> None:
    table = STAGE(schema.empty("images"), config(), Eyes(NoDetector(), NoReader()))
    assert table.num_rows == 0 and table.schema == schema.arrow("evidence")


def test_batches_are_bounded_by_count_and_by_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher()
    many = images_table(*(plain(n) for n in range(5)))
    perceive(many, config(batch_size=2), Eyes(watcher, NoReader()))
    assert [len(batch) for batch in watcher.batches] == [2, 2, 1]
    monkeypatch.setattr(module, "PIXELS_AT_ONCE", 200)
    watcher = Watcher()
    perceive(many, config(batch_size=16), Eyes(watcher, NoReader()))
    assert [len(batch) for batch in watcher.batches] == [3, 2]


def test_batch_size_does_not_change_the_rows(tmp_path: Path, reader: TextReader) -> None:
    from halo_forge.perception.detectors import load_detector

    eyes = Eyes(load_detector(str(random_yolo(tmp_path / "tiny.pt"))), reader)
    table = images_table(*(png(sign(word)) for word in ("ONE", "TWO", "SIX", "TEN")))
    one, four = (perceive(table, config(batch_size=size), eyes) for size in (1, 4))
    for a, b in zip(one.to_pylist(), four.to_pylist(), strict=True):
        assert a["texts"] == b["texts"] and len(a["objects"]) == len(b["objects"]) > 0
        assert a["objects"][0]["confidence"] == pytest.approx(b["objects"][0]["confidence"], abs=2e-4)
    again = perceive(table, config(batch_size=4), eyes)
    assert again.equals(four)


def test_one_failing_image_is_owed_and_spoils_no_other() -> None:
    table = perceive(
        images_table(plain(1), plain(2, (9, 9)), plain(3)),
        config(),
        Eyes(Watcher(fails_on=(9, 9)), NoReader()),
    )
    rows = table.to_pylist()
    assert [row["error_kind"] for row in rows] == [None, "transient", None]
    assert rows[1]["error"] == "RuntimeError: out of memory second line"
    assert [len(row["objects"]) for row in rows] == [1, 0, 1]


def test_when_every_image_fails_the_machine_is_named_not_the_images() -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        perceive(images_table(plain(1), plain(2)), config(), Eyes(Watcher(fails_on=(8, 8)), NoReader()))


def run_config(tmp_path: Path, **options: object) -> Config:
    made = {"detector": "none", "ocr": "rapidocr:192", "output": str(tmp_path / "evidence")}
    return Config(**{**made, **options})  # type: ignore[arg-type]


def test_only_images_that_prompts_show_and_no_earlier_cycle_perceived(tmp_path: Path) -> None:
    files = [png(sign(word)) for word in ("ONE", "TWO", "SIX")]
    ids = [image_id(data) for data in files]
    save(images_table(*files), tmp_path / "run" / "images")
    first = save(prompts_table([ids[0]], [ids[0]]), tmp_path / "run" / "prompts")
    table = STAGE.run(run_config(tmp_path, prompts=first)).read()
    assert [(row["image_id"], row["texts"][0]["text"], row["cycle"]) for row in table.to_pylist()] == [
        (ids[0], "ONE", 1)
    ]
    second = save(prompts_table([ids[0], ids[2]]), tmp_path / "run" / "prompts2")
    later = run_config(
        tmp_path, prompts=second, known=(str(tmp_path / "evidence"),), output=str(tmp_path / "later"), cycle=2
    )
    rows = STAGE.run(later).read().to_pylist()
    assert [(row["image_id"], row["texts"][0]["text"], row["cycle"]) for row in rows] == [(ids[2], "SIX", 2)]


def test_owed_rows_of_an_earlier_cycle_are_perceived_again(tmp_path: Path) -> None:
    files = [plain(1), plain(2)]
    ids = [image_id(data) for data in files]
    images = save(images_table(*files), tmp_path / "images")
    earlier = [
        {"image_id": ids[0], "error": "busy", "error_kind": "transient"},
        {"image_id": ids[1], "error": "broken", "error_kind": "data"},
    ]
    known = save(schema.from_rows(earlier, "evidence"), tmp_path / "known")
    table = STAGE.run(run_config(tmp_path, images=images, known=(known,), ocr="none")).read()
    assert table["image_id"].to_pylist() == [ids[0]]


def test_a_finished_table_loads_nothing_and_other_eyes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = save(images_table(plain(1)), tmp_path / "images")
    STAGE.run(run_config(tmp_path, images=images))
    before = (tmp_path / "evidence" / "part-00000.parquet").read_bytes()
    monkeypatch.setattr("halo_forge.perception.ocr.load_ocr", lambda *a: pytest.fail("loaded again"))
    STAGE.run(run_config(tmp_path, images=images, batch_size=3, device="cpu"))
    assert (tmp_path / "evidence" / "part-00000.parquet").read_bytes() == before
    with pytest.raises(UserError, match="rapidocr:64"):
        STAGE.run(run_config(tmp_path, images=images, ocr="rapidocr:64"))


def test_the_key_holds_the_weights_and_never_their_place(tmp_path: Path) -> None:
    one, other = tmp_path / "a" / "tiny.pt", tmp_path / "b" / "tiny.pt"
    for path in (one, other):
        path.parent.mkdir()
        path.write_bytes(b"weights")
    found = [STAGE.digests(run_config(tmp_path, images="x", detector=str(path))) for path in (one, other)]
    assert found[0] == found[1] and str(tmp_path) not in json.dumps(found)
    other.write_bytes(b"other weights")
    assert STAGE.digests(run_config(tmp_path, images="x", detector=str(other))) != found[0]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"prompts": "/nowhere/prompts"}, "no images table beside"),
        ({}, "--prompts"),
        ({"images": "x", "batch_size": 0}, "--batch-size"),
    ],
)
def test_bad_settings_are_one_line(tmp_path: Path, options: dict, word: str) -> None:
    with pytest.raises(UserError, match=word):
        run_config(tmp_path, **options)


def test_a_dataset_in_a_dataset_out() -> None:
    datasets = pytest.importorskip("datasets")
    made = STAGE(datasets.Dataset(images_table(plain(1))), config(), Eyes(NoDetector(), NoReader()))
    assert isinstance(made, datasets.Dataset) and made["width"][0] == 8
