"""`vlm whatif`: what other reward settings would have kept. Cached rollouts are rewarded and filtered again, by the
functions of the stages; no model is touched and nothing is written.

    halo-forge vlm whatif models/vlm_raft --weights "0.3,0.4,0.3; 0.2,0.2,0.6; document" --filter default,rest_em
    halo-forge vlm whatif models/vlm_raft --threshold 0.6,0.9 --combine gated,mean --format md

The first row is what the run kept; every combination is a further row. `overlap` is with the first, `right_share` the
share of the kept completions that are right by the run's own threshold, so that a grid of thresholds is judged by one
measure. Perception and reasoning are taken as they were verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from halo_forge.config import execution, identity, source, target
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.parts import BEGUN, FINISHED
from halo_forge.presets import weights_of
from halo_forge.schema import TABLES, conform
from halo_forge.store import Table
from halo_forge.vlm import output, views
from halo_forge.vlm.run_dir import RunDir
from halo_forge.vlm.whatif_grid import Setting, grid

KEYS = ("prompt_id", "sample_index", "cycle")
REWARDED = (*KEYS, "perception", "reasoning", "output", "correct", "threshold", "finish_reason", "custom", "error")
FILTERED = (*KEYS, "completion", "finish_reason", "completion_tokens", "error")
ASKED = ("prompt_id", "question_id", "style", "answers")
"""The columns that reward and filter read: texts and tokens that nobody looks at stay on the disk."""
NOWHERE = dict.fromkeys(("rewards", "completions", "prompts", "output"), "")
"""Tables are handed over, not read from a place."""
CHOSEN = {"max_per_prompt", "cycle", "replay", "transfer"}
"""Settings of a filter that the grid has, and those about rows that are not from this cycle's rollouts."""


@dataclass(frozen=True)
class Config:
    """A grid of reward settings; each flag takes several values, separated by ; or, where that is clear, by commas."""

    run: str = source("scores", help="the run directory")
    weights: str = identity("", "of perception, reasoning, output, or a preset: 0.3,0.4,0.3; document ('': the run's)")
    filter: str = identity("", "queries of sql/filters/, or .sql files ('': the run's)")
    threshold: str = identity("", "output from which an answer is right, such as 0.6,0.9 ('': the run's)")
    combine: str = identity("", "gated, mean ('': the run's)")
    max_per_prompt: str = identity("", "right completions kept for one prompt, such as 1,2,4 ('': the run's)")
    cycle: int = identity(0, "only this cycle (0: all)")
    tag: str = identity("", "of a rerun that was kept with this tag")
    format: str = execution("table", "table, csv, json, parquet or md", choices=output.FORMATS)
    output: str = target("", "a file that gets the rows (none: standard output)")


@dataclass(frozen=True)
class Tally:
    """What one setting keeps of one cycle, in completions; `known`: those kept with ground truth."""

    total: int
    kept: int
    prompts: int
    known: int
    right: int
    both: int
    either: int


def run(config: Config) -> int:
    """Print or write the table; the exit code."""
    if config.format == "parquet" and not config.output:
        raise UserError("--format parquet needs --output FILE")
    output.put(table(config), config.format, config.output)
    return 0


SCHEMA = pa.schema(
    {
        "setting": pa.string(), "weights": pa.string(), "combine": pa.string(), "threshold": pa.float64(),
        "filter": pa.string(), "max_per_prompt": pa.int64(), "kept": pa.int64(), "kept_share": pa.float64(),
        "prompts": pa.int64(), "right_share": pa.float64(), "in_both": pa.int64(), "overlap": pa.float64(),
    }
)  # fmt: skip
"""setting: run (what its sft table holds) or grid; kept: completions; prompts: with a kept completion, summed over
cycles; right_share: of those kept with ground truth; in_both: kept here and by the run; overlap: that as a share of
what either kept (Jaccard's index)."""


def table(config: Config) -> pa.Table:
    """What the run itself kept, then a row for each combination."""
    place = views.place_of(config.run, config.tag)
    cycles = _cycles(place, config.cycle)
    own, fixed, weight = _own(place, cycles[-1])
    settings = grid(own, config.weights, config.combine, config.threshold, config.filter, config.max_per_prompt)
    tallies = [tally(place, cycle, settings, fixed, weight) for cycle in cycles]
    by_setting = zip([own, *settings], zip(*tallies, strict=True), strict=True)
    rows = [_row(one, cells, number == 0) for number, (one, cells) in enumerate(by_setting)]
    return pa.Table.from_pylist(rows, SCHEMA)


def _row(setting: Setting, tallies: Sequence[Tally], own: bool) -> dict[str, Any]:
    total, kept, prompts, known, right, both, either = (
        sum(getattr(one, field.name) for one in tallies) for field in fields(Tally)
    )
    return {
        "setting": "run" if own else "grid",
        "weights": ",".join(f"{weight:g}" for weight in setting.weights),
        "combine": setting.combine,
        "threshold": setting.threshold,
        "filter": setting.filter,
        "max_per_prompt": setting.max_per_prompt,
        "kept": kept,
        "kept_share": kept / total if total else None,
        "prompts": prompts,
        "right_share": right / known if known else None,
        "in_both": both,
        "overlap": both / either if either else None,
    }


