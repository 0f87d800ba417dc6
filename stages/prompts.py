"""prompts: a dataset → prompts and images. One row per question and prompt style; each distinct image once.

Reads a named set, a card, one's own rows or a hub id; gives every image a role (train, dev, test) that never
changes; fills the prompt templates. A limit takes the first rows of train (nothing beyond them is read) and a
fixed, seeded sample of eval (a sorted file would bias its first rows). Rows that cannot be used are counted
in the record and listed with file, row and reason in `skipped.jsonl`.

    python stages/prompts.py --dataset textvqa --split train --limit 512 --output P
    P/images  P/prompts           with --split all also P/eval/prompts (dev and test)
"""

from __future__ import annotations

if __name__ == "__main__":  # run from a checkout: finds the environment first
    import _standalone

    _standalone.run(__file__)

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halo_forge.config import execution, identity, target
from halo_forge.config import fields_of as fields
from halo_forge.datasets.build import Built, Request, build, styles
from halo_forge.datasets.card import Card
from halo_forge.datasets.cards import load_card
from halo_forge.datasets.identity import identity as sources
from halo_forge.datasets.identity import revisions
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.progress import EVERY_SECONDS, Progress
from halo_forge.schema import from_rows
from halo_forge.store import Table, Writer

VERSION = 1
PART_ROWS = 1024
PART_BYTES = 256 * 2**20
"""An images part is written at this many rows or bytes, whichever comes first: the most that is in memory."""


@dataclass(frozen=True)
class Config:
    """Which rows become prompts, and how they are asked."""

    dataset: str = identity(help="a named set, a .yaml card, .jsonl, .parquet, a folder, or a hub id owner/name")
    output: str = target(help="folder for the tables images and prompts (and eval/prompts)")
    split: str = identity("train", "train, eval, all (both), or the set's own name for a split")
    limit: int | None = identity(None, "rows: the first of train, a seeded sample of eval")
    eval_limit: int | None = identity(None, "rows of eval when --split all: a seeded sample")
    seed: int = identity(0, "which sample of eval a limit takes")
    style: str = identity("", "direct, grounded, or mixed (both); left out: the style the card says decides")
    hold_out: float = identity(0.1, "share of images held out for eval, in a set without an eval split")
    data_dir: str = execution("", "a local copy of the hub's Parquet files, instead of the hub")


@dataclass(frozen=True)
class Prepared:
    """The tables of a run. `prompts` is None for an eval split in a run of both; `evaluation` likewise."""

    card: Card
    images: Table
    train: Table | None
    evaluation: Table | None
    revisions: dict[str, str]
    summary: dict[str, int]
    """Prompts per role (train, dev, test) and `without answers`."""
    reasons: dict[str, int]
    """Rows left out, by reason."""


def run(config: Config, *, pinned: Mapping[str, str] | None = None, progress: Progress | None = None) -> Prepared:
    """Bring the tables below `config.output` up to date. `pinned`: hub commits to read (`Prepared.revisions`
    of an earlier run); left out, those in the records there. Raises UserError, or StaleError for another
    key's tables."""
    show = progress or Progress()
    out = Path(config.output)
    request = request_of(config, _pinned(out) if pinned is None else pinned)
    known = sources(request)
    payload = {"stage": "prompts", "version": VERSION, "params": params(config), "inputs": known}
    places = {"images": out / "images"} | {name: out / where for name, where in tables(config).items()}
    writers = {
        name: Writer.begin(path, "images" if name == "images" else "prompts", payload) for name, path in places.items()
    }
    if all(writer.finished for writer in writers.values()):
        show.note(f"prompts: finished before, nothing to do ({out})")
    else:
        _make(request_of(config, revisions(known)), writers, out, show)
    record = read_json(out / "images/_stage.json") or {}
    made = {name: Table(str(path), "prompts") for name, path in places.items()}
    return Prepared(
        load_card(config.dataset),
        Table(str(places["images"]), "images"),
        made.get("train"),
        made.get("evaluation"),
        revisions(known),
        record.get("summary", {}),
        record.get("skipped", {}),
    )


def tables(config: Config) -> dict[str, str]:
    """Role (`train`, `evaluation`) to folder below the output, for the split asked for."""
    if config.split == "all":
        return {"train": "prompts", "evaluation": "eval/prompts"}
    card = load_card(config.dataset)
    held_out = config.split == "eval" and "eval" not in card.splits
    train = not held_out and card.split(config.split).name == "train"
    return {"train" if train else "evaluation": "prompts"}


