"""verify: every completion scored against its prompt and the evidence of its images."""

from __future__ import annotations

import pyarrow as pa

from halo_forge import schema
from halo_forge.stages import verify

BOX = {"confidence": 0.95, "x1": 10.0, "y1": 10.0, "x2": 40.0, "y2": 40.0}
EVIDENCE = schema.from_rows(
    [
        {
            "image_id": "i",
            "width": 84,
            "height": 84,
            "vocabulary": ["circle", "square", "triangle"],
            "objects": [{"label": "circle", **BOX}],
            "ocr": "rapidocr",
            "texts": [{"text": "STOP", **BOX}],
        }
    ],
    "evidence",
)


def prompts(**more: object) -> pa.Table:
    row = {
        "prompt_id": "p",
        "image_ids": ["i"],
        "question": "How many circles are there?",
        "prompt": "How many circles are there?",
        "style": "grounded",
        "metric": "match",
        "answers": ["1"],
    }
    return schema.from_rows([{**row, **more}], "prompts")


def scored(
    *texts: str, evidence: pa.Table | None = EVIDENCE, asked: pa.Table | None = None, **more: object
) -> list[dict]:
    rows = [
        {"prompt_id": "p", "sample_index": i, "cycle": 2, "completion": text, "finish_reason": "stop", **more}
        for i, text in enumerate(texts)
    ]
    table = schema.from_rows(rows, "completions")
    config = verify.Config("c", "p", "s")
    return verify.STAGE(table, config, prompts=prompts() if asked is None else asked, evidence=evidence).to_pylist()


def test_true_evidence_and_right_answer() -> None:
    row = scored('I see a circle. The sign says "STOP". <answer>1</answer>')[0]
    assert row["correct"] is True
    assert (row["answer"], row["output"], row["threshold"], row["cycle"]) == ("1", 1.0, 0.9, 2)
    assert row["perception"] > 0.5
    assert {claim["verdict"] for claim in row["claims"]} == {"supported"}


def test_invented_object_is_contradicted_in_the_span_that_names_it() -> None:
    text = "I see a triangle. <answer>1</answer>"
    row = scored(text)[0]
    lie = next(c for c in row["claims"] if c["verdict"] == "contradicted")
    assert "triangle" in text[lie["start"] : lie["end"]]
    assert row["perception"] < scored("I see a circle. <answer>1</answer>")[0]["perception"]


def test_nothing_to_judge_is_null() -> None:
    row = scored("1", asked=prompts(answers=None), evidence=None)[0]
    assert row["output"] is None and row["correct"] is None
    assert row["perception"] is None and row["claims"] is not None


def test_wrong_and_truncated_are_not_correct() -> None:
    assert scored("<answer>2</answer>")[0]["correct"] is False
    assert scored("I see a circle. The answer", finish_reason="length")[0]["correct"] is False


def test_rows_keep_their_errors_and_their_order() -> None:
    rows = scored("1", "2", error="unreadable image", error_kind="data")
    assert [row["error"] for row in rows] == ["unreadable image"] * 2
    assert [row["sample_index"] for row in rows] == [0, 1]
    lost = scored("1", asked=prompts(prompt_id="another"))[0]
    assert lost["error"] == "its prompt is not in the prompts table"


def test_empty_in_empty_out() -> None:
    made = verify.STAGE(schema.empty("completions"), verify.Config("c", "p", "s"), prompts=prompts(), evidence=EVIDENCE)
    assert made == schema.empty("scores")


def test_a_row_that_cannot_be_judged_is_an_error_of_its_own() -> None:
    asked = pa.concat_tables([prompts(), prompts(prompt_id="q", extra="{broken")])
    rows = [{"prompt_id": p, "sample_index": 0, "cycle": 1, "completion": "1"} for p in ("q", "p")]
    table = verify.STAGE(
        schema.from_rows(rows, "completions"), verify.Config("c", "p", "s"), prompts=asked, evidence=EVIDENCE
    )
    broken, fine = table.to_pylist()
    assert broken["error"].startswith("verify: JSONDecodeError") and broken["correct"] is None
    assert fine["error"] is None and fine["correct"] is True
