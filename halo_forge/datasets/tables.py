"""A dataset's rows as the tables of a run: images part by part as they are read, then the prompts."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halo_forge.datasets.build import Request, build
from halo_forge.datasets.card import Card
from halo_forge.datasets.collect import NothingLeft
from halo_forge.datasets.left_out import list_skipped, told
from halo_forge.errors import UserError
from halo_forge.progress import SELDOM, Progress
from halo_forge.schema import from_rows
from halo_forge.store import Writer, discard, ranges

PROMPTS_PER_PART = 16_384
FETCHED = ".fetched"
"""Folder below the output for what was fetched by URL, until the tables are finished."""
PART_ROWS = 1024
PART_BYTES = 256 * 2**20
"""An images part is written at this many rows or bytes, whichever comes first: the most that is in memory."""


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
        if time.time() - self.told > SELDOM:
            self.told = time.time()
            self.show.note(f"prompts: {self.total} images read")

    def flush(self) -> None:
        self.writer.write(self.parts, from_rows(self.rows, "images"))
        self.rows, self.size, self.parts = [], 0, self.parts + 1


def make(request: Request, writers: dict[str, Writer], out: Path, show: Progress) -> None:
    """Write what `request` asks for into `writers` (`images`, and `train` or `evaluation` or both), and tell it.

    Where that fails before anything was written, nothing stays, so that other rows can go to the same place.
    """
    images = _Images(writers["images"], show)
    try:
        built = build(request, images.store)
    except UserError as error:
        if isinstance(error, NothingLeft) or not any(writers["images"].folder.glob("part-*")):
            for writer in writers.values():  # nothing of it is worth keeping, and the rows may be mended
                discard(writer.folder)
        raise
    images.flush()
    list_skipped(built, out)
    facts: dict[str, Any] = {"summary": built.summary(), "skipped": built.reasons}
    for name, table in (("train", built.train), ("evaluation", built.evaluation)):
        if table is not None:
            cuts = ranges(table.num_rows, PROMPTS_PER_PART)
            for number, (start, stop) in enumerate(cuts):
                writers[name].write(number, table.slice(start, stop - start))
            writers[name].finish(len(cuts), **facts, card=card_facts(built.card))
    writers["images"].finish(images.parts, **facts)
    shutil.rmtree(out / FETCHED, ignore_errors=True)
    for line in told(built, out):
        show.note(line)


def card_facts(card: Card) -> dict[str, Any]:
    """What later stages want to know of the card, for the record."""
    names = ("name", "metric", "threshold", "style", "min_pixels", "max_pixels", "breakdown", "licence")
    return {name: getattr(card, name) for name in names}
