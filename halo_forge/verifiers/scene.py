"""What the eyes saw in one image: boxes, lines of text, and what the detector could have said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Box:
    """One detected object; corners in pixels, origin top left."""

    label: str
    confidence: float
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Line:
    """One line of recognised text; corners in pixels, origin top left."""

    text: str
    confidence: float
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Scene:
    """Evidence for one image. `vocabulary` None: the detector has no closed list, so absence proves nothing.
    `read` False: no OCR ran, so `texts` says nothing."""

    width: int
    height: int
    objects: tuple[Box, ...] = ()
    texts: tuple[Line, ...] = ()
    vocabulary: frozenset[str] | None = None
    read: bool = True

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Scene:
        """Build from one row of the evidence table; missing optional columns mean "not looked at"."""
        vocabulary = row.get("vocabulary")
        read = row.get("texts") is not None and row.get("ocr", "") not in ("none",)
        return cls(
            width=int(row.get("width") or 0),
            height=int(row.get("height") or 0),
            objects=tuple(_boxes(row.get("objects") or ())),
            texts=tuple(_lines(row.get("texts") or ())),
            vocabulary=None if vocabulary is None else frozenset(str(v).casefold() for v in vocabulary),
            read=bool(read),
        )


def _boxes(rows: Iterable[Mapping[str, Any]]) -> Iterable[Box]:
    for r in rows:
        yield Box(str(r["label"]).casefold(), float(r["confidence"]), *_corners(r))


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    for r in rows:
        yield Line(str(r["text"]), float(r["confidence"]), *_corners(r))


def _corners(r: Mapping[str, Any]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(r[k]) for k in ("x1", "y1", "x2", "y2"))
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
