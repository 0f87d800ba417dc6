"""The output verifier: is the answer right? The dataset's metric on the extracted answer, behind guards.

`exact`, `fuzzy` and `semantic` are columns to look at; `output` is what the reward reads and `correct` what
the filter reads. A close spelling pays only where the dataset's metric says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from halo_forge.answers import CLOSED, Answer, by_letter, extract
from halo_forge.metrics import guards, match, references, score
from halo_forge.metrics.match import same
from halo_forge.metrics.realworldqa import LETTERS
from halo_forge.text import plain, words
from halo_forge.verifiers.rollout import Rollout

Encoder = Callable[[list[str]], Any]
"""Texts to vectors, one row each (sentence-transformers' `model.encode` fits)."""

_NEAR_CHOICE = 0.5  # MathVista's rule picks the nearest option whatever was said; below this it was not said
_COSINE_ZERO, _COSINE_FULL, _COSINE_CAP = 0.7, 0.9, 0.8


@dataclass(frozen=True)
class Output:
    """`answer` None: nothing extracted; `start`, `end`: its characters in the completion. Scores in [0, 1].

    Without ground truth `exact`, `fuzzy`, `semantic`, `output`, `correct` are None. `semantic` is None, too,
    without an encoder or where one of its guards stops it. `hedged`: several different answers were given.
    """

    answer: str | None
    start: int
    end: int
    exact: float | None
    fuzzy: float | None
    semantic: float | None
    output: float | None
    correct: bool | None
    hedged: bool = False


def answer_of(rollout: Rollout) -> Answer:
    """The answer of a completion as it was extracted."""
    return extract(rollout.completion, rollout.style, by_letter(rollout.choices, references(rollout.answers)))


def judge_output(rollout: Rollout, encoder: Encoder | None = None, answer: Answer | None = None) -> Output:
    """Judge the answer of one completion. `correct` is output >= rollout.threshold. `answer`: as `answer_of` gave
    it, where it is known.

    A completion cut off by its length limit has an answer only inside a closed tag, box or JSON value.
    """
    gold = references(rollout.answers)
    found = answer_of(rollout) if answer is None else answer
    if rollout.finish_reason == "length" and found.method not in CLOSED:
        found = Answer(None, 0, 0, "none")
    several = _differ(found.candidates)
    if gold is None:
        return Output(found.text, found.start, found.end, None, None, None, None, None, several)
    if found.text is None:
        readable = _graded(rollout, "", gold) is not None
        return Output(None, 0, 0, 0.0, 0.0, None, 0.0 if readable else None, False if readable else None)
    output = graded = _graded(rollout, found.text, gold)
    if several and output:
        output = 0.0
    return Output(
        answer=found.text,
        start=found.start,
        end=found.end,
        exact=float(graded == 1.0) if rollout.metric == "match" else _exact(rollout, found.text, gold),
        fuzzy=max(_alike(found.text, g) for g in gold),
        semantic=_semantic(encoder, found.text, gold, rollout.question) if encoder else None,
        output=output,
        correct=None if output is None else output >= rollout.threshold,
        hedged=several,
    )


def _differ(candidates: Sequence[str]) -> bool:
    return any(not same(c, candidates[-1]) and match(c, [candidates[-1]]) < 1 for c in candidates[-50:-1])


# --- output


def _graded(rollout: Rollout, answer: str, gold: Sequence[str]) -> float | None:
    """The dataset's metric behind the guards that fit it; None for an unreadable reference."""
    extra = rollout.extra

    def by_metric(references: Sequence[str]) -> float | None:
        return score(
            rollout.metric,
            answer,
            references,
            choices=rollout.choices,
            answer_type=rollout.answer_type,
            question_type=extra.get("question_type"),
            precision=extra.get("precision"),
            question=rollout.question,
        )

    whole = by_metric(gold)
    if not whole or rollout.metric == "match":  # match carries its guards inside
        return whole
    return GUARDED[rollout.metric](answer, gold, rollout, by_metric)


Scorer = Callable[[Sequence[str]], float | None]


def _as_scored(answer: str, gold: Sequence[str], rollout: Rollout, by_metric: Scorer) -> float | None:
    """Equality after normalising, or a tolerance that the dataset itself grants: nothing to guard against."""
    return by_metric(gold)


def _alike_guarded(answer: str, gold: Sequence[str], rollout: Rollout, by_metric: Scorer) -> float:
    """Edit distance forgives one digit of twelve and a missing "not"; a guard takes such a reference out."""
    return max(_anls(answer, g, rollout, by_metric) for g in gold)


def _anls(answer: str, reference: str, rollout: Rollout, by_metric: Scorer) -> float:
    rules = (*guards.ALWAYS, *guards.SPELLING)
    if not same(answer, reference) and guards.stopped(rules, answer, reference, rollout.question):
        return 0.0
    return by_metric([reference]) or 0.0 if reference.strip() else 0.0


def _letter_guarded(answer: str, gold: Sequence[str], rollout: Rollout, by_metric: Scorer) -> float | None:
    """The picker takes one letter of "A or B"; two letters are no answer."""
    named = {word.strip("().*:") for word in answer.replace("/", " ").replace(",", " ").split()}
    several = len(named & set(LETTERS)) > 1 and any(g.strip() in LETTERS for g in gold)
    return 0.0 if several else by_metric(gold)


def _choice_guarded(answer: str, gold: Sequence[str], rollout: Rollout, by_metric: Scorer) -> float | None:
    """The nearest option is an answer only if it was nearly said, and no other letter beside it."""
    if not rollout.choices or same(answer, gold[0]):
        return by_metric(gold)
    offered = {chr(ord("A") + i) for i in range(len(rollout.choices))}
    named = {word.strip("().*:,\"'$").upper() for word in answer.split()} & offered
    if len(named) > 1 and guards.hedged(answer, ""):
        return 0.0
    if named or max(_alike(answer, c) for c in rollout.choices) >= _NEAR_CHOICE:
        return by_metric(gold)
    return 0.0


GUARDED: dict[str, Callable[[str, Sequence[str], Rollout, Scorer], float | None]] = {
    "vqa_accuracy": _as_scored,
    "relaxed_accuracy": _as_scored,
    "anls": _alike_guarded,
    "realworldqa": _letter_guarded,
    "mathvista": _choice_guarded,
}


# --- columns to look at


def _exact(rollout: Rollout, answer: str, gold: Sequence[str]) -> float:
    typed = match(answer, gold, rollout.question, rollout.choices, rollout.answer_type)
    return float(typed == 1.0)


def _alike(answer: str, reference: str) -> float:
    a, b = plain(answer), plain(reference)
    return Levenshtein.normalized_similarity(a, b) if a and b else 0.0


def _semantic(encoder: Encoder, answer: str, gold: Sequence[str], question: str) -> float | None:
    """Cosine mapped .7 -> 0, .9 -> .8, for texts of two words or more that pass every guard, or None."""
    rules = (*guards.ALWAYS, *guards.SPELLING)
    fit = [g for g in gold if _wordy(answer) and _wordy(g) and not guards.stopped(rules, answer, g, question)]
    if not fit:
        return None
    said, *wanted = encoder([answer, *fit])
    best = max(_cosine(said, w) for w in wanted)
    return min(_COSINE_CAP, max(0.0, (best - _COSINE_ZERO) / (_COSINE_FULL - _COSINE_ZERO) * _COSINE_CAP))


def _wordy(text: str) -> bool:
    return len([w for w in words(text) if len(w) > 2]) >= 2


def _cosine(a: Any, b: Any) -> float:
    pairs = [(float(x), float(y)) for x, y in zip(a, b, strict=True)]
    norm = (sum(x * x for x, _ in pairs) * sum(y * y for _, y in pairs)) ** 0.5
    return sum(x * y for x, y in pairs) / norm if norm else 0.0
