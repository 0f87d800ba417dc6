"""Rows and Parquet files in exactly the schemas of the hub repositories, with images of 12 x 8 pixels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
STRINGS = pa.list_(pa.string())
Row = dict[str, Any]


def png(number: int, size: tuple[int, int] = (12, 8)) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    color = (number % 256, number // 256 % 256, 77)
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def struct(number: int) -> Row:
    return {"bytes": png(number), "path": f"{number}.png"}


def write(path: Path, rows: list[Row], schema: pa.Schema, row_group_size: int = 4) -> Path:
    """A Parquet file as `datasets` pushes it: features in the footer, small row groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=row_group_size)
    return path


TEXTVQA = pa.schema(
    [
        ("image_id", pa.string()),
        ("question_id", pa.int32()),
        ("question", pa.string()),
        ("question_tokens", STRINGS),
        ("image", IMAGE),
        ("image_width", pa.int32()),
        ("image_height", pa.int32()),
        ("flickr_original_url", pa.string()),
        ("flickr_300k_url", pa.string()),
        ("answers", STRINGS),
        ("image_classes", STRINGS),
        ("set_name", pa.string()),
        ("ocr_tokens", STRINGS),
    ]
)
DOCVQA = pa.schema(
    [
        ("questionId", pa.string()),
        ("question", pa.string()),
        ("question_types", STRINGS),
        ("image", IMAGE),
        ("docId", pa.int64()),
        ("ucsf_document_id", pa.string()),
        ("ucsf_document_page_no", pa.string()),
        ("answers", STRINGS),
        ("data_split", pa.string()),
    ]
)
CHARTQA = pa.schema([("image", IMAGE), ("query", pa.string()), ("label", STRINGS), ("human_or_machine", pa.int64())])
CHARTQA_LMMS = pa.schema([("type", pa.string()), ("question", pa.string()), ("answer", pa.string()), ("image", IMAGE)])
CHARTQA_BINARY = pa.schema(
    [("image", pa.binary()), ("query", pa.string()), ("label", pa.string()), ("type", pa.string())]
)
REALWORLDQA = pa.schema([("image", IMAGE), ("question", pa.string()), ("answer", pa.string())])
MATHVISTA = pa.schema(
    [
        ("pid", pa.string()),
        ("question", pa.string()),
        ("image", pa.string()),
        ("decoded_image", IMAGE),
        ("choices", STRINGS),
        ("unit", pa.string()),
        ("precision", pa.float64()),
        ("answer", pa.string()),
        ("question_type", pa.string()),
        ("answer_type", pa.string()),
        (
            "metadata",
            pa.struct([("category", pa.string()), ("language", pa.string()), ("task", pa.string())]),
        ),
        ("query", pa.string()),
    ]
)


def textvqa_rows(count: int, start: int = 0, answers: list[str] | None = None) -> list[Row]:
    return [
        {
            "image_id": f"img{start + i}",
            "question_id": start + i,
            "question": f"what is written on sign {i}?",
            "question_tokens": ["what"],
            "image": struct(start + i),
            "image_width": 12,
            "image_height": 8,
            "answers": answers or ["stop"] * 6 + ["STOP", "halt", "stop sign", "unanswerable"],
            "image_classes": ["Sign"],
            "set_name": "train",
        }
        for i in range(count)
    ]


def mathvista_rows() -> list[Row]:
    meta = {"category": "math-targeted-vqa", "language": "english", "task": "geometry"}
    common = {"image": "images/1.jpg", "decoded_image": struct(1), "metadata": meta}
    return [
        {
            **common, "pid": "1", "question": "How far?", "precision": 1.0, "answer": "1.2", "unit": "m",
            "question_type": "free_form", "answer_type": "float",
            "query": "Hint: give one decimal.\nQuestion: How far? (Unit: m)",
        },
        {
            **common, "pid": "2", "question": "Which one?", "choices": ["6", "8"], "answer": "8",
            "question_type": "multi_choice", "answer_type": "text",
            "query": "Hint: give the option letter.\nQuestion: Which one?\nChoices:\n(A) 6\n(B) 8",
        },
    ]  # fmt: skip
