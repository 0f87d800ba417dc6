"""From sources to the light rows of a run: roles given out, images stored once, every row left out counted.

Images pass through one at a time; what stays in memory is text and hashes, in Arrow's form: some 400 bytes a row.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from halo_forge.datasets import holdout
from halo_forge.datasets.row_images import Fetch
from halo_forge.datasets.rows import SourceRow
from halo_forge.datasets.sources import Source
from halo_forge.errors import UserError
from halo_forge.images import ImageError, image_id, image_info

ROWS = pa.schema(
    [
        ("split", pa.string()),
        ("row_index", pa.int64()),
        ("image_ids", pa.list_(pa.string())),
        ("question", pa.string()),
        ("answers", pa.list_(pa.string())),
        ("choices", pa.list_(pa.string())),
        ("answer_type", pa.string()),
        ("extra", pa.string()),
    ]
)
"""Rows of a source with ids in place of images: what the pure part of the prompts stage takes."""

BATCH = 4096  # rows that are Python objects at once

OTHER_HALF = "its images fall into both dev and test"
MIXED = "its images fall into both train and eval"
IN_EVAL = "an image of it is in the eval set"
HELD_OUT = "held out for eval"
FOR_TRAIN = "kept for training"
QUIET = (HELD_OUT, FOR_TRAIN)  # not a loss: the row is in the other role

Decide = Callable[[list[str]], tuple[str | None, str | None]]
"""Image ids of a row -> (role, None) to use it, or (None, reason) to leave it out."""
Store = Callable[[str, bytes, tuple[int, int, str]], None]
"""Takes an image that a used row needs: id, bytes, (width, height, format)."""


@dataclass(frozen=True)
class Skipped:
    """A row that was left out: where it is and why. `kind`: `data` (the row itself is at fault), `transient` (its
    image could not be fetched this time), None (it is fine, and has no place in this role)."""

    origin: str
    reason: str
    kind: str | None = "data"


class Rows:
    """Light rows by `append`, kept as Arrow batches."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._fresh: list[dict[str, Any]] = []

    def append(self, row: dict[str, Any]) -> None:
        """Add a row of `ROWS`."""
        self._fresh.append(row)
        if len(self._fresh) >= BATCH:
            self._pack()

    def _pack(self) -> None:
        self._batches.append(pa.RecordBatch.from_pylist(self._fresh, schema=ROWS))
        self._fresh = []

    def __len__(self) -> int:
        return sum(batch.num_rows for batch in self._batches) + len(self._fresh)

    def table(self) -> pa.Table:
        """All rows, in the order of their source."""
        if self._fresh:
            self._pack()
        table = pa.Table.from_batches(self._batches, schema=ROWS)
        places = table["row_index"].to_numpy()
        return table if (places[1:] > places[:-1]).all() else table.sort_by("row_index")


@dataclass
class Collected:
    """Light rows of one role and what was left out on the way."""

    rows: Rows = field(default_factory=Rows)
    skipped: list[Skipped] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    image_ids: set[str] = field(default_factory=set)
    infos: dict[str, tuple[int, int, str] | str] = field(default_factory=dict, repr=False)
    """Width, height and format of every image seen, or why it cannot be read: rows share images."""


def collect(
    source: Source,
    decide: Decide,
    store: Store,
    limit: int | None = None,
    seed: int | None = None,
    fetch: Fetch | None = None,
) -> Collected:
    """The rows that `decide` wants. `limit` alone: the first ones, reading no further. With `seed`: a fixed
    sample, in the order of sha256(seed, row number), so that a sorted file does not bias it. `fetch`: how image
    URLs are read."""
    found = Collected()
    if limit is None or seed is None:
        _take(source.rows(None, fetch), decide, store, found, limit)
        return found
    order = sampled(candidates(source, decide, fetch), seed)
    while order and len(found.rows) < limit:
        missing = limit - len(found.rows)
        chunk, order = order[:missing], order[missing:]
        _take(source.rows(frozenset(chunk), fetch), decide, store, found, None)
    return found


def sampled(indexes: Iterable[int], seed: int) -> list[int]:
    """Row numbers in the order of sha256("seed:row")."""
    return sorted(indexes, key=lambda index: hashlib.sha256(f"{seed}:{index}".encode()).digest())


def candidates(source: Source, decide: Decide, fetch: Fetch | None = None) -> Iterable[int]:
    """Row numbers to sample from: all of them where roles are given by the split, else those whose images
    have the role, which takes reading them."""
    total = source.total()
    if total is not None and source.card.splits.get("eval") is not None:
        return range(total)
    rows = source.rows(None, fetch)
    return [row.row_index for row in rows if row.error is None and decide(_ids(row))[0] is not None]


