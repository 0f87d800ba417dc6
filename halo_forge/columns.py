"""The columns of every table and their Arrow types; `halo_forge.schema` makes the schemas of them.

`REQUIRED` names the columns a table of another program must have; the others may be missing (null).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

STRING, INT32, INT64, DOUBLE, FLOAT, BOOL = (
    pa.string(),
    pa.int32(),
    pa.int64(),
    pa.float64(),
    pa.float32(),
    pa.bool_(),
)
STRINGS = pa.list_(STRING)
_BOX = [("x1", FLOAT), ("y1", FLOAT), ("x2", FLOAT), ("y2", FLOAT)]
OBJECTS = pa.list_(pa.struct([("label", STRING), ("confidence", FLOAT), *_BOX]))
TEXTS = pa.list_(pa.struct([("text", STRING), ("confidence", FLOAT), *_BOX]))
IMAGE = pa.struct([("bytes", pa.binary()), ("path", STRING)])
CLAIMS = pa.list_(
    pa.struct(
        [
            ("kind", STRING),
            ("source", STRING),
            ("start", INT32),
            ("end", INT32),
            ("claim", STRING),
            ("verdict", STRING),
            ("p", DOUBLE),
            ("evidence", STRING),
        ]
    )
)
CUSTOM = pa.list_(pa.struct([("name", STRING), ("score", DOUBLE)]))
_KEYS = [("prompt_id", STRING), ("sample_index", INT32), ("cycle", INT32)]
_ERROR = [("error", STRING), ("error_kind", STRING)]

COLUMNS: Final[dict[str, list[tuple[str, pa.DataType]]]] = {
    "images": [
        ("image_id", STRING),
        ("image", IMAGE),
        ("width", INT32),
        ("height", INT32),
        ("format", STRING),
        ("error", STRING),
    ],
    "prompts": [
        ("prompt_id", STRING),
        ("question_id", STRING),
        ("image_ids", STRINGS),
        ("dataset", STRING),
        ("split", STRING),
        ("row_index", INT64),
        ("question", STRING),
        ("style", STRING),
        ("prompt", STRING),
        ("answers", STRINGS),
        ("choices", STRINGS),
        ("answer_type", STRING),
        ("metric", STRING),
        ("extra", STRING),
        *_ERROR,
    ],
    "completions": [
        *_KEYS,
        ("model", STRING),
        ("model_digest", STRING),
        ("temperature", DOUBLE),
        ("completion", STRING),
        ("finish_reason", STRING),
        ("prompt_tokens", INT32),
        ("completion_tokens", INT32),
        ("token_ids", pa.list_(INT32)),
        ("logprobs", pa.list_(FLOAT)),
        ("seed", INT64),
        *_ERROR,
    ],
    "evidence": [
        ("image_id", STRING),
        ("cycle", INT32),
        ("width", INT32),
        ("height", INT32),
        ("detector", STRING),
        ("vocabulary", STRINGS),
        ("objects", OBJECTS),
        ("ocr", STRING),
        ("texts", TEXTS),
        *_ERROR,
    ],
    "scores": [
        *_KEYS,
        ("answer", STRING),
        ("correct", BOOL),
        ("perception_objects", DOUBLE),
        ("perception_text", DOUBLE),
        ("perception_spatial", DOUBLE),
        ("perception_counting", DOUBLE),
        ("perception", DOUBLE),
        ("reasoning_structure", DOUBLE),
        ("reasoning_consistency", DOUBLE),
        ("reasoning_grounding", DOUBLE),
        ("reasoning", DOUBLE),
        ("output_exact", DOUBLE),
        ("output_fuzzy", DOUBLE),
        ("output_semantic", DOUBLE),
        ("output", DOUBLE),
        ("threshold", DOUBLE),
        ("finish_reason", STRING),
        ("claims", CLAIMS),
        ("custom", CUSTOM),
        ("error", STRING),
    ],
    "rewards": [
        *_KEYS,
        ("perception", DOUBLE),
        ("reasoning", DOUBLE),
        ("output", DOUBLE),
        ("correct", BOOL),
        ("gated", BOOL),
        ("finish_reason", STRING),
        ("reward", DOUBLE),
        ("error", STRING),
    ],
    "more": [
        ("prompt_id", STRING),
        ("cycle", INT32),
        ("samples", INT32),
        ("judged", INT32),
        ("right_ones", INT32),
        ("asked", INT32),
        ("reason", STRING),
    ],
    "sft": [
        *_KEYS,
        ("keep", BOOL),
        ("reason", STRING),
        ("origin", STRING),
        ("from_cycle", INT32),
        ("reward", DOUBLE),
        ("prompt", STRING),
        ("completion", STRING),
        ("token_ids", pa.list_(INT32)),
        ("logprobs", pa.list_(FLOAT)),
    ],
    "training": [
        ("cycle", INT32),
        ("step", INT32),
        ("epoch", DOUBLE),
        ("loss", DOUBLE),
        ("learning_rate", DOUBLE),
        ("grad_norm", DOUBLE),
        ("tokens", INT64),
        ("rows", INT64),
    ],
    "benchmark": [
        *_KEYS,
        ("model", STRING),
        ("dataset", STRING),
        ("split", STRING),
        ("style", STRING),
        ("temperature", DOUBLE),
        ("image_id", STRING),
        ("category", STRING),
        ("metric", STRING),
        ("prediction", STRING),
        ("score", DOUBLE),
        ("correct", BOOL),
        ("finish_reason", STRING),
        ("error", STRING),
    ],
}

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "images": ("image_id", "image"),
    "prompts": ("prompt_id", "image_ids", "question", "prompt"),
    "completions": ("prompt_id", "sample_index", "completion"),
    "evidence": ("image_id", "width", "height", "objects"),
    "scores": ("prompt_id", "sample_index", "perception", "reasoning", "output", "correct"),
    "rewards": ("prompt_id", "sample_index", "reward", "correct"),
    "more": ("prompt_id", "asked"),
    "sft": ("prompt_id", "sample_index", "keep", "completion"),
    "training": ("cycle", "step", "loss"),
    "benchmark": ("prompt_id", "model", "score"),
}
