"""`vlm validate`: is a dataset's ground truth readable? Every gold answer, given as the answer, must score full.

Needs no model, and no images when it reads a prompts table. A row is

- full: some reference, given as the answer, scores 1;
- partial: correct, but none scores 1 (annotators who disagree);
- failing: no reference reaches the threshold, so no completion could ever be right;
- null: there is no ground truth that can be read; such a row is never counted as right.

    halo-forge vlm validate --dataset textvqa [--limit 500]
    halo-forge vlm validate --prompts RUN/prompts
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from halo_forge.config import execution, identity
from halo_forge.errors import UserError
from halo_forge.metrics import threshold_of
from halo_forge.progress import Progress
from halo_forge.store import Table
from halo_forge.verifiers.output import judge_output
from halo_forge.verifiers.rollout import Rollout

EXPLAINED = {
    "full": "a gold answer scores full marks",
    "partial": "correct, not full",
    "failing": "no gold answer is correct",
    "null": "no readable ground truth",
}
MAX_REFERENCES = 20
BATCH = 4096


@dataclass(frozen=True)
class Config:
    """Which rows are looked at, and how they are shown."""

    dataset: str = identity("", "a named set (vlm datasets), a card .yaml, .jsonl, .parquet, or a folder")
    prompts: str = identity("", "a prompts table instead: directory, file or glob")
    split: str = identity("all", "train, eval, all, or the set's own name for a split")
    limit: int | None = identity(None, "rows per split (none: all)")
    style: str = identity("", "prompt style: direct, grounded or mixed ('': the card's)")
    threshold: float | None = identity(None, "output at or above which an answer is correct (none: card, metric)")
    data_dir: str = execution("", "local copy of the dataset's Parquet files")
    show: int = execution(20, "rows to list")
    json: bool = execution(False, "all rows that are not full, as JSON lines")
    quiet: bool = execution(False, "no progress lines")


@dataclass(frozen=True)
class Finding:
    """What became of one prompt; `score` is that of its `best` reference, `reason` empty when full."""

    prompt_id: str
    status: str
    score: float | None
    reason: str
    question: str
    answers: tuple[str, ...]
    best: str | None = None


def examine(row: dict[str, Any], threshold: float | None = None) -> Finding:
    """Give each reference of a prompt as its answer, in the prompt's style, and keep the best."""
    from halo_forge.stages.verify import rollout_of

    metric = row.get("metric") or "match"
    tau = threshold_of(metric) if threshold is None else threshold
    answers = tuple(str(a) for a in row.get("answers") or () if a is not None)
    found = Finding(row["prompt_id"], "null", None, EXPLAINED["null"], row["question"] or "", answers)
    row = {"choices": None, "answer_type": None, "extra": None, **row, "answers": list(answers) or None}
    best: tuple[float, str, str] | None = None
    for answer in dict.fromkeys(answers[:MAX_REFERENCES]):
        if not answer.strip():
            continue
        given = f"<answer>{answer}</answer>" if row.get("style") != "direct" else answer
        rollout = rollout_of({"completion": given, "finish_reason": "stop"}, row, metric, tau)
        output = judge_output(rollout)
        if output.output is not None and (best is None or output.output > best[0]):
            best = output.output, _reason(rollout, answer, output.answer, output.hedged, output.output), answer
    if best is None:
        return found
    status = "full" if best[0] >= 1 - 1e-9 else "partial" if best[0] >= tau else "failing"
    return replace(found, status=status, score=best[0], reason="" if status == "full" else best[1], best=best[2])


def _reason(rollout: Rollout, gold: str, said: str | None, hedged: bool, score: float) -> str:
    """Why a gold answer does not score full, in words."""
    if said is None:
        return "nothing is read from it as an answer"
    if hedged:
        return "it reads as several answers"
    if said.strip() != gold.strip():
        return f"it is read as {said[:60]!r}"
    others = len(set(rollout.answers or ())) > 1
    if rollout.metric == "vqa_accuracy" and others:
        return f"annotators disagree: the best answer has {score:.2f}"
    return f"{rollout.metric} gives {score:.2f} for the gold answer itself"


def findings(rows: Iterator[dict[str, Any]], threshold: float | None = None) -> Iterator[Finding]:
    """A finding for each prompts row."""
    return (examine(row, threshold) for row in rows)


def run(config: Config) -> int:
    """Print the shares and the rows that are not full; 1 when some gold answer is not correct, else 0."""
    if bool(config.dataset) == bool(config.prompts):
        raise UserError("give --dataset NAME or --prompts TABLE, one of them")
    counted: Counter[str] = Counter()
    listed: list[Finding] = []
    reasons: Counter[tuple[str, str]] = Counter()
    for found in _all(config):
        counted[found.status] += 1
        if found.status == "full":
            continue
        reasons[found.status, _kind(found.reason)] += 1
        if config.json:
            print(json.dumps(found.__dict__, ensure_ascii=False))
        elif found.status != "partial" and len(listed) < config.show:
            listed.append(found)
    if not config.json:
        _print(config, counted, reasons, listed)
    if not counted:
        raise UserError(f"{config.prompts or config.dataset} has no rows")
    return int(counted["failing"] > 0)


def _kind(reason: str) -> str:
    return reason.split(":")[0].split(" '")[0].split(' "')[0]


def _print(config: Config, counted: Counter[str], reasons: Counter[tuple[str, str]], listed: list[Finding]) -> None:
    for found in listed:
        print(
            f"{found.status}: {found.prompt_id[:12]} {found.question[:80]!r} {list(found.answers[:4])}: {found.reason}"
        )
    total = counted.total()
    for status, words in EXPLAINED.items():
        print(f"{status:8} {counted[status]:7} of {total} rows: {words}")
    for (status, reason), rows in reasons.most_common(8):
        print(f"  {rows:7} {status}: {reason}")


def _all(config: Config) -> Iterator[Finding]:
    """Findings of every row asked for; a dataset's tables are made in a folder that goes away."""
    if config.prompts:
        yield from findings(_rows(Table(config.prompts, "prompts").open()), config.threshold)
        return
    from halo_forge.stages import prompts

    with tempfile.TemporaryDirectory(prefix="halo-forge-validate-") as folder:
        made = prompts.run(
            prompts.Config(
                dataset=config.dataset, output=folder, split=config.split, limit=config.limit,
                eval_limit=config.limit, style=config.style, data_dir=config.data_dir,
            ),
            progress=Progress(config.quiet),
        )  # fmt: skip
        threshold = made.card.threshold if config.threshold is None else config.threshold
        for table in (made.train, made.evaluation):
            if table is not None:
                yield from findings(_rows(table.open()), threshold)


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    for start in range(0, table.rows, BATCH):
        yield from table.slice(start, min(table.rows, start + BATCH)).to_pylist()
