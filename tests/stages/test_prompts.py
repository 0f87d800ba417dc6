"""The prompts stage on disk: tables, bytes, resume, refusal, the command."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from halo_forge.datasets import tables
from halo_forge.errors import UserError
from halo_forge.progress import Progress
from halo_forge.schema import TABLES
from halo_forge.stages import prompts as stage
from halo_forge.store import StaleError, Table

QUIET = Progress(quiet=True)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def picture(number: int, kind: str = "JPEG") -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (16, 9), (number, 255 - number, 7)).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    lines: list[Any] = []
    for i in range(50):
        kind = ("JPEG", "PNG", "WEBP")[i % 3]
        (folder / f"{i}.img").write_bytes(picture(i, kind))
        lines.append({"question": f"what is {i}?", "image": f"{i}.img", "answer": i})
    lines.append({"question": "what is 3?", "image": "3.img", "answer": "three"})
    lines.append({"question": "", "image": "3.img"})
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def config(rows: Path, out: Path, **changes: Any) -> stage.Config:
    return stage.Config(dataset=str(rows), output=str(out), **({"split": "all", "hold_out": 0.3} | changes))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_one_call_writes_images_prompts_and_eval(rows: Path, tmp_path: Path) -> None:
    made = stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    assert made.train is not None and made.evaluation is not None
    assert made.train.path == str(tmp_path / "run/prompts")
    assert made.evaluation.path == str(tmp_path / "run/eval/prompts")
    train, held, images = made.train.read(), made.evaluation.read(), made.images.read()
    assert train.schema.equals(TABLES["prompts"]) and images.schema.equals(TABLES["images"])
    assert set(train["split"].to_pylist()) == {"train"} and set(held["split"].to_pylist()) == {"dev", "test"}
    assert train.num_rows + held.num_rows == 50 and images.num_rows == 50
    used = {name for table in (train, held) for ids in table["image_ids"].to_pylist() for name in ids}
    assert used == set(images["image_id"].to_pylist())
    assert made.summary["train"] == train.num_rows and made.reasons["empty question"] == 1
    united = [row for table in (train, held) for row in table.to_pylist() if row["row_index"] == 3]
    assert united[0]["answers"] == ["3", "three"]


def test_image_bytes_are_those_of_the_source_and_datasets_reads_them(rows: Path, tmp_path: Path) -> None:
    import datasets

    made = stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    source = {hashlib.sha256(path.read_bytes()).hexdigest(): path.read_bytes() for path in rows.parent.glob("*.img")}
    for row in made.images.read().to_pylist():
        assert row["image"]["bytes"] == source[row["image_id"]]
        assert (row["width"], row["height"]) == (16, 9) and row["error"] is None
        assert row["image"]["path"] == f"{row['image_id']}.{row['format'].lower()}"
    (part,) = made.images.files
    assert pq.read_metadata(part).num_row_groups == 2  # 50 images in groups of 32
    found = datasets.load_dataset("parquet", data_files=str(part), split="train", cache_dir=str(tmp_path / "hf"))
    assert found[0]["image"].size == (16, 9)


def test_the_same_twice_is_byte_identical_and_a_third_time_does_nothing(
    rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        stage.run(config(rows, tmp_path / name), progress=QUIET)
    assert digests(tmp_path / "a") == digests(tmp_path / "b") and len(digests(tmp_path / "a")) == 3
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*")}
    stage.run(config(rows, tmp_path / "a"))
    assert stamps == {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*")}
    assert "nothing to do" in capsys.readouterr().err


def test_a_moved_dataset_keeps_its_key_and_a_changed_one_does_not(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    stage.run(config(rows, out), progress=QUIET)
    moved = rows.parent.rename(tmp_path / "moved") / "rows.jsonl"
    stage.run(config(moved, out), progress=QUIET)
    (moved.parent / "3.img").write_bytes(picture(200))
    with pytest.raises(StaleError, match=r"inputs\.rows\.train\.images"):
        stage.run(config(moved, out), progress=QUIET)


@pytest.mark.parametrize(
    "changes", [{"limit": 5}, {"hold_out": 0.2}, {"style": "direct"}, {"split": "train"}, {"seed": 1}]
)
def test_another_result_is_refused_in_the_same_place(rows: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    with pytest.raises(StaleError, match=next(iter(changes))):
        stage.run(config(rows, tmp_path / "run", **changes), progress=QUIET)


def test_an_interrupted_run_is_completed(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halo_forge.datasets.tables.PART_ROWS", 8)
    whole = stage.run(config(rows, tmp_path / "whole"), progress=QUIET)
    assert len(whole.images.files) == 7
    real, calls = tables._Images.flush, []

    def dying(self: tables._Images) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        real(self)

    with monkeypatch.context() as patch:
        patch.setattr(tables._Images, "flush", dying)
        with pytest.raises(KeyboardInterrupt):
            stage.run(config(rows, tmp_path / "cut"), progress=QUIET)
    with pytest.raises(UserError, match="unfinished"):
        Table(str(tmp_path / "cut/images"), "images").open()
    stage.run(config(rows, tmp_path / "cut"), progress=QUIET)
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")


def test_a_read_that_breaks_before_anything_is_written_leaves_the_place_free(rows: Path, tmp_path: Path) -> None:
    import pyarrow as pa

    damaged = tmp_path / "damaged.parquet"
    lines = [{"question": f"{i}?", "image": {"bytes": picture(i), "path": None}, "answer": "1"} for i in range(40)]
    pq.write_table(pa.Table.from_pylist(lines), damaged, row_group_size=10, compression="none")
    data = bytearray(damaged.read_bytes())
    start = pq.ParquetFile(damaged).metadata.row_group(2).column(0).data_page_offset
    data[start : start + 64] = b"\xff" * 64
    damaged.write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        stage.run(config(damaged, tmp_path / "run"), progress=QUIET)
    assert stage.run(config(rows, tmp_path / "run"), progress=QUIET).images.rows == 50


def test_rows_left_out_are_listed(rows: Path, tmp_path: Path) -> None:
    stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    listed = [json.loads(line) for line in (tmp_path / "run/skipped.jsonl").read_text().splitlines()]
    assert {"row": "rows.jsonl:52", "reason": "empty question", "error_kind": "data"} in listed


def test_part_of_one_split(rows: Path, tmp_path: Path) -> None:
    made = stage.run(config(rows, tmp_path / "p", split="train", limit=4, style="mixed"), progress=QUIET)
    assert made.evaluation is None and made.train is not None
    assert made.train.rows == 8 and made.images.rows == 4 and not (tmp_path / "p/eval").exists()
    held = stage.run(config(rows, tmp_path / "e", split="eval", limit=4), progress=QUIET)
    assert held.train is None and held.evaluation is not None and held.evaluation.path == str(tmp_path / "e/prompts")
    assert held.evaluation.rows == 4


def test_the_card_is_in_the_record(rows: Path, tmp_path: Path) -> None:
    made = stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    assert made.train is not None and made.train.record is not None
    assert made.train.record["card"]["threshold"] == 0.9 and made.train.record["card"]["metric"] == "match"


def test_the_command(rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--dataset", str(rows), "--split", "train", "--limit", "3", "--output", str(tmp_path / "p")]
    assert stage.main(words) == 0
    assert "3 rows" in capsys.readouterr().out
    assert stage.main(["--dataset", "mathvista", "--split", "train", "--output", str(tmp_path / "m")]) == 2
    assert "prohibit" in capsys.readouterr().err and not (tmp_path / "m").exists()
    assert stage.main(["--dataset", "textvqq", "--output", str(tmp_path / "m")]) == 2
    assert "did you mean 'textvqa'" in capsys.readouterr().err


def test_a_run_without_a_usable_row_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "q", "image": "gone.png"}\n')
    with pytest.raises(UserError, match="no usable rows: 1 x missing image file"):
        stage.run(stage.Config(dataset=str(path), output=str(tmp_path / "run")), progress=QUIET)


def test_rows_that_were_mended_go_in_the_same_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "q", "image": "gone.png"}\n')
    asked = config(path, tmp_path / "run", split="train", hold_out=0.0)
    with pytest.raises(UserError, match="no usable rows"):
        stage.run(asked, progress=QUIET)
    (tmp_path / "gone.png").write_bytes(picture(1))
    assert stage.run(asked, progress=QUIET).images.rows == 1


def test_prompts_come_in_parts(rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stage.run(config(rows, tmp_path / "whole", split="train", hold_out=0.0), progress=QUIET)
    monkeypatch.setattr("halo_forge.datasets.tables.PROMPTS_PER_PART", 16)
    monkeypatch.setattr("halo_forge.datasets.prompts_table.BATCH", 7)
    monkeypatch.setattr("halo_forge.datasets.collect.BATCH", 5)
    cut = stage.run(config(rows, tmp_path / "cut", split="train", hold_out=0.0), progress=QUIET)
    assert whole.train is not None and cut.train is not None
    assert (len(whole.train.files), len(cut.train.files)) == (1, 4) and cut.train.read().equals(whole.train.read())


def test_columns_are_known_by_what_they_mean(rows: Path, tmp_path: Path) -> None:
    stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    with pytest.raises(StaleError, match=r"inputs\.card\.columns\.answers"):
        stage.run(config(rows, tmp_path / "run", answer_column="question"), progress=QUIET)
    with pytest.raises(StaleError, match=r'inputs\.card\.metric: "match" -> "anls"'):
        stage.run(config(rows, tmp_path / "run", metric="anls"), progress=QUIET)
    stage.run(config(rows, tmp_path / "run", threshold=0.5), progress=QUIET)  # says nothing about the prompts


def test_a_file_that_vanished_is_one_line(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        stage.run(config(rows.with_name("no.jsonl"), tmp_path / "run"), progress=QUIET)
    stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    rows.unlink()
    with pytest.raises(UserError, match=r"rows\.jsonl is gone, and the prompts in .*put it back, or .*--from"):
        stage.run(config(rows, tmp_path / "run"), progress=QUIET)


def test_images_that_vanished_are_one_line(rows: Path, tmp_path: Path) -> None:
    stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    for number in range(3):
        (rows.parent / f"{number}.img").rename(tmp_path / f"{number}.img")
    with pytest.raises(StaleError, match="3 image files beside the rows are gone") as caught:
        stage.run(config(rows, tmp_path / "run"), progress=QUIET)
    assert "\n" not in str(caught.value) and any("3 image files" in change for change in caught.value.changes)
    for number in range(3):
        (tmp_path / f"{number}.img").rename(rows.parent / f"{number}.img")
    stage.run(config(rows, tmp_path / "run"), progress=QUIET)


def test_every_kind_of_bad_row_is_named_and_none_ends_the_run(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "good.png").write_bytes(picture(1, "PNG"))
    (tmp_path / "cut.jpg").write_bytes(picture(2)[:-40])
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    good = {"question": "q", "image": "good.png", "answer": 1}
    bad: list[tuple[Any, str]] = [
        ({**good, "image": "cut.jpg"}, "truncated"),
        ({**good, "image": "bomb.png"}, "too large"),
        ({**good, "question": " "}, "empty question"),
        ({**good, "question": "x" * 20_001}, "prompt too long: 20,001"),
        ({**good, "answer": {"a": 1}}, "the answer is an object"),
        ({**good, "image": "http://127.0.0.1/a.png"}, "--allow-urls"),
        ("", "blank line"),
        ("{", "not valid JSON"),
        ("7", "must be a JSON object"),
    ]
    path = tmp_path / "rows.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row, _ in bad]
    path.write_text("".join(f"{line}\n" for line in [*lines, json.dumps(good)]))
    made = stage.run(config(path, tmp_path / "run", hold_out=0.0), progress=QUIET)
    assert made.train is not None and made.train.rows == 1 and sum(made.reasons.values()) == len(bad)
    listed = [json.loads(line) for line in (tmp_path / "run/skipped.jsonl").read_text().splitlines()]
    assert [row["row"] for row in listed] == [f"rows.jsonl:{number + 1}" for number in range(len(bad))]
    for row, (_, word) in zip(listed, bad, strict=True):
        assert word in row["reason"] and row["error_kind"] == "data" and "\n" not in row["reason"]


def test_urls_are_fetched_where_that_is_asked_for(tmp_path: Path) -> None:
    import http.server
    import threading
    from functools import partial

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    (tmp_path / "web").mkdir()
    (tmp_path / "web/a.png").write_bytes(picture(1, "PNG"))
    handler = partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        path = tmp_path / "rows.jsonl"
        names = ("a.png", "gone.png")
        path.write_text("".join(json.dumps({"question": "q", "image": f"{base}/{name}"}) + "\n" for name in names))
        with pytest.raises(UserError, match="not a public one"):
            stage.run(config(path, tmp_path / "any", allow_urls=True, hold_out=0.0), progress=QUIET)
        asked = config(path, tmp_path / "run", allow_urls=True, url_hosts=("127.0.0.1",), hold_out=0.0)
        made = stage.run(asked, progress=QUIET)
        server.shutdown()
    (image,) = made.images.read()["image"].to_pylist()
    assert image["bytes"] == picture(1, "PNG") and made.reasons == {"image not fetched, status 404": 1}
    assert not (tmp_path / "run" / stage.FETCHED).exists()
    assert stage.run(asked, progress=QUIET).images.rows == 1  # the server is down: nothing is fetched again
    with pytest.raises(UserError, match="give both"):
        config(path, tmp_path / "run", url_hosts=("127.0.0.1",))


def test_a_dataset_of_datasets(tmp_path: Path) -> None:
    import datasets

    def given(numbers: range) -> datasets.Dataset:
        images = [{"bytes": picture(number), "path": None} for number in numbers]
        found = datasets.Dataset.from_dict({"ask": [f"q{n}?" for n in numbers], "image": images, "answer": numbers})
        return found.cast_column("image", datasets.Image())

    asked = config(Path(""), tmp_path / "run", question_column="ask", hold_out=0.0)
    made = stage.run(asked, given(range(5)), progress=QUIET)
    assert made.train is not None and made.train.read()["answers"].to_pylist() == [[str(n)] for n in range(5)]
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.parquet")}
    stage.run(asked, given(range(5)), progress=QUIET)
    assert stamps == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.parquet")}
    with pytest.raises(StaleError, match=r"inputs\.rows\.train\.files"):
        stage.run(asked, given(range(6)), progress=QUIET)


def test_odd_images_are_answered_by_a_real_model(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    from halo_forge.stages import generate

    turned = Image.Exif()
    turned[0x0112] = 6
    red = Image.new("RGB", (84, 84), (200, 20, 20))
    red.save(tmp_path / "turned.jpg", exif=turned)
    red.convert("CMYK").save(tmp_path / "cmyk.jpg")
    odd = {
        "rgba": Image.new("RGBA", (84, 84), (0, 200, 0, 90)),
        "palette": red.convert("P"),
        "bits16": Image.fromarray(np.full((84, 84), 30_000, np.uint16)),
        "one": Image.new("RGB", (1, 1)),
        "wide": Image.new("RGB", (12_000, 84)),
        "strip": Image.new("RGB", (12_000, 3)),
        "tall": Image.new("L", (2, 5_000)),
        "three": Image.new("RGB", (3, 50)),
    }
    for name, image in odd.items():
        image.save(tmp_path / f"{name}.png")
    names = ["turned.jpg", "cmyk.jpg", *(f"{name}.png" for name in odd)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"question": f"{name}?", "image": name}) + "\n" for name in names))
    made = stage.run(config(path, tmp_path / "P", split="train", hold_out=0.0), progress=QUIET)
    assert made.train is not None and made.train.rows == len(names) == made.images.rows
    asked = generate.Config(
        prompts=made.train.path, model="bundled:shapes/base", output=str(tmp_path / "C"), samples=1, temperature=0.0,
        max_new_tokens=2, batch_size=5, device="cpu", threads=1, engine="transformers",
    )  # fmt: skip
    found = generate.STAGE.run(asked, progress=QUIET).read()
    assert found.num_rows == len(names) and found["error"].null_count == len(names)


def test_config_is_plain_data(rows: Path, tmp_path: Path) -> None:
    import pickle

    made = config(rows, tmp_path)
    assert pickle.loads(pickle.dumps(made)) == made and dataclasses.is_dataclass(made)


def test_shapes_end_to_end(tmp_path: Path) -> None:
    from halo_forge.cards.shapes import scenes
    from halo_forge.datasets.cards import load_card

    card = load_card("shapes")
    assert card.prompts == {
        "direct": "{question}" + scenes.DIRECT,
        "grounded": "{question}" + scenes.GROUNDED,
    }
    assert {name: card.splits[name].rows for name in card.splits} == {n: scenes.ROWS[n] for n in ("train", "eval")}

    wanted = stage.Config(dataset="shapes", split="all", limit=40, eval_limit=40, output=str(tmp_path / "run"))
    made = stage.run(wanted, progress=QUIET)
    assert made.train is not None and made.evaluation is not None
    train, held = made.train.read(), made.evaluation.read()
    assert train.num_rows == 40 and set(held["split"].to_pylist()) == {"dev", "test"}
    kinds = {json.loads(text)["kind"] for text in train["extra"].to_pylist()}
    assert kinds == set(scenes.KINDS)
    first, row = scenes.example("train", 0), train.to_pylist()[0]
    assert (row["question"], row["answers"]) == (first.question, [first.answer])
    assert row["image_ids"] == [hashlib.sha256(scenes.png(first.scene)).hexdigest()]
    assert not {i for ids in train["image_ids"].to_pylist() for i in ids} & {
        i for ids in held["image_ids"].to_pylist() for i in ids
    }