def _cycles(place: RunDir, only: int) -> list[int]:
    """The cycles with a kept set to compare with."""
    there: list[int] = []
    while (Path(place.table("sft", len(there) + 1)) / FINISHED).exists():
        there.append(len(there) + 1)
    if not there:
        raise UserError(f"{place.root} has no filtered cycle yet: give the folder that vlm train wrote as --output")
    if only and only not in there:
        raise UserError(f"--cycle {only}: {place.root} has the cycles 1 to {len(there)}")
    return [only] if only else there


def _own(place: RunDir, cycle: int) -> tuple[Setting, dict[str, Any], tuple[float, ...]]:
    """The run's own settings, those of its filter that stay as they are, and the weights of its own verifiers."""
    from halo_forge.stages import filter

    rewarded, filtered = (_params(place, name, cycle) for name in ("rewards", "sft"))
    known = (read_json(place.about) or {}).get("config", {})
    fixed = {one.name: filtered[one.name] for one in fields(filter.Config) if one.name in {*filtered} - CHOSEN}
    own = Setting(
        weights=weights_of(tuple(rewarded.get("weights", ()))),
        combine=rewarded.get("combine", "gated"),
        threshold=None,
        filter=known.get("filter", "default"),
        max_per_prompt=int(filtered.get("max_per_prompt", filter.Config.max_per_prompt)),
    )
    return own, fixed, tuple(rewarded.get("weight", ()))


def _params(place: RunDir, name: str, cycle: int) -> dict[str, Any]:
    begun = read_json(Path(place.table(name, cycle)) / BEGUN) or {}
    return dict(begun.get("payload", {}).get("params", {}))


def tally(
    place: RunDir, cycle: int, settings: Sequence[Setting], fixed: dict[str, Any], weight: tuple[float, ...]
) -> list[Tally]:
    """What the run kept of one cycle, then what each setting would keep."""
    from halo_forge.stages import filter, reward

    scores = _read(place, "scores", cycle, REWARDED).sort_by([(name, "ascending") for name in KEYS[:2]])
    completions = _read(place, "completions", cycle, FILTERED)
    prompts = _read(place, "prompts", None, ASKED)
    by_run = _kept_by_run(place, cycle, scores)
    rewards: dict[tuple[Any, ...], pa.Table] = {}
    found = [_tally(scores, by_run, by_run)]
    for one in settings:
        key = (one.weights, one.combine, one.threshold)
        if key not in rewards:
            asked = reward.Config(scores="", output="", weights=one.weights, weight=weight, combine=one.combine)
            rewards = {key: conform(reward.reward(_judged(scores, one.threshold), asked), "rewards")}
        choice = filter.Config(
            **NOWHERE, filter=one.filter, max_per_prompt=one.max_per_prompt, replay=0.0, cycle=cycle, **fixed
        )
        decided = filter.filter_rows(rewards[key], choice, completions=completions, prompts=prompts)
        if decided.num_rows != scores.num_rows:
            raise UserError(
                f"--filter {one.filter} returned {decided.num_rows} rows for {scores.num_rows} rewards: "
                "it must decide on every row once, with a reason"
            )
        found.append(_tally(scores, decided["keep"].to_numpy().astype(bool), by_run))
    return found


def _tally(scores: pa.Table, kept: np.ndarray, by_run: np.ndarray) -> Tally:
    known = kept & scores["correct"].is_valid().to_numpy()
    return Tally(
        total=len(kept),
        kept=int(kept.sum()),
        prompts=pc.count_distinct(scores["prompt_id"].filter(pa.array(kept))).as_py(),
        known=int(known.sum()),
        right=int((known & pc.fill_null(scores["correct"], False).to_numpy()).sum()),
        both=int((kept & by_run).sum()),
        either=int((kept | by_run).sum()),
    )


def _judged(scores: pa.Table, threshold: float | None) -> pa.Table:
    """The scores with another threshold: right is what reaches it."""
    if threshold is None:
        return scores
    known = pc.is_valid(scores["output"])
    right = pc.if_else(known, pc.greater_equal(scores["output"], threshold), pa.scalar(None, pa.bool_()))
    level = pa.array([threshold] * scores.num_rows, pa.float64())
    names = scores.column_names
    return scores.set_column(names.index("correct"), "correct", right).set_column(
        names.index("threshold"), "threshold", level
    )


def _kept_by_run(place: RunDir, cycle: int, scores: pa.Table) -> np.ndarray:
    """Which of the scored completions the run itself kept."""
    sft = Table(place.table("sft", cycle), "sft").read((*KEYS[:2], "keep", "origin"))
    kept = sft.filter(pc.and_(sft["keep"], pc.equal(sft["origin"], "sampled"))).select(list(KEYS[:2]))
    kept = kept.append_column("kept", pa.array([True] * kept.num_rows, pa.bool_()))
    number = pa.array(range(scores.num_rows))
    joined = scores.select(list(KEYS[:2])).append_column("number", number).join(kept, list(KEYS[:2]))
    return pc.fill_null(joined.sort_by("number")["kept"], False).to_numpy().astype(bool)


def _read(place: RunDir, name: str, cycle: int | None, columns: Sequence[str]) -> pa.Table:
    """Some columns of a table, of a cycle's with what was sampled further; the others null."""
    first, *further = (place.table(name),) if cycle is None else place.places(name, cycle)
    table = Table(first, name, tuple(further)).read(columns)
    missing = [field for field in TABLES[name] if field.name not in columns]
    for field in missing:
        table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table