def params(config: Config) -> dict[str, Any]:
    """Identity parameters for the key; the dataset goes in by its content, so that a file may move."""
    found = {name: value for name, value in fields(config, "identity").items() if name != "dataset"}
    return found | {"style": styles(load_card(config.dataset), config.style)}


def request_of(config: Config, pinned: Mapping[str, str]) -> Request:
    return Request(
        config.dataset, config.split, config.limit, config.eval_limit, config.seed, config.style,
        config.data_dir or None, config.hold_out, dict(pinned),
    )  # fmt: skip


def image_row(name: str, data: bytes, info: tuple[int, int, str]) -> dict[str, Any]:
    """A row of the images table: the bytes as they came, a path that names them and no file of this
    machine."""
    width, height, kind = info
    image = {"bytes": data, "path": f"{name}.{kind.lower()}"}
    return {"image_id": name, "image": image, "width": width, "height": height, "format": kind}


@dataclass
class _Images:
    """Collects image rows and writes a part when enough have come."""

    writer: Writer
    show: Progress
    rows: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0
    parts: int = 0
    total: int = 0
    told: float = field(default_factory=time.time)

    def store(self, name: str, data: bytes, info: tuple[int, int, str]) -> None:
        if self.rows and (len(self.rows) >= PART_ROWS or self.size + len(data) > PART_BYTES):
            self.flush()
        self.rows.append(image_row(name, data, info))
        self.size += len(data)
        self.total += 1
        if time.time() - self.told > EVERY_SECONDS:
            self.told = time.time()
            self.show.note(f"prompts: {self.total} images read")

    def flush(self) -> None:
        self.writer.write(self.parts, from_rows(self.rows, "images"))
        self.rows, self.size, self.parts = [], 0, self.parts + 1


def _make(request: Request, writers: dict[str, Writer], out: Path, show: Progress) -> None:
    images = _Images(writers["images"], show)
    built = build(request, images.store)
    images.flush()
    _list_skipped(built, out)
    facts: dict[str, Any] = {"summary": built.summary(), "skipped": built.reasons}
    for name, table in (("train", built.train), ("evaluation", built.evaluation)):
        if table is not None:
            writers[name].write(0, table)
            writers[name].finish(1, **facts, card=card_facts(built.card))
    writers["images"].finish(images.parts, **facts)
    for line in told(built, out):
        show.note(line)


def card_facts(card: Card) -> dict[str, Any]:
    """What later stages want to know of the card, for the record."""
    names = ("name", "metric", "threshold", "style", "min_pixels", "max_pixels", "breakdown", "licence")
    return {name: getattr(card, name) for name in names}


def told(built: Built, out: Path) -> list[str]:
    """What happened, in one or two lines."""
    counts = [f"{count} {name}" for name, count in built.summary().items() if count]
    lines = [f"prompts: {', '.join(counts) or 'none'} ({built.card.name})"]
    if built.evaluation is not None and not built.evaluation.num_rows:
        lines.append("prompts: no image fell into the held-out share: nothing to evaluate on; raise --hold-out")
    if built.reasons:
        left = ", ".join(f"{count} x {why}" for why, count in sorted(built.reasons.items()))
        lines.append(f"prompts: left out: {left}" + (f" (see {out / 'skipped.jsonl'})" if built.skipped else ""))
    return lines


def _list_skipped(built: Built, out: Path) -> None:
    """`skipped.jsonl`: origin and reason of every row left out, or no file when there is none."""
    path = out / "skipped.jsonl"
    if not built.skipped:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    lines = (
        json.dumps({"row": row.origin, "reason": row.reason, "error_kind": "data" if row.data else None})
        for row in built.skipped
    )
    try:
        temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}; free the disk and run the command again") from None


def _pinned(out: Path) -> dict[str, str]:
    """Hub commits that the tables there were begun with."""
    begun = read_json(out / "images/_begin.json")
    return revisions(begun["payload"]["inputs"]) if begun else {}


def main(argv: list[str] | None = None) -> int:
    """Command line of the stage."""
    from halo_forge.cli import stage_main

    def prompts(config: Config) -> Table | None:
        made = run(config)
        return made.train or made.evaluation

    return stage_main(Config, prompts, argv, prog="stages/prompts.py", doc=__doc__ or "")
