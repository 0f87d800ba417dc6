"""Scenes and the reward formula for verifier tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def reward(scores: dict[str, Any], threshold: float = 0.9) -> float:
    """The reward of a row of scores at the default weights."""
    p = 0.5 if scores["perception"] is None else scores["perception"]
    r = 0.5 if scores["reasoning"] is None else scores["reasoning"]
    if scores["output"] is None:
        return (0.3 * p + 0.4 * r) / 0.7
    mean = 0.3 * p + 0.4 * r + 0.3 * scores["output"]
    return mean if scores["correct"] else threshold * 0.3 * mean


def in_order(case: dict[str, Any]) -> bool:
    """Whether the better completion of a case is rewarded as it should be."""
    scene = scene_of(case["scene"])
    better, worse = (
        reward(verify_completion(Rollout(case["question"], case[side], tuple(case["answers"])), [scene]))
        for side in ("better", "worse")
    )
    return better > worse + 1e-12 if case["strict"] else better >= worse - 1e-12


def verdicts(
    completion: str, scene: Scene = OFFICE, question: str = "What is this?", answers: Any = None
) -> dict[str, str]:
    """claim -> verdict of one completion."""
    row = verify_completion(Rollout(question, completion, answers), [scene])
    return {c["claim"]: c["verdict"] for c in row["claims"]}
