"""Scenes and the reward formula for verifier tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from halo_forge import schema
from halo_forge.stages import reward, verify
from halo_forge.verifiers import Box, Line, Rollout, Scene, verify_completion
from halo_forge.verifiers.lexicon import COCO

GOLDEN = Path(__file__).parents[1] / "golden"

OFFICE = Scene(
    800, 600,
    (
        Box("person", 0.96, 300, 120, 500, 560), Box("laptop", 0.93, 80, 280, 240, 400),
        Box("cup", 0.86, 560, 330, 610, 400), Box("potted plant", 0.88, 660, 200, 780, 460),
        Box("clock", 0.84, 380, 20, 440, 80), Box("remote", 0.2, 10, 500, 30, 520),
    ),
    (Line("MEETING 3PM", 0.95, 520, 60, 720, 110),),
    COCO,
)  # fmt: skip
DOGS = Scene(
    1000, 700,
    (
        Box("dog", 0.95, 120, 450, 280, 620), Box("dog", 0.94, 700, 470, 860, 640),
        Box("bed", 0.9, 80, 400, 400, 690),
        Box("car", 0.9, 500, 100, 700, 200),
    ),
    (),
    COCO,
)  # fmt: skip


def cases(name: str) -> Iterator[dict[str, Any]]:
    """Rows of tests/golden/reward_cases_<name>.jsonl."""
    for line in (GOLDEN / f"reward_cases_{name}.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def scene_of(row: dict[str, Any]) -> Scene:
    """A case's scene as evidence of a detector that knows COCO-80."""
    objects = tuple(Box(o["label"], o["confidence"], *o["bbox"]) for o in row["objects"])
    texts = tuple(Line(t["text"], t.get("confidence", 0.95), *t["bbox"]) for t in row["texts"])
    return Scene(row["width"], row["height"], objects, texts, COCO)


def through_stages(rows: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """(reward of better, reward of worse) of each case, by the verify and reward stages."""
    keys = [{"prompt_id": row["id"], "question": row["question"], "answers": row["answers"]} for row in rows]
    asked = [
        {**key, "image_ids": [key["prompt_id"]], "prompt": "", "style": "grounded", "metric": "match"} for key in keys
    ]
    given = [
        {"prompt_id": row["id"], "sample_index": k, "cycle": 1, "completion": row[side], "finish_reason": "stop"}
        for row in rows
        for k, side in enumerate(("better", "worse"))
    ]
    scores = verify.STAGE(
        schema.from_rows(given, "completions"),
        verify.Config("c", "p", "s"),
        prompts=schema.from_rows(asked, "prompts"),
        evidence=schema.from_rows([evidence_row(row["id"], row["scene"]) for row in rows], "evidence"),
    )
    made = reward.STAGE(scores, reward.Config("s", "r"))["reward"].to_pylist()
    return list(zip(made[::2], made[1::2], strict=True))


def evidence_row(image_id: str, scene: dict[str, Any]) -> dict[str, Any]:
    """A case's scene as a row of the evidence table, of a detector that knows COCO-80."""
    corners = ("x1", "y1", "x2", "y2")
    return {
        "image_id": image_id, "cycle": 1, "width": scene["width"], "height": scene["height"],
        "detector": "given", "vocabulary": sorted(COCO), "ocr": "given",
        "objects": [
            {**{k: o[k] for k in ("label", "confidence")}, **dict(zip(corners, map(float, o["bbox"]), strict=True))}
            for o in scene["objects"]
        ],
        "texts": [
            {"text": t["text"], "confidence": 0.95, **dict(zip(corners, map(float, t["bbox"]), strict=True))}
            for t in scene["texts"]
        ],
    }  # fmt: skip


def inverted(rows: list[dict[str, Any]]) -> list[str]:
    """Ids of the cases whose completions are not rewarded in the right order."""
    return [
        row["id"]
        for row, (better, worse) in zip(rows, through_stages(rows), strict=True)
        if not (better > worse + 1e-12 if row["strict"] else better >= worse - 1e-12)
    ]


def verdicts(
    completion: str, scene: Scene = OFFICE, question: str = "What is this?", answers: Any = None
) -> dict[str, str]:
    """claim -> verdict of one completion."""
    row = verify_completion(Rollout(question, completion, answers), [scene])
    return {c["claim"]: c["verdict"] for c in row["claims"]}
