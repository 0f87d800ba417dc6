"""A mirror of the named sets and one's own rows, both small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_files import (
    CHARTQA,
    DOCVQA,
    MATHVISTA,
    REALWORLDQA,
    TEXTVQA,
    Row,
    mathvista_rows,
    png,
    struct,
    textvqa_rows,
)
from hub_files import write as write_parquet


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror with every named set, laid out as the hub repositories are."""
    root = tmp_path / "mirror"
    data = root / "lmms-lab-encoder/textvqa/data"
    write_parquet(data / "train-00000-of-00002.parquet", textvqa_rows(6), TEXTVQA)
    write_parquet(data / "train-00001-of-00002.parquet", textvqa_rows(6, start=6), TEXTVQA)
    write_parquet(data / "validation-00000-of-00001.parquet", textvqa_rows(40, start=100), TEXTVQA)
    write_parquet(data / "test-00000-of-00001.parquet", textvqa_rows(2, start=900, answers=[""] * 10), TEXTVQA)

    page = {
        "question": "date?",
        "question_types": ["form"],
        "image": struct(3),
        "answers": ["1/8/93", "1/8/1993"],
    }
    write_parquet(root / "lmms-lab-encoder/DocVQA/DocVQA/validation-00000-of-00001.parquet", [page], DOCVQA)
    write_parquet(
        root / "lmms-lab-encoder/DocVQA/DocVQA/test-00000-of-00001.parquet",
        [{**page, "answers": None}],
        DOCVQA,
    )
    info = {**page, "question": "not DocVQA?"}
    write_parquet(root / "lmms-lab-encoder/DocVQA/InfographicVQA/validation-00000-of-00001.parquet", [info], DOCVQA)

    chart = {"image": struct(4), "query": "how much?", "label": ["14"]}
    for split, kind in (("train", 0), ("val", 1), ("test", 1)):
        path = root / f"HuggingFaceM4/ChartQA/data/{split}-00000-of-00001.parquet"
        write_parquet(path, [{**chart, "image": struct(40 + len(split)), "human_or_machine": kind}], CHARTQA)

    question = "Where is it?\n\nA. Left\nB. Right\nPlease answer directly with only the letter of the correct option and nothing else."  # noqa: E501
    real = [{"image": struct(5), "question": question, "answer": "A"}]
    write_parquet(root / "xai-org/RealworldQA/data/test-00000-of-00001.parquet", real, REALWORLDQA)
    write_parquet(root / "AI4Math/MathVista/data/testmini-00000-of-00001.parquet", mathvista_rows(), MATHVISTA)
    return root


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows (dicts, or raw lines) to rows.jsonl beside the images it is given."""

    def make(*rows: Row | str, images: dict[str, bytes] | None = None) -> Path:
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        for name, data in (images or {"a.png": png(1), "b.png": png(2)}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        path = folder / "rows.jsonl"
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return path

    return make