def image_ids(source: Source, fetch: Fetch | None = None) -> set[str]:
    """Ids of all images of a source."""
    return {found for row in source.rows(None, fetch) for found in _ids(row)}


def _ids(row: SourceRow) -> list[str]:
    return [image_id(data) for data in row.images]


def _take(rows: Iterator[SourceRow], decide: Decide, store: Store, found: Collected, limit: int | None) -> None:
    if limit is not None and limit <= 0:
        return
    for row in rows:
        reason, at_fault = row.error, row.error_kind if row.error else None
        if reason is None:
            reason, at_fault = _use(row, decide, store, found)
        if reason is not None:
            found.reasons[kind(reason)] += 1
            if reason not in QUIET:
                found.skipped.append(Skipped(row.origin, reason, at_fault))
        if limit is not None and len(found.rows) >= limit:
            return


def _info(data: bytes) -> tuple[int, int, str] | str:
    try:
        return image_info(data)
    except ImageError as error:
        return str(error)


def _use(row: SourceRow, decide: Decide, store: Store, found: Collected) -> tuple[str | None, str | None]:
    """Adds the row and its images; answers (reason, kind of error) when it cannot."""
    ids = _ids(row)
    for name, data in zip(ids, row.images, strict=True):
        if name not in found.infos:
            found.infos[name] = _info(data)
    infos = [found.infos[name] for name in ids]
    broken = next((info for info in infos if isinstance(info, str)), None)
    if broken is not None:
        return f"unreadable image: {broken}", "data"
    role, reason = decide(ids)
    if role is None:
        return reason, None
    for name, data, info in zip(ids, row.images, infos, strict=True):
        if name not in found.image_ids and not isinstance(info, str):
            store(name, data, info)
            found.image_ids.add(name)
    found.rows.append(
        {
            "split": role,
            "row_index": row.row_index,
            "image_ids": ids,
            "question": row.question,
            "answers": None if row.answers is None else list(row.answers),
            "choices": None if row.choices is None else list(row.choices),
            "answer_type": row.answer_type,
            "extra": json.dumps(row.extra, sort_keys=True, ensure_ascii=False, separators=(",", ":")),
        }
    )
    return None, None


def split_eval(ids: list[str]) -> tuple[str | None, str | None]:
    """For a set with its own eval split: the half of eval that all images of the row are in."""
    half = holdout.common_role(holdout.eval_half(name) for name in ids)
    return (half, None) if half else (None, OTHER_HALF)


def split_train(eval_ids: set[str]) -> Decide:
    """For a set with its own train split: rows none of whose images is evaluated on."""

    def decide(ids: list[str]) -> tuple[str | None, str | None]:
        return (None, IN_EVAL) if not eval_ids.isdisjoint(ids) else (holdout.TRAIN, None)

    return decide


def by_hash(train: bool, share: float) -> Decide:
    """For a set with one split: the role that all images of the row have by their hash."""

    def decide(ids: list[str]) -> tuple[str | None, str | None]:
        found = holdout.common_role(holdout.role(name, share) for name in ids)
        if found is None:
            return None, MIXED
        if (found == holdout.TRAIN) == train:
            return found, None
        return None, HELD_OUT if train else FOR_TRAIN

    return decide


class NothingLeft(UserError):
    """A source without a usable row."""


def refuse_empty(found: Collected, source: Source) -> None:
    """One line for a source that left nothing: the commonest reasons, each with the first place it
    occurred."""
    if found.rows:
        return
    if found.reasons and set(found.reasons) == {FOR_TRAIN}:
        rows = found.reasons[FOR_TRAIN]
        raise NothingLeft(
            f"{source.where}: none of its {rows} rows is held out: raise --hold-out, or name a split with --eval-split"
        )
    first: dict[str, Skipped] = {}
    for row in found.skipped:
        first.setdefault(kind(row.reason), row)
    reasons = []
    for why, count in found.reasons.most_common(3):
        example = f" (first at {first[why].origin}: {first[why].reason})" if why in first else ""
        reasons.append(f"{count} x {why}{example}")
    raise NothingLeft(f"{source.where}: no usable rows" + (": " + "; ".join(reasons) if reasons else "; it is empty"))


def kind(reason: str) -> str:
    """What a reason is counted under: its text before the first colon, without the row's own details."""
    return reason.split(": ", 1)[0]
