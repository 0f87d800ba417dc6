"""Reads a card from YAML: every field checked, every error names the file and the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge.datasets.card import METRICS, STYLES, Card, Place, Published, Split
from halo_forge.errors import UserError, nearest


def parse_card(text: str, path: str) -> Card:
    """A card from YAML text, every field checked. Raises UserError naming the file and the field."""
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: a card is a YAML mapping of fields")
    known = set(Card.__dataclass_fields__) - {"path", "chosen", "plain"}
    for key in data:
        if key not in known:
            raise UserError(f"{path}: unknown field {key!r}; {nearest(str(key), known)}")
    return _build(data, path)


def _build(data: dict[str, Any], path: str) -> Card:
    reader = _Reader(data, path)
    card = Card(
        name=reader.text("name", required=True),
        task=reader.text("task"),
        metric=reader.text("metric") or "match",
        threshold=reader.number("threshold", 0.9),
        style=reader.text("style") or "grounded",
        prompts={str(k): str(v) for k, v in reader.mapping("prompts", required=True).items()},
        columns={str(k): reader.texts(f"columns.{k}", v) for k, v in reader.mapping("columns", required=True).items()},
        splits={str(k): _split(reader, str(k), v) for k, v in reader.mapping("splits").items()},
        licence=reader.text("licence") or "unknown",
        licence_note=reader.text("licence_note"),
        trainable=reader.flag("trainable", True),
        why=reader.text("why"),
        generator=reader.text("generator") or None,
        labels={str(k): _labels(reader, str(k), v) for k, v in reader.mapping("labels").items()},
        keep=reader.flag("keep", False),
        choices_in_question=reader.flag("choices_in_question", False),
        instructions=reader.texts("instructions", data.get("instructions") or ()),
        min_pixels=reader.pixels("min_pixels"),
        max_pixels=reader.pixels("max_pixels"),
        published=tuple(_published(reader, row) for row in data.get("published") or ()),
        breakdown=reader.texts("breakdown", data.get("breakdown") or ()),
        defaults=reader.mapping("defaults"),
        reasoning=reader.text("reasoning"),
        path=path,
    )
    _check(card, reader)
    return card


def _check(card: Card, reader: _Reader) -> None:
    """What one field alone cannot show."""
    if card.metric not in METRICS:
        raise reader.error("metric", f"{card.metric!r} is none of {', '.join(METRICS)}")
    for style, template in card.prompts.items():
        if style not in STYLES:
            raise reader.error("prompts", f"style {style!r} is none of {', '.join(STYLES)}")
        if not any("{" + name + "}" in template for name in ("question", *card.columns)):
            raise reader.error(f"prompts.{style}", "has no {question} placeholder")
    if len(set(card.prompts.values())) != len(card.prompts):
        raise reader.error("prompts", "two styles have the same text; leave one out")
    if card.style not in card.prompts:
        raise reader.error("style", f"{card.style!r} has no prompt")
    if not 0 < card.threshold <= 1:
        raise reader.error("threshold", "must be above 0 and at most 1")
    for name in ("image", "question"):
        if name not in card.columns:
            raise reader.error("columns", f"{name} is missing")
    if not card.trainable and not card.why:
        raise reader.error("why", "say why training is not allowed")


def _split(reader: _Reader, name: str, data: Any) -> Split:
    where = f"splits.{name}"
    if not isinstance(data, dict):
        raise reader.error(where, "must be a mapping with hub, or file")
    known = ("hub", "config", "split", "rows", "answers", "also", "file", "files")
    for key in data:
        if key not in known:
            raise reader.error(where, f"unknown field {key!r}; known: {', '.join(known)}")
    split = str(data.get("split") or name)
    places = [data, *(data.get("also") or ())] if data.get("hub") else []
    files = reader.texts(f"{where}.file", data.get("file") or data.get("files") or ())
    folder = Path(reader.path).parent
    return Split(
        name=name,
        split=split,
        places=tuple(Place(str(p["hub"]), p.get("config"), str(p.get("split") or split)) for p in places),
        files=tuple(str(folder / Path(file).expanduser()) for file in files),
        rows=data.get("rows"),
        answers=bool(data.get("answers", True)),
    )


def _labels(reader: _Reader, name: str, data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        raise reader.error(f"labels.{name}", "must map the set's values to ours")
    return {str(key): str(value) for key, value in data.items()}


def _published(reader: _Reader, row: Any) -> Published:
    try:
        return Published(str(row["model"]), float(row["score"]), str(row["split"]), str(row["source"]))
    except (KeyError, TypeError, ValueError):
        raise reader.error("published", "each entry has model, score, split and source") from None


@dataclass(frozen=True)
class _Reader:
    """Typed access to the fields of one YAML file."""

    data: Mapping[str, Any]
    path: str

    def error(self, name: str, what: str) -> UserError:
        return UserError(f"{self.path}: field {name}: {what}")

    def text(self, name: str, required: bool = False) -> str:
        value = self.data.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or not value.strip():
            raise self.error(name, "must be text")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.data.get(name, default)
        if not isinstance(value, bool):
            raise self.error(name, "must be true or false")
        return value

    def number(self, name: str, default: float) -> float:
        value = self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(name, "must be a number")
        return float(value)

    def pixels(self, name: str) -> int | None:
        value = self.data.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise self.error(name, "must be a whole number of pixels (width x height)")
        return value

    def mapping(self, name: str, required: bool = False) -> dict[str, Any]:
        value = self.data.get(name)
        if value is None and not required:
            return {}
        if not isinstance(value, dict):
            raise self.error(name, "must be a mapping")
        return value

    def texts(self, name: str, value: Any) -> tuple[str, ...]:
        values = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(item, str) for item in values):
            raise self.error(name, "must be text or a list of texts")
        return tuple(values)
