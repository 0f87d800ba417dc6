"""What a card says: one frozen dataclass per noun. The files are in `data/*.yaml`, `card_file` reads them.

Fields: name, task, licence, licence_note, trainable, why (not), splits, generator, columns, labels, keep,
choices_in_question, instructions, metric, threshold, style, prompts, min_pixels, max_pixels, published,
breakdown, defaults, reasoning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from halo_forge.errors import UserError, nearest

STYLES = ("direct", "grounded")
METRICS = ("vqa_accuracy", "anls", "relaxed_accuracy", "realworldqa", "mathvista", "match")


@dataclass(frozen=True)
class Place:
    """Rows on the hub: repository, config (None: its only one) and split."""

    hub: str
    config: str | None
    split: str


@dataclass(frozen=True)
class Split:
    """Rows of one role. `places[0]` is read from the hub; the others hold the same rows and serve a local
    mirror."""

    name: str
    split: str
    places: tuple[Place, ...] = ()
    files: tuple[str, ...] = ()
    rows: int | None = None
    answers: bool = True
    chosen: bool = False
    """The user asked for it by name: a folder without files of that name is an error."""


@dataclass(frozen=True)
class Published:
    """A score that the authors of a model print, in per cent."""

    model: str
    score: float
    split: str
    source: str


@dataclass(frozen=True)
class Card:
    """One dataset. `columns` maps our names to the set's own, first match wins; a dot goes into a struct."""

    name: str
    task: str
    metric: str
    threshold: float
    style: str
    prompts: Mapping[str, str]
    columns: Mapping[str, tuple[str, ...]]
    splits: Mapping[str, Split]
    licence: str = "unknown"
    licence_note: str = ""
    trainable: bool = True
    why: str = ""
    generator: str | None = None
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    keep: bool = False
    choices_in_question: bool = False
    instructions: tuple[str, ...] = ()
    min_pixels: int | None = None
    max_pixels: int | None = None
    published: tuple[Published, ...] = ()
    breakdown: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    reasoning: str = ""
    path: str = ""
    chosen: tuple[str, ...] = ()
    """Names in `columns` whose column the user gave by a flag: it has to be there."""
    plain: bool = False
    """A hub id, a file or a folder without a card of its own."""

    def prompt(self, style: str) -> str:
        """The template of a style; UserError where the card has none."""
        if style in self.prompts:
            return self.prompts[style]
        known = ", ".join(sorted(self.prompts))
        raise UserError(f"--style {style}: the card {self.name} has no such prompt; it has: {known}")

    def split(self, name: str) -> Split:
        """The split of a role (`train`, `eval`) or of the set's own name for it (`validation`,
        `testmini`)."""
        if name in self.splits:
            return self.splits[name]
        own = [split for split in self.splits.values() if split.split == name]
        if own:
            return own[0]
        known = sorted({*self.splits, *(split.split for split in self.splits.values())})
        if name == "train" and not self.trainable:
            raise UserError(f"--dataset {self.name} --split train: {self.why}")
        raise UserError(f"--split {name}: the dataset {self.name} has no such split; {nearest(name, known)}")

    def published_score(self, model: str) -> Published | None:
        """The published base score of a model by its hub id, or None."""
        return next((row for row in self.published if row.model == model), None)
