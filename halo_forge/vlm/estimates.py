"""What is left of a planned run in rows, tokens, hours, disk, download and memory; and the page that says it."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from halo_forge.datasets.build import styles
from halo_forge.models.hub import Sizes, cached_whole, dataset_size, sizes
from halo_forge.models.resolve import resolve
from halo_forge.progress import Progress
from halo_forge.store import Table
from halo_forge.vlm import further
from halo_forge.vlm import rates as measured
from halo_forge.vlm.plan import CACHED, Planned, advice, planned
from halo_forge.vlm.rates import Rates
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.room import Room, in_bytes, room_lines, room_of
from halo_forge.vlm.run_dir import FURTHER


@dataclass(frozen=True)
class Line:
    """One step of the plan. `rows` and what follows count what is left to do; None: unknown. `at_most`: the tokens
    are a bound, nothing was measured; of further samples the rows are one, too."""

    cycle: int
    step: str
    state: str
    reason: str
    rows: int | None
    tokens: int | None
    at_most: bool
    seconds: float | None


@dataclass(frozen=True)
class Plan:
    """A run before it runs. Sizes in bytes; None: unknown."""

    lines: list[Line]
    advice: str
    rates: str
    disk: int | None
    disk_free: int
    download: int | None
    """Of the model."""
    dataset: int | None
    """To download of the dataset, at most: a limit reads only the rows it needs."""
    memory: Room


def plan(recipes: Recipes, tries: bool, show: Progress) -> Plan:
    """The plan of the run; `tries`: whether a few rows may be tried where nothing was measured yet and the model is
    at hand. Raises UserError for whatever training would refuse."""
    found = planned(recipes)
    ref = resolve(recipes.config.model_name)
    rates = measured.of_run(recipes, [one.step for one in found])
    here = Path(ref.base).is_dir() or cached_whole(ref.base, ref.revision)
    unmeasured = [o for o in found if o.state != CACHED and o.step.name in ("generate", "evaluate", "train")]
    if tries and here and any(rates.per_row(one.step.name, rates.seconds) is None for one in unmeasured):
        show.note("plan: trying a few prompts to see how fast this machine is (--no-probe: not)")
        rates = measured.probe(recipes, show)
    lines = [_line(one, recipes, rates) for one in found]
    left = Sizes(0) if here else sizes(ref.base, ref.revision)
    root = recipes.dir.root
    existing = next(p for p in (root, *root.resolve().parents) if p.exists())
    return Plan(
        lines=lines,
        advice=advice(found, recipes),
        rates=rates.source if rates.rows else "",
        disk=_disk(lines, rates),
        disk_free=shutil.disk_usage(existing).free,
        download=left.download,
        dataset=_dataset(recipes, found),
        memory=room_of(recipes, ref),
    )


def _line(one: Planned, recipes: Recipes, rates: Rates) -> Line:
    step = one.step
    if one.state == CACHED:
        return Line(step.cycle, step.name, one.state, one.reason, 0, 0, False, 0.0)
    total = expected(one, recipes)
    rows = None if total is None else max(total - one.done, 0)
    each, took = rates.per_row(step.name, rates.tokens), rates.per_row(step.name, rates.seconds)
    at_most = (step.stage == "generate" and each is None) or further.open_in(step, recipes)
    tokens = None
    if step.stage == "generate" and rows is not None:
        tokens = round(rows * (recipes.config.max_new_tokens if each is None else each))
    seconds = None if took is None or rows is None else took * rows
    return Line(step.cycle, step.name, one.state, one.reason, rows, tokens, at_most, seconds)


def expected(one: Planned, recipes: Recipes) -> int | None:
    """Rows that a step makes; of train, optimizer steps. None: not known before earlier steps have run."""
    config, name = recipes.config, one.step.name
    train, held_out = prompts_of(recipes)
    if name == "train":
        return config.max_steps or None
    if name == "prompts":
        return None if train is None or held_out is None else train + held_out
    if name in ("evaluate", "benchmark"):
        return None if held_out is None else held_out * (config.eval_samples + 1)
    if train is None:
        return None
    asked = min(train, config.prompts_per_cycle * len(styles(recipes.card, config.style)) or train)
    if name == "perceive":  # a small set shows every image in the first cycle
        return asked if one.step.cycle == 1 or asked < train else 0
    if name == "more":
        return asked
    if name in FURTHER:
        chosen = asked if further.open_in(one.step, recipes) else further.asked(recipes, one.step.cycle)
        return chosen * recipes.further
    return asked * recipes.samples


def prompts_of(recipes: Recipes) -> tuple[int | None, int | None]:
    """(train, held-out) prompts: of the tables where they are finished, else what card and limits say."""
    found: list[int | None] = []
    card, config = recipes.card, recipes.config
    for table, split, limit in (("prompts", "train", config.limit), ("eval/prompts", "eval", config.eval_limit)):
        record = Table(recipes.dir.table(table), "prompts").record
        if record is not None:
            found.append(int(record["rows"]))
            continue
        known = card.splits[split].rows if split in card.splits else None
        sizes = [size for size in (known, limit) if size is not None]
        found.append(min(sizes) * len(styles(card, config.style)) if sizes else None)
    return found[0], found[1]


def _disk(lines: list[Line], rates: Rates) -> int | None:
    """Bytes of tables still to be written, where every step was measured."""
    total = 0.0
    for line in lines:
        each = rates.per_row(line.step, rates.bytes)
        if line.rows and each is not None:
            total += line.rows * each
        elif line.rows and line.step == "generate":
            return None
    return round(total)


def _dataset(recipes: Recipes, found: list[Planned]) -> int | None:
    card = recipes.card
    places = [place for split in card.splits.values() if not split.files for place in split.places[:1]]
    if found[0].state == CACHED or card.generator or recipes.config.data_dir or not places:
        return 0
    total = [
        dataset_size(repository, {p.split for p in places if p.hub == repository})
        for repository in dict.fromkeys(p.hub for p in places)
    ]
    return None if None in total else sum(size or 0 for size in total)


def as_json(made: Plan) -> dict[str, Any]:
    """The plan as plain data."""
    return asdict(made)


def page(made: Plan) -> list[str]:
    """The plan as lines of text."""
    head = ["cycle", "step", "state", "rows", "tokens", "time", "reason"]
    cells = [head, *(_cells(line) for line in made.lines)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head) - 1)]
    lines = ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in cells]
    return [*lines, "", *_sums(made), *([made.advice] if made.advice else [])]


def _cells(line: Line) -> list[str]:
    if line.state == CACHED:
        return [str(line.cycle), line.step, line.state, "", "", "", line.reason[:160]]
    rows = "?" if line.rows is None else f"{line.rows:,}" + (" steps" if line.step == "train" else "")
    rows = f"≤ {rows}" if line.step in FURTHER and line.at_most else rows
    tokens = "" if line.tokens is None else f"{'≤ ' if line.at_most else ''}{line.tokens:,}"
    return [str(line.cycle), line.step, line.state, rows, tokens, _time(line.seconds), line.reason[:160]]


def _sums(made: Plan) -> list[str]:
    todo = [line for line in made.lines if line.state != CACHED]
    if not todo:
        return ["everything is there: vlm train would do nothing"]
    unknown = [line.step for line in todo if line.seconds is None and line.step in ("generate", "evaluate", "train")]
    tokens = sum(line.tokens or 0 for line in todo)
    bound = "at most " if any(line.at_most for line in todo) else "about "
    time = _time(sum(line.seconds or 0.0 for line in todo))
    if unknown:
        time = f"{time}, and {', '.join(sorted(set(unknown)))}, which nothing was measured for" if made.rates else "?"
    lines = [
        f"to run: {len(todo)} of {len(made.lines)} steps, {bound}{tokens:,} tokens",
        f"time: {time}" + (f" (from {made.rates})" if made.rates else ""),
        f"disk: {in_bytes(made.disk)} of tables to write, {in_bytes(made.disk_free)} free",
        f"download: model {in_bytes(made.download)}, dataset {_most(made.dataset)}",
    ]
    return [*lines, *room_lines(made.memory)]


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _most(count: int | None) -> str:
    return f"at most {in_bytes(count)}" if count else in_bytes(count)
