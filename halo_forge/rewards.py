"""The reward as one plain function, for a notebook or another trainer.

    judge("How many dogs?", ["2"], "I see two dogs. <answer>2</answer>", evidence)["reward"]

`trl_reward()` makes a `reward_funcs` entry for TRL from it. The stages compute the same numbers on tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from halo_forge.metrics import references, texts, threshold_of
from halo_forge.presets import NEUTRAL, weights_of
from halo_forge.verifiers import Rollout, Scene, verify_completion

Evidence = Scene | Mapping[str, Any] | str
"""A scene, a row of the evidence table, or such a row as JSON."""


def combined(
    scores: Mapping[str, Any], weights: Sequence[float] = (), threshold: float = 0.9, combine: str = "gated"
) -> float:
    """The reward in [0, 1] of one row of scores; the formula is that of `stages/reward.py`."""
    if scores.get("error"):
        return 0.0
    w_perception, w_reasoning, w_output = (w / sum(weights_of(weights)) for w in weights_of(weights))
    seen = sum(
        weight * (NEUTRAL if scores[name] is None else scores[name])
        for weight, name in ((w_perception, "perception"), (w_reasoning, "reasoning"))
    )
    if scores["output"] is None:
        return min(1.0, seen / (1 - w_output)) if w_output < 1 else 0.0
    mean = seen + w_output * scores["output"]
    return float(min(1.0, mean if combine == "mean" or scores["correct"] else threshold * w_output * mean))


def judge(
    question: str,
    answers: Any,
    completion: str,
    evidence: Evidence | Sequence[Evidence] | None = None,
    *,
    metric: str = "match",
    choices: Sequence[str] | None = None,
    weights: Sequence[float] = (),
    combine: str = "gated",
    threshold: float | None = None,
    finish_reason: str = "stop",
) -> dict[str, Any]:
    """Score one completion: the columns of `scores`, and `reward`.

    `answers`: the reference or references of any type, None without ground truth. `evidence`: of each image, as
    the perceive stage writes it; None: nothing was looked at, and perception is None.
    """
    tau = threshold_of(metric) if threshold is None else threshold
    gold = references(answers)
    rollout = Rollout(
        question=question or "",
        completion=completion or "",
        answers=None if gold is None else tuple(gold),
        metric=metric,
        choices=None if not choices else tuple(texts(choices) or ()),
        finish_reason=finish_reason,
        threshold=tau,
    )
    scores = verify_completion(rollout, _scenes(evidence))
    return {**scores, "reward": combined(scores, weights, tau, combine)}


def _scenes(evidence: Evidence | Sequence[Evidence] | None) -> list[Scene]:
    if evidence is None:
        return []
    many = [evidence] if isinstance(evidence, (Scene, Mapping, str)) else list(evidence)
    return [scene for scene in map(_scene, many) if scene is not None and scene.width]


def _scene(evidence: Evidence | None) -> Scene | None:
    if evidence is None or isinstance(evidence, Scene):
        return evidence
    row = json.loads(evidence) if isinstance(evidence, str) else evidence
    return None if row.get("error") else Scene.from_row(row)


ANSWER_COLUMNS = ("answers", "answer", "solution", "ground_truth", "label")


def trl_reward(
    *,
    metric: str = "match",
    weights: Sequence[float] = (),
    combine: str = "gated",
    look: Callable[[Any], Scene] | None = None,
) -> Callable[..., list[float | None]]:
    """A function for TRL's `reward_funcs`: `GRPOTrainer(reward_funcs=[trl_reward()], …)`.

    It reads the dataset's columns `question` (else the prompt's text), `answers` (or answer, solution,
    ground_truth, label), `evidence` (optional) and `choices` (optional). `look` makes a scene of an `image`
    where there is no evidence (`PerceptionChecker(…).look`); each image is looked at once. Nothing to judge: None.
    """
    weights_of(weights)
    seen: dict[str, Scene] = {}

    def halo_forge_reward(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        name = next((n for n in ANSWER_COLUMNS if columns.get(n) is not None), "")
        rewards: list[float | None] = []
        for i, completion in enumerate(completions):
            evidence = _at(columns, "evidence", i)
            if evidence is None and look is not None:
                evidence = [_looked(look, image, seen) for image in _images(columns, i)]
            question = _at(columns, "question", i) or spoken(prompts[i])
            judged = judge(
                question, _at(columns, name, i), spoken(completion), evidence,
                metric=metric, weights=weights, combine=combine, choices=_at(columns, "choices", i),
            )  # fmt: skip
            nothing = all(judged[part] is None for part in ("perception", "reasoning", "output"))
            rewards.append(None if nothing else judged["reward"])
        return rewards

    return halo_forge_reward


def _at(columns: Mapping[str, Any], name: str, i: int) -> Any:
    column = columns.get(name)
    return None if column is None else column[i]


def _images(columns: Mapping[str, Any], i: int) -> list[Any]:
    several = _at(columns, "images", i)
    one = _at(columns, "image", i)
    return list(several) if several else [] if one is None else [one]


def _looked(look: Callable[[Any], Scene], image: Any, seen: dict[str, Scene]) -> Scene:
    import hashlib

    key = hashlib.sha256(repr(image.size).encode() + image.convert("RGB").tobytes()).hexdigest()
    if key not in seen:
        seen[key] = look(image)
    return seen[key]


def spoken(message: Any) -> str:
    """The text of a plain string, or of a conversation's last message, content parts joined."""
    if isinstance(message, str) or message is None:
        return message or ""
    content = message[-1]["content"] if isinstance(message, Sequence) and message else ""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content if part.get("type") == "text").strip()
