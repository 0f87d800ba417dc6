"""verify: completions (+ prompts, evidence) → scores. One row in, one row out.

Reads each completion once and scores it in three stages: perception against the evidence of its images,
reasoning against itself, output against the ground truth. A score is null when there was nothing to judge.

    python stages/verify.py --completions C --prompts P --evidence E --output S [--verifier my_rules.py:on_topic]
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

import contextlib
import gc
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from halo_forge.config import execution, identity, source, target
from halo_forge.metrics import threshold_of
from halo_forge.schema import from_rows
from halo_forge.stage import Stage, Tables
from halo_forge.verifiers import custom, verify_completion
from halo_forge.verifiers.rollout import Rollout
from halo_forge.verifiers.scene import Scene

VERSION = 5
Encoder = Callable[[list[str]], Any]


@dataclass(frozen=True)
class Config:
    """What to verify, and how strictly."""

    completions: str = source("completions")
    prompts: str = source("prompts")
    output: str = target(help="where the scores table goes")
    evidence: tuple[str, ...] = source("evidence", (), "evidence tables, of this cycle and earlier ones")
    threshold: float | None = identity(None, "output at or above which an answer is correct (none: the metric's)")
    semantic: str = identity("", "sentence-transformers model for the semantic score ('': off)")
    verifier: tuple[str, ...] = execution((), "verifiers of your own: FILE.py:FUNCTION, comma separated")
    device: str = execution("cpu", "where the semantic model runs")
    processes: int = execution(0, "processes that judge at once (0: one per core when there is much to judge)")


@dataclass(frozen=True)
class Loaded:
    """The sentence encoder, when one is asked for, and the user's own verifiers."""

    encoder: Encoder | None = None
    customs: tuple[custom.Custom, ...] = ()


def load(config: Config) -> Loaded:
    """What the config names beside tables."""
    customs = custom.load(config.verifier)
    return Loaded(_encoder(config) if config.semantic else None, customs)


def digests(config: Config) -> dict[str, Any]:
    """The user's verifiers by the content of their files: part of the key."""
    return {"verifiers": custom.digests(config.verifier)} if config.verifier else {}


def _encoder(config: Config) -> Encoder:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(config.semantic, device=config.device)
    return lambda texts: model.encode(texts, normalize_embeddings=True, show_progress_bar=False)


def processes(config: Config) -> int:
    """In how many processes completions are judged. A sentence encoder is loaded once and uses the cores itself."""
    return config.processes or int(bool(config.semantic))


def gather(completions: pa.Table, tables: Tables) -> dict[str, pa.Table]:
    """The prompts of these completions, and the evidence of their images."""
    prompts = tables["prompts"].where("prompt_id", completions["prompt_id"])
    if "evidence" not in tables:
        return {"prompts": prompts}
    wanted = pc.list_flatten(prompts["image_ids"])
    return {"prompts": prompts, "evidence": tables["evidence"].where("image_id", wanted)}


def verify(
    completions: pa.Table,
    config: Config,
    state: Loaded | None = None,
    *,
    prompts: pa.Table,
    evidence: pa.Table | None = None,
) -> pa.Table:
    """The scores of `completions` (completions → scores, 1:1, same order).

    `prompts` and `evidence` hold at least the rows these completions need. A completion whose prompt is missing
    gets an error; one whose images have no evidence has null perception.
    """
    questions = {row["prompt_id"]: row for row in prompts.to_pylist()}
    seen = {row["image_id"]: row for row in evidence.to_pylist()} if evidence is not None else {}
    scenes = {image: Scene.from_row(row) for image, row in seen.items() if not row.get("error") and row["width"]}
    loaded = state or Loaded()
    rows = []
    with contextlib.nullcontext() if loaded.customs else _uncollected():
        for row in completions.to_pylist():
            keys = {name: row[name] for name in ("prompt_id", "sample_index", "cycle", "finish_reason")}
            question = questions.get(row["prompt_id"])
            scores = _judge(row, question, scenes, config, loaded.encoder)
            if loaded.customs and question is not None and not scores.get("error"):
                evidence_rows = [seen[i] for i in question["image_ids"] if i in seen]
                whole = {**question, **row, **scores, "evidence": evidence_rows}
                scores["custom"], scores["error"] = custom.judge(loaded.customs, whole)
            rows.append({**keys, **scores})
    return from_rows(rows, "scores")


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without a search for reference cycles: judging leaves next to none, and the search takes 3 % of its time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _judge(
    row: dict[str, Any], question: dict[str, Any] | None, scenes: dict[str, Scene], config: Config, encoder: Any
) -> dict[str, Any]:
    """The score columns of one completion."""
    if question is None:
        return {"error": "its prompt is not in the prompts table", "claims": []}
    metric = question["metric"] or "match"
    threshold = threshold_of(metric) if config.threshold is None else config.threshold
    if row["error"]:
        return {"error": row["error"], "claims": [], "threshold": threshold}
    looked_at: Sequence[Scene] = [scenes[i] for i in question["image_ids"] if i in scenes]
    try:
        rollout = rollout_of(row, question, metric, threshold)
        return {**verify_completion(rollout, looked_at, encoder), "threshold": threshold}
    except Exception as exc:  # a defect met by one row is that row's error, never the run's end
        return {"error": f"verify: {type(exc).__name__}: {exc}"[:300], "claims": [], "threshold": threshold}


def rollout_of(row: dict[str, Any], question: dict[str, Any], metric: str, threshold: float) -> Rollout:
    """A completion and its prompt, as the verifiers read them."""
    return Rollout(
        question=question["question"],
        completion=row["completion"] or "",
        answers=None if question["answers"] is None else tuple(question["answers"]),
        metric=metric,
        style=question["style"] or "grounded",
        choices=None if question["choices"] is None else tuple(question["choices"]),
        answer_type=question["answer_type"],
        extra=json.loads(question["extra"] or "{}"),
        finish_reason=row["finish_reason"] or "stop",
        threshold=threshold,
    )


STAGE = Stage(
    "verify",
    VERSION,
    Config,
    verify,
    rows="completions",
    output="scores",
    load=load,
    gather=gather,
    digests=digests,
    processes=processes,
)


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    return STAGE.main(argv)
