"""From sources to the light rows of a run: roles given out, images stored once, every row left out counted.

Images pass through one at a time; what stays in memory is text and hashes.
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
    """A row that was left out: where it is and why. `data`: the row itself is at fault."""

    origin: str
    reason: str
    data: bool = True


@dataclass
class Collected:
    """Light rows of one role and what was left out on the way."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    image_ids: set[str] = field(default_factory=set)
    infos: dict[str, tuple[int, int, str] | str] = field(default_factory=dict, repr=False)
    """Width, height and format of every image seen, or why it cannot be read: rows share images."""

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(sorted(self.rows, key=lambda row: row["row_index"]), schema=ROWS)


def collect(
    source: Source, decide: Decide, store: Store, limit: int | None = None, seed: int | None = None
) -> Collected:
    """The rows that `decide` wants. `limit` alone: the first ones, reading no further. With `seed`: a fixed
    sample, in the order of sha256(seed, row number), so that a sorted file does not bias it."""
    found = Collected()
    if limit is None or seed is None:
        _take(source.rows(), decide, store, found, limit)
        return found
    order = sampled(candidates(source, decide), seed)
    while order and len(found.rows) < limit:
        missing = limit - len(found.rows)
        chunk, order = order[:missing], order[missing:]
        _take(source.rows(frozenset(chunk)), decide, store, found, None)
    return found


def sampled(indexes: Iterable[int], seed: int) -> list[int]:
    """Row numbers in the order of sha256("seed:row")."""
    return sorted(indexes, key=lambda index: hashlib.sha256(f"{seed}:{index}".encode()).digest())


def candidates(source: Source, decide: Decide) -> Iterable[int]:
    """Row numbers to sample from: all of them where roles are given by the split, else those whose images
    have the role, which takes reading them."""
    total = source.total()
    if total is not None and source.card.splits.get("eval") is not None:
        return range(total)
    return [row.row_index for row in source.rows() if row.error is None and decide(_ids(row))[0] is not None]


def image_ids(source: Source) -> set[str]:
    """Ids of all images of a source."""
    return {found for row in source.rows() for found in _ids(row)}


def _ids(row: SourceRow) -> list[str]:
    return [image_id(data) for data in row.images]


def _take(rows: Iterator[SourceRow], decide: Decide, store: Store, found: Collected, limit: int | None) -> None:
    if limit is not None and limit <= 0:
        return
    for row in rows:
        reason, data = row.error, True
        if reason is None:
            reason, data = _use(row, decide, store, found)
        if reason is not None:
            found.reasons[kind(reason)] += 1
            if reason not in QUIET:
                found.skipped.append(Skipped(row.origin, reason, data))
        if limit is not None and len(found.rows) >= limit:
            return


def _info(data: bytes) -> tuple[int, int, str] | str:
    try:
        return image_info(data)
    except ImageError as error:
        return str(error)


def _use(row: SourceRow, decide: Decide, store: Store, found: Collected) -> tuple[str | None, bool]:
    """Adds the row and its images; answers (reason, the row is at fault) when it cannot."""
    ids = _ids(row)
    for name, data in zip(ids, row.images, strict=True):
        if name not in found.infos:
            found.infos[name] = _info(data)
    infos = [found.infos[name] for name in ids]
    broken = next((info for info in infos if isinstance(info, str)), None)
    if broken is not None:
        return f"unreadable image: {broken}", True
    role, reason = decide(ids)
    if role is None:
        return reason, False
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
    return None, False


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


def refuse_empty(found: Collected, source: Source) -> None:
    """One line for a source that left nothing: the commonest reasons, each with the first place it
    occurred."""
    if found.rows:
        return
    first: dict[str, Skipped] = {}
    for row in found.skipped:
        first.setdefault(kind(row.reason), row)
    reasons = []
    for why, count in found.reasons.most_common(3):
        example = f" (first at {first[why].origin}: {first[why].reason})" if why in first else ""
        reasons.append(f"{count} x {why}{example}")
    raise UserError(f"{source.where}: no usable rows" + (": " + "; ".join(reasons) if reasons else "; it is empty"))


def kind(reason: str) -> str:
    """What a reason is counted under: its text before the first colon, without the row's own details."""
    return reason.split(": ", 1)[0]
