"""Sources: the hub's schemas through a mirror and through `datasets`, and one's own files in every shape."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_files import CHARTQA_BINARY, CHARTQA_LMMS, IMAGE, TEXTVQA, png, struct, textvqa_rows, write

from halo_forge.datasets import hub
from halo_forge.datasets.card import Place
from halo_forge.datasets.cards import load_card
from halo_forge.datasets.readers import ParquetRows, retry
from halo_forge.datasets.rows import SourceRow
from halo_forge.datasets.sources import open_source
from halo_forge.errors import UserError


def rows(dataset: object, split: str = "train", mirror: Path | None = None) -> list[SourceRow]:
    return list(open_source(load_card(str(dataset)), split, str(mirror) if mirror else None).rows())


def test_textvqa_ten_answers_two_files_bytes_as_stored(mirror: Path) -> None:
    found = rows("textvqa", "train", mirror)
    assert [row.row_index for row in found] == list(range(12))
    assert all(row.error is None and row.answers and len(row.answers) == 10 for row in found)
    assert found[7].images == (png(7),)
    assert found[7].origin == "train-00001-of-00002.parquet:2"
    assert found[7].extra == {"question_id": 7, "image_classes": ["Sign"]}


def test_textvqa_test_answers_of_ten_empty_strings_are_none(mirror: Path) -> None:
    assert [row.answers for row in rows("textvqa", "test", mirror)] == [None, None]


def test_docvqa_config_is_followed_and_null_answers_are_none(mirror: Path) -> None:
    (row,) = rows("docvqa", "eval", mirror)
    assert row.question == "date?" and row.answers == ("1/8/93", "1/8/1993") and row.extra["question_types"] == ["form"]
    assert rows("docvqa", "test", mirror)[0].answers is None


def test_chartqa_val_is_val_and_class_labels_are_named(mirror: Path) -> None:
    (row,) = rows("chartqa", "val", mirror)
    assert (row.answers, row.extra) == (("14",), {"type": "augmented"})
    assert rows("chartqa", "train", mirror)[0].extra == {"type": "human"}


def test_chartqa_copies_with_other_columns_and_binary_images(tmp_path: Path) -> None:
    chart = {"image": struct(4), "question": "how much?", "answer": "14", "type": "human_test"}
    write(tmp_path / "a/lmms-lab-encoder/ChartQA/data/test-0.parquet", [chart], CHARTQA_LMMS)
    binary = {"image": png(4), "query": "how much?", "label": "14", "type": "human"}
    write(tmp_path / "b/ahmed-masry/ChartQA/data/test-0.parquet", [binary], CHARTQA_BINARY)
    for folder in ("a", "b"):
        (row,) = rows("chartqa", "eval", tmp_path / folder)
        assert row.images == (png(4),) and row.answers == ("14",) and row.extra == {"type": "human"}


def test_realworldqa_options_come_out_of_the_question(mirror: Path) -> None:
    (row,) = rows("realworldqa", "eval", mirror)
    assert row.choices == ("Left", "Right") and row.answers == ("A",)


def test_mathvista_decoded_image_precision_and_categories(mirror: Path) -> None:
    number, letter = rows("mathvista", "testmini", mirror)
    assert number.images == (png(1),) and number.answer_type == "float" and number.choices is None
    assert number.extra["precision"] == 1.0 and number.extra["task"] == "geometry" and number.extra["unit"] == "m"
    assert letter.choices == ("6", "8") and letter.extra["question_type"] == "multi_choice"
    assert "precision" not in letter.extra


@pytest.mark.parametrize("layout", ["textvqa/data", "data", ".", "textvqa/default"])
def test_mirror_layouts(tmp_path: Path, layout: str) -> None:
    write(tmp_path / layout / "train-00000-of-00001.parquet", textvqa_rows(1), TEXTVQA)
    assert len(rows("textvqa", "train", tmp_path)) == 1


def test_a_mirror_without_the_split_says_what_it_looked_for(mirror: Path) -> None:
    with pytest.raises(UserError, match=r"DocumentVQA/data/train-\*\.parquet.*hf download"):
        rows("docvqa", "train", mirror)
    with pytest.raises(UserError, match="no such folder"):
        rows("docvqa", "eval", mirror / "nowhere")


def test_only_chosen_rows_and_their_row_groups_are_read(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    real = pq.ParquetFile.iter_batches

    def spy(self: pq.ParquetFile, *args: object, **options: object) -> object:
        groups.append(options["row_groups"][0])  # type: ignore[index]
        return real(self, *args, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
    source = open_source(load_card("textvqa"), "eval", str(mirror))
    assert [row.row_index for row in source.rows({5, 6, 39})] == [5, 6, 39]
    assert groups == [1, 9]
    assert source.total() == 40


def test_columns_nobody_needs_are_not_read(mirror: Path) -> None:
    source = open_source(load_card("textvqa"), "train", str(mirror))
    _, _, raw, _ = next(iter(source.raw(None)))
    assert raw is not None and "ocr_tokens" not in raw and "question" in raw


def test_through_datasets_with_config_names_and_encoded_images(mirror: Path) -> None:
    folder = mirror / "lmms-lab-encoder/DocVQA"
    (folder / "README.md").write_text(
        "---\nconfigs:\n"
        "- config_name: DocVQA\n  data_files:\n  - split: validation\n    path: DocVQA/validation-*\n"
        "- config_name: InfographicVQA\n  data_files:\n  - split: validation\n"
        "    path: InfographicVQA/validation-*\n---\n"
    )
    found = hub.resolve(Place(str(folder), "DocVQA", "validation"))
    assert found.parquet and len(found.urls) == 1
    _, _, raw, _ = next(iter(ParquetRows(list(found.urls)).rows()))
    _, _, streamed, _ = next(iter(hub.streamed(found)))
    assert raw is not None and streamed is not None
    assert raw["question"] == streamed["question"] == "date?"
    assert raw["image"]["bytes"] == streamed["image"]["bytes"] == png(3)
    with pytest.raises(UserError, match=r"choose from: DocVQA, InfographicVQA \(see --subset\)"):
        hub.resolve(Place(str(folder), None, "validation"))
    with pytest.raises(UserError, match="no split 'val'; choose from: validation"):
        hub.resolve(Place(str(folder), "DocVQA", "val"))


def test_streaming_leaves_declared_images_encoded(tmp_path: Path) -> None:
    import datasets

    found = datasets.Features(
        {"a": datasets.Image(), "b": datasets.List(datasets.Image()), "c": datasets.Value("int8")}
    )
    plain = {name: hub.encoded(feature) for name, feature in found.items()}
    assert plain["a"].decode is False and plain["b"].feature.decode is False and plain["c"] == found["c"]


def test_retry_gives_up_after_five_tries() -> None:
    tries: list[int] = []

    def read() -> pa.Table:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("broken")
        return pa.table({"a": [1]})

    assert retry(read, pause=0).num_rows == 1 and len(tries) == 3
    with pytest.raises(ConnectionError):
        retry(lambda: (_ for _ in ()).throw(ConnectionError("gone")), pause=0)


def test_jsonl_in_every_spelling(jsonl: Callable[..., Path]) -> None:
    path = jsonl(
        {"prompt": "one?", "image": "a.png", "ground_truth": 1},
        "",
        {"question": "two?", "image_path": "sub/c.png", "answer": "two", "kind": "count"},
        {"question": "both?", "images": ["a.png", "b.png"], "answers": ["x", "y"]},
        images={"a.png": png(1), "b.png": png(2), "sub/c.png": png(3)},
    )
    one, blank, two, both = rows(path)
    assert (blank.error, blank.origin) == ("blank line", "rows.jsonl:2")
    assert (one.images, one.answers, one.origin, one.row_index) == ((png(1),), ("1",), "rows.jsonl:1", 0)
    assert (two.images, two.extra, two.origin, two.row_index) == (
        (png(3),),
        {"kind": "count"},
        "rows.jsonl:3",
        2,
    )
    assert both.images == (png(1), png(2)) and both.answers == ("x", "y")


def test_jsonl_bad_lines_are_rows_with_errors(jsonl: Callable[..., Path]) -> None:
    path = jsonl("{not json", "[1]", "[" * 100_000, "\ufeff" + '{"question": "q", "image": "a.png"}', "{}")
    found = rows(path)
    assert [row.error is None for row in found] == [False, False, False, True, False]
    assert [row.origin for row in found] == [f"rows.jsonl:{i}" for i in range(1, 6)]


def test_parquet_of_ones_own_with_structs_binary_and_paths(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(3))
    columns = {"question": ["q"] * 2, "answer": [1, 2]}
    pq.write_table(pa.table({**columns, "image": [png(1), png(2)]}), tmp_path / "binary.parquet")
    pq.write_table(pa.table({**columns, "image": ["a.png", "../a.png"]}), tmp_path / "paths.parquet")
    images = pa.array([[struct(1), struct(2)], [struct(1)]], pa.list_(IMAGE))
    pq.write_table(pa.table({**columns, "images": images}), tmp_path / "lists.parquet")
    assert [row.images for row in rows(tmp_path / "binary.parquet")] == [(png(1),), (png(2),)]
    assert [row.images for row in rows(tmp_path / "lists.parquet")] == [(png(1), png(2)), (png(1),)]
    good, bad = rows(tmp_path / "paths.parquet")
    assert good.images == (png(3),) and good.answers == ("1",) and "leaves the folder" in str(bad.error)


def test_image_folder_with_metadata(tmp_path: Path) -> None:
    for ending, text in (
        ("jsonl", '{"file_name": "a.png", "question": "q?", "answer": true}\n'),
        ("csv", 'file_name,question,answer\na.png,"q?",yes\n,,\n'),
    ):
        folder = tmp_path / ending
        folder.mkdir()
        (folder / "a.png").write_bytes(png(1))
        (folder / f"metadata.{ending}").write_text(text)
        found = rows(folder)
        assert found[0].images == (png(1),) and found[0].answers and found[0].answers[0] == "yes"
        assert [row.error is None for row in found] == [True] + [False] * (ending == "csv")


def test_folders_and_files_that_hold_no_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs a metadata\.jsonl"):
        rows(tmp_path)
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(UserError, match="rows are read from"):
        rows(tmp_path / "x.txt")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        rows(tmp_path / "x.parquet")
    pq.write_table(pa.table({"text": ["q"], "image": [png(1)]}), tmp_path / "y.parquet")
    with pytest.raises(UserError, match=r"no question column: looked for question, prompt.*it has text, image"):
        rows(tmp_path / "y.parquet")


def test_a_damaged_parquet_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "z.parquet", textvqa_rows(40), TEXTVQA, row_group_size=40)
    data = bytearray(path.read_bytes())
    data[200:-4000] = b"\xff" * (len(data) - 4200)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"z\.parquet"):
        rows(path)


def test_a_card_of_local_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.png").write_bytes(png(9))
    (tmp_path / "data/train.jsonl").write_text('{"photo": "a.png", "ask": "q?", "gold": 4, "other": 1}\n')
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nsplits: {train: {file: data/train.jsonl}}\n"
        "columns: {image: photo, question: ask, answers: gold}\n"
        "style: direct\nprompts: {direct: '{question}'}\n"
    )
    (row,) = rows(tmp_path / "mine.yaml")
    assert row.images == (png(9),) and row.answers == ("4",) and row.extra == {}
    assert hashlib.sha256(row.images[0]).digest() == hashlib.sha256((tmp_path / "data/a.png").read_bytes()).digest()


def test_a_card_on_the_hub_is_read_by_config_split_and_columns(mirror: Path, tmp_path: Path) -> None:
    folder = mirror / "lmms-lab-encoder/DocVQA"  # `datasets` takes a local repository where a hub id stands
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: DocVQA\n  data_files:\n"
        "  - split: validation\n    path: DocVQA/validation-*\n---\n"
    )
    (tmp_path / "mine.yaml").write_text(
        f"name: mine\nsplits: {{eval: {{hub: {folder}, config: DocVQA, split: validation}}}}\n"
        "columns: {image: image, question: question, answers: answers, types: question_types}\n"
        "style: direct\nprompts: {direct: '{question}'}\n"
    )
    source = open_source(load_card(str(tmp_path / "mine.yaml")), "eval")
    (row,) = source.rows()
    assert row.images == (png(3),) and row.answers == ("1/8/93", "1/8/1993") and row.extra == {"types": ["form"]}
    assert source.total() == 1
