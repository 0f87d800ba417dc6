"""What a user says about a dataset by flags, in place of its card."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from halo_forge.datasets.card import METRICS, Card, Place, Split
from halo_forge.errors import UserError, nearest

COLUMNS = {
    "question": "question_column",
    "image": "image_column",
    "answers": "answer_column",
    "choices": "choices_column",
}
"""Name in a card's `columns` -> the setting that replaces it."""


@dataclass(frozen=True)
class Overrides:
    """Settings that go before the card; '' or 0: as the card says. A config with fields of these names gives
    them by `Overrides.of(config)`."""

    question_column: str = ""
    image_column: str = ""
    answer_column: str = ""
    choices_column: str = ""
    subset: str = ""
    train_split: str = ""
    eval_split: str = ""
    metric: str = ""
    threshold: float = 0.0

    @classmethod
    def of(cls, config: Any) -> Overrides:
        """Those that a config has."""
        return cls(**{name: getattr(config, name) for name in NAMES if hasattr(config, name)})

    def on(self, card: Card) -> Card:
        """The card with these in place of what it says. Raises UserError for what does not fit it."""
        if self == Overrides():
            return card
        if self.metric and self.metric not in METRICS:
            raise UserError(f"--metric {self.metric}: {nearest(self.metric, METRICS)}")
        if not 0 <= self.threshold <= 1:
            raise UserError(f"--threshold {self.threshold}: give a score above 0 and at most 1 (0: the dataset's own)")
        given = {ours: value for ours, name in COLUMNS.items() if (value := getattr(self, name))}
        return replace(
            card,
            columns={**card.columns, **{ours: (value,) for ours, value in given.items()}},
            chosen=tuple(given),
            metric=self.metric or card.metric,
            threshold=self.threshold or card.threshold,
            splits=self._splits(card),
        )

    def _splits(self, card: Card) -> dict[str, Split]:
        """Train and eval as named; only sets without a card of their own have splits to name."""
        splits = dict(card.splits)
        for flag in ("subset", "train_split", "eval_split"):
            if getattr(self, flag) and not card.plain:
                raise UserError(
                    f"--{flag.replace('_', '-')} is for a hub id or a folder; --dataset {card.name} has its splits in "
                    f"its card: {', '.join(splits)}"
                )
        if not (self.subset or self.train_split or self.eval_split):
            return splits
        own = splits["train"]
        if own.files and Path(own.files[0]).suffix.lower() in (".jsonl", ".parquet"):
            raise UserError(f"--dataset {own.files[0]}: one file has no splits to name; give a folder or a hub id")
        train = self.train_split or own.split
        if self.eval_split == train:
            raise UserError(
                f"--eval-split {train} is what is trained on: leave it out to hold out a share of the images"
            )
        found = {"train": self._named(own, "train", train, bool(self.train_split))}
        return found | ({"eval": self._named(own, "eval", self.eval_split, True)} if self.eval_split else {})

    def _named(self, own: Split, role: str, split: str, chosen: bool) -> Split:
        places = tuple(Place(place.hub, self.subset or place.config, split) for place in own.places)
        files = tuple(str(Path(name) / self.subset) for name in own.files)
        return replace(own, name=role, split=split, places=places, files=files, chosen=chosen)


NAMES = tuple(field.name for field in fields(Overrides))
