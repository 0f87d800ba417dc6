"""The reward outside the stages: the same numbers, and a function that TRL's own trainer learns from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halo_forge import schema
from halo_forge.cards.shapes.scenes import GROUNDED, draw, scenes
from halo_forge.errors import UserError
from halo_forge.presets import PRESETS, weights_of
from halo_forge.rewards import combined, judge, spoken, trl_reward
from halo_forge.stages import reward
from halo_forge.verifiers import Box, Scene

EVIDENCE = {
    "width": 84, "height": 84, "vocabulary": ["circle", "square"], "ocr": "given", "texts": [],
    "objects": [{"label": "circle", "confidence": 0.95, "x1": 5, "y1": 5, "x2": 30, "y2": 30}],
}  # fmt: skip
TRUE = "I see a circle. <answer>1</answer>"
FALSE = "I see a square. <answer>1</answer>"
ASKED = "How many shapes are there?"


def test_a_true_premise_pays_and_a_false_one_costs() -> None:
    true, false, bare = (judge(ASKED, ["1"], text, EVIDENCE)["reward"] for text in (TRUE, FALSE, "1"))
    assert true > bare > false


@pytest.mark.parametrize("evidence", [EVIDENCE, [EVIDENCE], json.dumps(EVIDENCE), Scene.from_row(EVIDENCE)])
def test_evidence_comes_in_any_form(evidence: Any) -> None:
    assert judge(ASKED, 1, TRUE, evidence) == judge(ASKED, ["1"], TRUE, EVIDENCE)


def test_without_evidence_perception_is_not_judged() -> None:
    assert judge(ASKED, ["1"], TRUE)["perception"] is None
    assert judge(ASKED, ["1"], TRUE, {**EVIDENCE, "error": "unreadable"})["perception"] is None


UNIT = st.none() | st.floats(0, 1)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(UNIT, UNIT, UNIT, st.floats(0.1, 1)), min_size=1, max_size=5),
    weights=st.tuples(st.floats(0, 3), st.floats(0, 3), st.floats(0.1, 3)),
    combine=st.sampled_from(["gated", "mean"]),
)
def test_the_stage_and_the_function_are_one_formula(rows: list, weights: tuple[float, ...], combine: str) -> None:
    scores = [
        {"prompt_id": "p", "sample_index": i, "perception": p, "reasoning": r, "output": o, "threshold": t,
         "correct": None if o is None else o >= t}
        for i, (p, r, o, t) in enumerate(rows)
    ]  # fmt: skip
    table = schema.from_rows(scores, "scores")
    made = reward.STAGE(table, reward.Config("s", "r", weights=weights, combine=combine))["reward"].to_pylist()
    assert made == pytest.approx([combined(row, weights, row["threshold"], combine) for row in scores])


def test_presets_are_weights_by_name() -> None:
    assert reward.Config("s", "r").weights == PRESETS["default"] == (0.3, 0.4, 0.3)
    assert reward.Config("s", "r", preset="vqa").weights == (0.2, 0.2, 0.6)
    assert reward.Config("s", "r", preset="document").weights == (0.4, 0.2, 0.4)
    assert weights_of((), "chart") == (0.3, 0.3, 0.4)
    assert reward.Config("s", "r", preset="vqa", weights=(1.0, 0.0, 0.0)).weights == (1.0, 0.0, 0.0)
    with pytest.raises(UserError, match="chart"):
        reward.Config("s", "r", preset="chrat")


def test_text_of_messages() -> None:
    parts = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "How many?"}]}]
    assert spoken(parts) == "How many?"
    assert spoken([{"role": "assistant", "content": "Two."}]) == "Two."
    assert (spoken("plain"), spoken(None), spoken([])) == ("plain", "", "")


def test_trl_function_takes_plain_and_conversational_rows() -> None:
    f = trl_reward()
    chat = [[{"role": "assistant", "content": text}] for text in (TRUE, FALSE)]
    columns = {"question": [ASKED] * 2, "answers": [["1"]] * 2, "evidence": [EVIDENCE] * 2}
    true, false = f([[{"role": "user", "content": ASKED}]] * 2, chat, **columns, trainer_state=None)
    assert [true, false] == f([ASKED] * 2, [TRUE, FALSE], solution=["1"] * 2, evidence=[EVIDENCE] * 2)
    assert true is not None and false is not None and true > false
    assert f([ASKED], ["Hm."]) == [None]


def test_trl_function_looks_at_each_image_once() -> None:
    looked = []

    def look(image: Any) -> Scene:
        looked.append(image)
        return Scene(84, 84, (Box("circle", 0.95, 5, 5, 30, 30),), (), frozenset(["circle", "square"]))

    image = draw(next(iter(scenes("train", 1, 0))).scene)
    f = trl_reward(look=look)
    got = f([ASKED] * 3, [TRUE, FALSE, TRUE], image=[image] * 3, answers=["1"] * 3)
    assert got[0] == got[2] == judge(ASKED, "1", TRUE, EVIDENCE)["reward"]
    assert len(looked) == 1


def row(example: Any) -> dict[str, Any]:
    """A scene as a row of a TRL dataset, with true evidence."""
    corners = ("x1", "y1", "x2", "y2")
    objects = [
        {"label": i.shape, "confidence": 0.95, **dict(zip(corners, map(float, i.box), strict=True))}
        for i in example.scene.items
    ]
    content = [{"type": "image"}, {"type": "text", "text": example.question + GROUNDED}]
    evidence = {**EVIDENCE, "vocabulary": ["circle", "square", "triangle"], "objects": objects}
    return {
        "prompt": [{"role": "user", "content": content}], "image": draw(example.scene),
        "question": example.question, "answers": [example.answer], "evidence": json.dumps(evidence),
    }  # fmt: skip


def test_grpo_trainer_takes_steps_with_it(tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    import datasets
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from halo_forge.models.resolve import resolve

    base = resolve("bundled:shapes/base").base
    rewards: list[float | None] = []
    f = trl_reward()

    def halo_forge_reward(prompts: Any, completions: Any, **columns: Any) -> list[float | None]:
        rewards.extend(f(prompts, completions, **columns))
        return rewards[-len(completions) :]

    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    before = [p.detach().clone() for p in model.parameters()]
    config = trl.GRPOConfig(
        output_dir=str(tmp_path), max_steps=2, per_device_train_batch_size=16, num_generations=8,
        max_completion_length=48, learning_rate=2e-4, temperature=1.5, use_cpu=True, bf16=False, report_to=[],
        save_strategy="no",
    )  # fmt: skip
    trainer = trl.GRPOTrainer(
        model=model, processing_class=AutoProcessor.from_pretrained(base), reward_funcs=[halo_forge_reward],
        args=config, train_dataset=datasets.Dataset.from_list([row(e) for e in scenes("train", 8, 0)]),
    )  # fmt: skip
    trainer.train()
    assert trainer.state.global_step == 2
    assert len(rewards) == 32 and all(r is not None and 0 <= r <= 1 for r in rewards)
    assert len(set(rewards)) > 2
    assert any(bool((p.detach() != b).any()) for p, b in zip(trainer.model.parameters(), before, strict=True))
