"""A chart of the page with its numbers, and how numbers are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from halo_forge.report.clean import short

Row = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """A figure: what it shows, how it is drawn, and the same numbers as a table."""

    title: str
    note: str
    """One sentence: how to read it."""
    spec: dict[str, Any] | None
    """None: the table alone."""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: bool = False
    open: bool = False
    """Whether the table is shown without being asked for."""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns are numbers, and so aligned to the right."""
        return tuple(all(_number_like(row[i]) for row in self.rows) and bool(self.rows) for i in range(len(self.head)))


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    lead: str = ""
    charts: tuple[Chart, ...] = ()
    missing: tuple[str, ...] = ()
    """What cannot be shown, and why."""
    warnings: tuple[str, ...] = field(default=())


def table(title: str, note: str, head: Sequence[str], rows: Sequence[Sequence[Any]], **more: Any) -> Chart:
    """Numbers without a drawing."""
    return Chart(title, note, None, tuple(head), cells(rows), open=True, **more)


def cells(rows: Sequence[Sequence[Any]], longest: int = 300) -> tuple[tuple[str, ...], ...]:
    """Values as they are written in a table."""
    return tuple(tuple(cell(value, longest) for value in row) for row in rows)


def cell(value: Any, longest: int = 300) -> str:
    """One value: numbers with a few digits, nothing as a dash, text made visible."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value)
    return short(str(value), longest)


def number(value: float | None, digits: int = 3) -> str:
    """A number to a few significant digits, thousands apart."""
    if value is None or value != value:
        return "–"
    return (
        f"{value:,.0f}"
        if abs(value) >= 1000
        else f"{value:.{digits}g}"
        if abs(value) >= 1e-4 or not value
        else f"{value:.1e}"
    )


def percent(value: float | None) -> str:
    """A share as points: 0.4556 is 45.6 %."""
    return "–" if value is None else f"{100 * value:.1f} %"


def points(value: float | None) -> str:
    """A difference of shares as points, with its sign."""
    return "–" if value is None else f"{100 * value:+.1f}".replace("-", "−")


def span(low: float | None, high: float | None, signed: bool = False) -> str:
    """An interval in points."""
    if low is None or high is None:
        return "–"
    return f"{points(low)} to {points(high)}" if signed else f"{100 * low:.1f} to {100 * high:.1f}"


def seconds(value: float) -> str:
    """Seconds as a person says them."""
    if value < 90:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    minutes = value / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _number_like(text: str) -> bool:
    return text == "–" or (text.lstrip("+−-")[:1].isdigit() and len(text) < 30)
