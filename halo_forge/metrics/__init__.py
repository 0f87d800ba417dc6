"""Answer metrics: how each benchmark scores one prediction. One module per metric, one function to call.

    score("vqa_accuracy", prediction, answers)        # TextVQA: M4C / EvalAI soft accuracy, ten annotators
    score("anls", prediction, answers)                # DocVQA: the RRC script, threshold 0.5
    score("relaxed_accuracy", prediction, answers)    # ChartQA: pix2struct's relaxed correctness
    score("realworldqa", prediction, answers)         # as lmms-eval; the set has no script of its own
    score("mathvista", prediction, answers, choices=…, answer_type=…, precision=…)   # rule-based, no LLM
    score("match", prediction, answers)               # our typed comparison, for anyone's own data

A metric reads the prediction as it stands; `halo_forge.answers.extract` finds the answer in a chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from halo_forge.metrics.anls import anls
from halo_forge.metrics.match import match
from halo_forge.metrics.mathvista import mathvista
from halo_forge.metrics.realworldqa import realworldqa
from halo_forge.metrics.relaxed_accuracy import relaxed_accuracy
from halo_forge.metrics.vqa_accuracy import vqa_accuracy

THRESHOLDS = {
    "vqa_accuracy": 0.6,
    "anls": 0.9,
    "relaxed_accuracy": 1.0,
    "realworldqa": 1.0,
    "mathvista": 1.0,
    "match": 0.9,
}
"""Score at or above which an answer counts as correct, where a dataset's card says nothing else."""

METRICS = tuple(THRESHOLDS)

Choices = Sequence[str] | Mapping[str, str]

__all__ = [
    "METRICS",
    "THRESHOLDS",
    "anls",
    "match",
    "mathvista",
    "realworldqa",
    "references",
    "relaxed_accuracy",
    "score",
    "threshold_of",
    "vqa_accuracy",
]


def threshold_of(metric: str) -> float:
    """The usual threshold of a metric. Raises ValueError for an unknown one."""
    if metric not in THRESHOLDS:
        raise ValueError(f"unknown metric {metric!r}: one of {', '.join(METRICS)}")
    return THRESHOLDS[metric]


_PLAIN = {
    "vqa_accuracy": vqa_accuracy,
    "anls": anls,
    "relaxed_accuracy": relaxed_accuracy,
    "realworldqa": realworldqa,
}


def score(
    metric: str,
    prediction: str | None,
    answers: Any,
    *,
    choices: Choices | None = None,
    answer_type: str | None = None,
    question_type: str | None = None,
    precision: float | None = None,
    question: str | None = None,
) -> float | None:
    """Score of one prediction in [0, 1]; None when there is no readable ground truth.

    `answers`: a list of references, or one value of any type. `choices`: option texts in order, or letter ->
    text. `precision`: decimals of a MathVista float. `question` is read by `match` only. A `prediction` of
    None (nothing could be extracted) scores 0. Raises ValueError for an unknown metric.
    """
    if metric not in METRICS:
        raise ValueError(f"unknown metric {metric!r}: one of {', '.join(METRICS)}")
    gold = references(answers)
    if gold is None:
        return None
    if prediction is None:
        return 0.0
    text = str(prediction)
    if metric == "mathvista":
        return mathvista(text, gold, texts(choices), answer_type, question_type, precision)
    if metric == "match":
        return match(text, gold, question=question, choices=choices, answer_type=answer_type)
    return _PLAIN[metric](text, gold)


def references(answers: Any) -> list[str] | None:
    """The references as strings; None when there are none or all are blank."""
    if answers is None:
        return None
    if isinstance(answers, (str, bytes, Mapping)) or not isinstance(answers, Iterable):
        answers = [answers]
    gold = ["" if a is None else str(a) for a in answers]
    return gold if any(a.strip() for a in gold) else None


def texts(choices: Choices | None) -> list[str] | None:
    """Option texts in order, or None where there are no options."""
    if not choices:
        return None
    return [str(c) for c in (choices.values() if isinstance(choices, Mapping) else choices)]
