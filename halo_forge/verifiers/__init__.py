"""Verifiers: one reading of a completion, judged by what the eyes saw and by the references.

verify_completion(rollout, scenes) -> one row of the `scores` table (without its key columns)

rollout ── claims.read ──┬── perception: claims against scenes (and references)
                         ├── reasoning: consistency, grounding, structure
                         └── output: the answer against the references
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halo_forge.answers import Answer
from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.claims import Reading, read, read_claims
from halo_forge.verifiers.consistency import retract
from halo_forge.verifiers.output import answer_of, judge_output
from halo_forge.verifiers.perception import Perception, judge_perception, vocabulary_of
from halo_forge.verifiers.reasoning import Reasoning, judge_reasoning
from halo_forge.verifiers.rollout import Rollout
from halo_forge.verifiers.scene import Box, Line, Scene

__all__ = [
    "Box", "Claim", "Line", "Perception", "Reading", "Reasoning", "Rollout", "Scene", "read_claims",
    "verify_completion",
]  # fmt: skip


def verify_completion(rollout: Rollout, scenes: Sequence[Scene], encoder: Any = None) -> dict[str, Any]:
    """Judge one completion against its images' scenes: the columns of `scores` except the keys.

    `encoder`: an optional sentence encoder for the semantic output column. Scores are None where there was
    nothing to judge. Nothing in the completion is executed or trusted.
    """
    answer = answer_of(rollout)
    output = judge_output(rollout, encoder, answer)
    reading, perception, reasoning = judge_reading(rollout, scenes, bool(output.correct), answer)
    return {
        "answer": output.answer,
        "correct": output.correct,
        "perception_objects": perception.objects,
        "perception_text": perception.text,
        "perception_spatial": perception.spatial,
        "perception_counting": perception.counting,
        "perception": perception.score,
        "reasoning_structure": reasoning.structure,
        "reasoning_consistency": reasoning.consistency,
        "reasoning_grounding": reasoning.grounding,
        "reasoning": reasoning.score,
        "output_exact": output.exact,
        "output_fuzzy": output.fuzzy,
        "output_semantic": output.semantic,
        "output": output.output,
        "claims": [claim_row(claim) for claim in reading.claims],
        "error": None,
    }


def judge_reading(
    rollout: Rollout, scenes: Sequence[Scene], correct: bool = False, found: Answer | None = None
) -> tuple[Reading, Perception, Reasoning]:
    """Perception and reasoning of one completion; its claims carry their verdicts."""
    reading = read(rollout, vocabulary_of(scenes), found)
    taken = retract(reading)
    answer = reading.split.answer
    perception = judge_perception(reading.claims, scenes, rollout, (answer.start, answer.end) if correct else None)
    return reading, perception, judge_reasoning(reading, taken)


def claim_row(claim: Claim) -> dict[str, Any]:
    """A claim as a struct of the `claims` column."""
    return {
        "kind": claim.kind,
        "source": claim.source,
        "start": claim.start,
        "end": claim.end,
        "claim": claim.describe(),
        "verdict": "unknown" if claim.retracted else claim.verdict,
        "p": claim.p,
        "evidence": claim.evidence,
    }
