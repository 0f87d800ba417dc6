"""One call from a dataset to a run's rows: eval first, then train without the images that eval uses.

    built = build(Request("textvqa", split="all", limit=2048, eval_limit=500), store)

`store(image_id, data, (width, height, format))` receives each distinct image once for the whole call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from halo_forge.datasets import collect as c
from halo_forge.datasets.card import STYLES, Card
from halo_forge.datasets.cards import load_card
from halo_forge.datasets.overrides import Overrides
from halo_forge.datasets.prompts_table import prompts
from halo_forge.datasets.row_images import Fetch
from halo_forge.datasets.sources import Source, open_source
from halo_forge.errors import UserError, nearest

ALL = "all"
MIXED = "mixed"


@dataclass(frozen=True)
class Request:
    """What to build. `split`: `train`, `eval`, `all` (both) or the set's own name; `limit` and `eval_limit`
    count source rows; `style`: direct, grounded, mixed (a prompt in each), or empty for the card's own."""

    dataset: str
    split: str = "train"
    limit: int | None = None
    eval_limit: int | None = None
    seed: int = 0
    style: str = ""
    data_dir: str | None = None
    hold_out: float = 0.1
    revisions: Mapping[str, str] = field(default_factory=dict)
    """Hub repository -> commit to read; one that is not named is read at its newest."""
    said: Overrides = field(default_factory=Overrides)
    """What goes before the card."""
    fetch: Fetch | None = None
    """How image URLs are read; None: they are not."""

    @property
    def card(self) -> Card:
        """The card of the dataset, with what was said in its place. A file that is gone is told by `check`."""
        return load_card(self.dataset, self.said, must_exist=False)


@dataclass(frozen=True)
class Built:
    """`train` and `evaluation` are prompts tables (None: not asked for; dev and test are in the column
    `split`)."""

    card: Card
    train: pa.Table | None
    evaluation: pa.Table | None
    skipped: tuple[c.Skipped, ...]
    reasons: dict[str, int]

    def summary(self) -> dict[str, int]:
        """Prompts per role, and how many have no ground truth."""
        counts: Counter[str] = Counter()
        for table in (self.train, self.evaluation):
            if table is not None:
                counts.update({row["values"]: row["counts"] for row in pc.value_counts(table["split"]).to_pylist()})
                counts["without answers"] += table["answers"].null_count
        return dict(counts)


def styles(card: Card, style: str) -> list[str]:
    """The prompt styles that a request means; UserError for an unknown one."""
    if not style:
        return [card.style]
    if style == MIXED:
        return [name for name in STYLES if name in card.prompts]
    if style not in STYLES:
        raise UserError(f"--style {style}: no such style; {nearest(style, [*STYLES, MIXED])}")
    card.prompt(style)
    return [style]


def check(request: Request) -> Card:
    """The card, after everything that can be refused without reading a row. Raises UserError."""
    card = request.card
    styles(card, request.style)
    if gone := vanished(card):
        raise UserError(f"--dataset {gone}: no such file or folder")
    if not 0 <= request.hold_out < 1:
        raise UserError(f"--hold-out {request.hold_out}: give a share of the images, from 0 up to (not including) 1")
    for name, value in (("--limit", request.limit), ("--eval-limit", request.eval_limit)):
        if value is not None and value < 1:
            raise UserError(f"{name} {value}: give a number of rows, at least 1")
    _, train = roles(card, request.split)
    if train and not card.trainable:
        raise UserError(f"--dataset {card.name}: {card.why}")
    if train and not card.split("train").answers:
        raise UserError(f"--dataset {card.name}: its train split has no public answers to train on")
    return card


def vanished(card: Card) -> str | None:
    """The first of a card's own files and folders that is not there."""
    files = [name for split in card.splits.values() for name in split.files]
    return next((name for name in files if not Path(name).exists()), None)


def roles(card: Card, split: str) -> tuple[str | None, bool]:
    """What a split asks for: (name of the eval split or None, train wanted). UserError for an unknown
    split."""
    if split == ALL:
        card.split("train")
        return "eval", True
    if split == "eval" and "eval" not in card.splits:
        return "eval", False  # held out from train
    name = card.split(split).name
    return (None, True) if name == "train" else (name, False)


def build(request: Request, store: c.Store) -> Built:
    """Reads, holds out, stores images, and makes the prompts tables. Raises UserError when nothing is
    left."""
    card = check(request)
    asked = styles(card, request.style)
    eval_name, wants_train = roles(card, request.split)
    keep = _once(store)
    evaluated = _evaluation(request, card, eval_name, keep) if eval_name else None
    trained = _train(request, card, evaluated, keep) if wants_train else None
    done = [role for role in (evaluated, trained) if role is not None]
    tables = [prompts(role.rows.rows.table(), card, asked) if role else None for role in (trained, evaluated)]
    skipped = [row for role in done for row in role.rows.skipped]
    if "eval" not in card.splits:  # both roles read the same rows
        skipped = list(dict.fromkeys(skipped))
    reasons = Counter(c.kind(row.reason) for row in skipped)
    if len(done) == 1:
        reasons.update({why: done[0].rows.reasons[why] for why in c.QUIET if why in done[0].rows.reasons})
    return Built(card, tables[0], tables[1], tuple(skipped), dict(reasons))


@dataclass(frozen=True)
class _Role:
    source: Source
    rows: c.Collected


def _evaluation(request: Request, card: Card, name: str, store: c.Store) -> _Role:
    """Rows of an eval split, or those held out from train. A limit takes a seeded sample."""
    limit = request.eval_limit if request.split == ALL else request.limit
    held_out = name not in card.splits
    source = open_source(card, "train" if held_out else name, request.data_dir, request.revisions)
    decide = c.by_hash(False, request.hold_out) if held_out else c.split_eval
    found = c.collect(source, decide, store, limit, request.seed, request.fetch)
    if not (held_out and request.split == ALL):  # a small set may hold nothing out; the caller sees zero rows
        c.refuse_empty(found, source)
    return _Role(source, found)


def _train(request: Request, card: Card, evaluated: _Role | None, store: c.Store) -> _Role:
    """Rows to train on: the first `limit` whose images are not evaluated on."""
    source = open_source(card, "train", request.data_dir, request.revisions)
    if "eval" in card.splits:
        decide = c.split_train(_eval_images(request, card, evaluated))
    else:
        decide = c.by_hash(True, request.hold_out)
    found = c.collect(source, decide, store, request.limit, fetch=request.fetch)
    c.refuse_empty(found, source)
    return _Role(source, found)


def _eval_images(request: Request, card: Card, evaluated: _Role | None) -> set[str]:
    """Images that must not be trained on: of the whole eval split where it is at hand, even if only a sample
    of it is evaluated. From the hub only the sample is known: reading all of it would download all of it."""
    known = evaluated.rows.image_ids if evaluated else set()
    complete = evaluated is not None and request.eval_limit is None
    if complete or not at_hand(request, card):
        return known
    try:
        return known | c.image_ids(open_source(card, "eval", request.data_dir), request.fetch)
    except UserError:
        if evaluated is None:  # a mirror may hold the train split only
            return known
        raise


def at_hand(request: Request, card: Card) -> bool:
    """Whether the eval split can be read without downloading it."""
    return bool(card.generator or request.data_dir or card.split("eval").files)


def _once(store: c.Store) -> c.Store:
    """Passes every distinct image on once, whichever role brings it first."""
    seen: set[str] = set()

    def keep(name: str, data: bytes, info: tuple[int, int, str]) -> None:
        if name not in seen:
            seen.add(name)
            store(name, data, info)

    return keep
