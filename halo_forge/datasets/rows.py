"""From a raw row (a dict of whatever the file holds) to a `SourceRow`; a bad row becomes its `error`, never a
crash.

Everything here is untrusted: paths stay under the folder of the file, URLs are fetched only where that was asked
for, sizes are capped, and image bytes are passed on exactly as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halo_forge.datasets.card import Card
from halo_forge.datasets.row_images import Fetch, RowError, images_of, kind_of

MAX_TEXT = 20_000
"""Characters of question and options together, and of one answer: some 5,000 tokens. More is a document that
slipped into the wrong column. What a model's context cannot hold is refused by `generate`, prompt by prompt."""
MAX_ITEMS = 1_000
"""Answers or options of one row."""
NAMED = ("image", "question", "answers", "choices", "answer_type")
OPTION = re.compile(r"\(?([A-Z])[.):]\s+(\S.*)")


@dataclass(frozen=True)
class SourceRow:
    """One question as its source holds it. `images` are encoded bytes; `answers` None: no ground truth;
    `origin` is `file:row` for messages; `error` is set where the row cannot be used, `error_kind` says whether
    for good (data) or for now (transient)."""

    row_index: int
    images: tuple[bytes, ...] = ()
    question: str = ""
    answers: tuple[str, ...] | None = None
    choices: tuple[str, ...] | None = None
    answer_type: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    error: str | None = None
    error_kind: str = "data"


def to_row(
    raw: Mapping[str, Any], card: Card, row_index: int, origin: str, root: Path | None, fetch: Fetch | None = None
) -> SourceRow:
    """Reads one raw row by the card's columns. `root`: the folder that image paths may not leave (None: no
    paths); `fetch`: how image URLs are read (None: they are not)."""
    names = card.columns["image"]
    try:
        question = _question(raw, card)
        choices = _choices(pick(raw, card.columns.get("choices", ())))
        if choices is None and card.choices_in_question:
            choices = choices_in(question)
        answers = _answers(pick(raw, card.columns.get("answers", ())))
        answer_type = pick(raw, card.columns.get("answer_type", ()))
        extra = _extra(raw, card)
        _bounded(question, choices, [str(extra[name]) for name in card.columns if name in extra])
        return SourceRow(
            row_index=row_index,
            images=tuple(images_of(pick(raw, names), names, root, fetch)),
            question=question,
            answers=answers,
            choices=choices,
            answer_type=None if answer_type is None else _text(answer_type, "answer_type"),
            extra=extra,
            origin=origin,
        )
    except RowError as error:
        return SourceRow(row_index, origin=origin, error=str(error), error_kind=error.kind)


def _bounded(question: str, choices: tuple[str, ...] | None, others: list[str]) -> None:
    """RowError where the texts that a prompt may show are more than anyone asks about a picture."""
    longest = max((len(text) for text in others), default=0)
    size = max(len(question), longest) + sum(len(choice) for choice in choices or ())
    if size > MAX_TEXT:
        raise RowError(f"prompt too long: {size:,} characters, at most {MAX_TEXT:,} are read")


def choices_in(question: str) -> tuple[str, ...] | None:
    """Options that a question lists on lines of their own, lettered from A: `A. left`, `(B) right`, … or
    None."""
    found: list[str] = []
    for line in question.splitlines():
        match = OPTION.fullmatch(line.strip())
        if match and match[1] == chr(ord("A") + len(found)):
            found.append(match[2].strip())
    return tuple(found) if len(found) > 1 else None


def pick(raw: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first column among `names` that is there and not null; a dot goes into a struct."""
    for name in names:
        value: Any = raw.get(name)
        if name not in raw and "." in name:
            value = raw
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and not (isinstance(value, float) and math.isnan(value)):
            return value
    return None


def _question(raw: Mapping[str, Any], card: Card) -> str:
    names = card.columns["question"]
    value = pick(raw, names)
    if value is None and not any(name in raw for name in names):
        has = ", ".join(repr(str(key)[:40]) for key in list(raw)[:20])
        raise RowError(f"no question: looked for {', '.join(names)}; the row has {has or 'nothing'}")
    if not isinstance(value, str | None):
        raise RowError(f"the question is {kind_of(value)}, not text")
    if value is None or not value.strip():
        raise RowError("empty question")
    return _unicode(value)


def _answers(value: Any) -> tuple[str, ...] | None:
    """All reference answers; None for null and for the empty strings that stand for hidden answers."""
    if value is None:
        return None
    found: list[str] = []
    for item in _listed(value, "answers"):
        if isinstance(item, Mapping) and isinstance(item.get("answer"), str):  # VQAv2 keeps a struct per person
            item = item["answer"]
        if isinstance(item, bool):
            found.extend(("yes", "true") if item else ("no", "false"))
        elif item is not None:
            found.append(_text(item, "answer"))
    if any(len(item) > MAX_TEXT for item in found):
        raise RowError(f"answer too long: {max(map(len, found)):,} characters, at most {MAX_TEXT:,} are read")
    return tuple(found) if any(item.strip() for item in found) else None


def _choices(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, Mapping):
        value = [value[key] for key in sorted(value) if value[key] is not None]
    if value is None or (isinstance(value, list | tuple) and not value):
        return None
    if not isinstance(value, list | tuple):
        raise RowError(f"the choices are {kind_of(value)}, not a list")
    return tuple(_text(item, "choice") for item in _listed(value, "choices"))


def _listed(value: Any, what: str) -> list[Any]:
    """The values of a column of one or many."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) > MAX_ITEMS:
        raise RowError(f"too many {what}: {len(values):,}, at most {MAX_ITEMS:,} are read")
    return values


def _extra(raw: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """The card's other columns; with `keep` also what nobody asked for, bytes left out."""
    found = {name: plain(pick(raw, names)) for name, names in card.columns.items() if name not in NAMED}
    for name, labels in card.labels.items():
        if str(found.get(name)) in labels:
            found[name] = labels[str(found[name])]
    if card.keep:
        used = {name for names in card.columns.values() for name in names}
        found |= {_unicode(str(k)): plain(v) for k, v in raw.items() if k not in used and not isinstance(v, bytes)}
    return {name: value for name, value in found.items() if value is not None}


def plain(value: Any) -> Any:
    """The value as JSON can hold it; bytes and NaN are None, dates and decimals text."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes | bytearray) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _text(value: Any, what: str) -> str:
    """Text of a scalar: numbers as people write them (3.0 is 3, as a table with gaps stores whole
    numbers)."""
    if isinstance(value, str):
        return _unicode(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RowError(f"the {what} is {value}")
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, list | tuple | Mapping | bytes):
        raise RowError(f"the {what} is {kind_of(value)}, not text or a number")
    return str(value)


def _unicode(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise RowError("text with half a surrogate pair, which is not Unicode") from None
    return text
