"""Kinds of charts: each takes rows of plain values and gives a Vega-Lite specification for `drawing.svg`.

A row has `x`, `y`, and where it matters `series`, `low`, `high`, `tip` (what the mark says when pointed at).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halo_forge.report.clean import short

Row = dict[str, Any]
Spec = dict[str, Any]
COLOURS = ("var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)")
GOOD_BAD = ("var(--good)", "var(--bad)", "var(--none)")
STEP = 40
"""Height of a bar with the label above it."""
LONGEST = 60
"""Characters of a label."""


def line(
    rows: Sequence[Row],
    x: str,
    form: str = ".0%",
    colours: Sequence[str] = COLOURS,
    zero: bool = False,
    top: float | None = None,
    ordinal: bool = True,
    points: bool = True,
    log: bool = False,
) -> Spec:
    """Lines over x, with intervals where rows have them. `form`: d3 format of the y axis; `top`: its end."""
    scale: Spec = {"zero": zero, "nice": True}
    if top is not None:
        scale |= {"domain": [0 if zero else min(0.0, *(r["y"] for r in rows)), top]}
    across: Spec = {
        "field": "x",
        "type": "ordinal" if ordinal else "quantitative",
        "title": x,
        "axis": {"titlePadding": 4, "labelFlush": False},
    }
    if log:
        across["scale"] = {"type": "log", "base": 2}
        across["axis"] |= {"values": sorted({r["x"] for r in rows}), "format": "d"}
    up = {"field": "y", "type": "quantitative", "title": None, "scale": scale, "axis": {"format": form}}
    shared = {"x": across, "color": _colour(rows, colours)}
    layers: list[Spec] = []
    if any(r.get("low") is not None for r in rows):
        bounds = {"y": {**up, "field": "low"}, "y2": {"field": "high"}, **shared}
        layers.append(
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "aria": False, "strokeWidth": 6, "opacity": 0.25, "strokeCap": "round"},
                "encoding": bounds,
            }
        )
    layers.append({"mark": {"type": "line", "aria": False, "strokeWidth": 2}, "encoding": {**shared, "y": up}})
    size = 46 if points else 8
    dots = {**shared, "y": up, "description": {"field": "tip"}}
    layers.append({"mark": {"type": "point", "filled": True, "opacity": 1, "size": size}, "encoding": dots})
    return {"data": {"values": _plain(rows)}, "layer": layers}


def bars(rows: Sequence[Row], form: str = "~s", colours: Sequence[str] = COLOURS, x: str | None = None) -> Spec:
    """Horizontal bars, each under its label (`y`), stacked by series; in the order of the rows."""
    names = list(dict.fromkeys(short(r["y"], LONGEST) for r in rows))
    down: Spec = {
        "field": "y",
        "type": "nominal",
        "title": None,
        "sort": names,
        "scale": {"paddingInner": 0.62, "paddingOuter": 0.4},
        "axis": {
            "labelAlign": "left",
            "labelPadding": -2,
            "labelOffset": -0.37 * STEP,
            "labelLimit": 350,
            "labelColor": "var(--ink)",
            "zindex": 1,
        },
    }
    plain = _plain(rows)
    order = list(dict.fromkeys(row.get("series", "") for row in plain))
    values = [row | {"order": order.index(row.get("series", ""))} for row in plain]
    encoding: Spec = {
        "y": down,
        "x": {
            "field": "x",
            "type": "quantitative",
            "title": x,
            "axis": {"format": form, "grid": True, "tickCount": 4, "domain": False},
        },
        "color": _colour(rows, colours),
        "order": {"field": "order"},
        "description": {"field": "tip"},
    }
    return {
        "data": {"values": values},
        "height": STEP * len(names) + (58 if encoding["color"].get("scale") else 34),
        "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 1, "cornerRadius": 1},
        "encoding": encoding,
    }


def dots(
    rows: Sequence[Row],
    form: str,
    colours: Sequence[str] = COLOURS,
    domain: Sequence[float] | None = None,
    line_at: float | None = None,
) -> Spec:
    """A dot for each row and series beside its label (`y`), with its interval; a thin line at `line_at`."""
    names = list(dict.fromkeys(short(r["y"], LONGEST) for r in rows))
    down = {"field": "y", "type": "nominal", "title": None, "sort": names, "axis": {"grid": True, "labelLimit": 170}}
    scale: Spec = (
        {"domain": list(domain), "zero": False, "nice": False} if domain else {"nice": True, "zero": line_at == 0}
    )
    scale["padding"] = 8
    across = {
        "field": "x",
        "type": "quantitative",
        "title": None,
        "scale": scale,
        "axis": {"format": form, "grid": False, "tickCount": 5},
    }
    colour = _colour(rows, colours)
    series = [name for name in dict.fromkeys(str(r.get("series", "")) for r in rows) if name]
    bounded = any(r.get("low") is not None for r in rows)
    beside: Spec = {"yOffset": {"field": "series", "type": "nominal", "sort": series}} if bounded else {}
    sizes = {"domain": [short(name, LONGEST) for name in series], "range": [110, *[44] * (len(series) - 1)]}
    size: Spec = {"value": 64}
    if len(series) > 1 and not bounded:  # equal values lie on each other: the first dot is a ring around the next
        size = {"field": "series", "type": "nominal", "scale": sizes, "legend": None}
    layers: list[Spec] = []
    if line_at is not None:
        layers.append(
            {
                "data": {"values": [{"at": line_at}]},
                "mark": {"type": "rule", "aria": False, "stroke": "var(--ink-3)", "strokeDash": [3, 3]},
                "encoding": {"x": {"field": "at", "type": "quantitative"}},
            }
        )
    if bounded:
        ends = {"x": {**across, "field": "low"}, "x2": {"field": "high"}}
        layers.append(
            {
                "mark": {"type": "rule", "aria": False, "strokeWidth": 6, "opacity": 0.25, "strokeCap": "round"},
                "encoding": {"y": down, **ends, "color": colour, **beside},
            }
        )
    said = {"color": colour, "size": size, "description": {"field": "tip"}}
    layers.append(
        {
            "mark": {"type": "point", "filled": True, "opacity": 1},
            "encoding": {"y": down, "x": across, **said, **beside},
        }
    )
    legend = 28 if colour.get("scale") else 0
    step = max(30, 22 * len(series)) if bounded else 30
    return {"data": {"values": _plain(rows)}, "height": step * len(names) + 40 + legend, "layer": layers}


def histogram(rows: Sequence[Row], colours: Sequence[str] = GOOD_BAD) -> Spec:
    """Stacked columns from `x` to `x2`, by series."""
    return {
        "data": {"values": _plain(rows)},
        "mark": {"type": "bar", "stroke": "var(--paper)", "strokeWidth": 0.5},
        "encoding": {
            "x": {
                "field": "x",
                "type": "quantitative",
                "bin": {"binned": True},
                "title": "reward",
                "scale": {"domain": [0, 1]},
                "axis": {"tickCount": 5, "format": ".1f"},
            },
            "x2": {"field": "x2"},
            "y": {"field": "y", "type": "quantitative", "title": None, "axis": {"format": "~s"}},
            "color": _colour(rows, colours),
            "description": {"field": "tip"},
        },
    }


def calibration(rows: Sequence[Row]) -> Spec:
    """Share right over mean score, with the diagonal on which a score says what it means."""
    spec = line(rows, "mean score", top=1.0, zero=True, ordinal=False)
    spec["layer"].insert(
        0,
        {
            "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
            "mark": {"type": "line", "aria": False, "stroke": "var(--ink-3)", "strokeDash": [3, 3], "strokeWidth": 1},
            "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
        },
    )
    return spec


def _colour(rows: Sequence[Row], colours: Sequence[str]) -> Spec:
    names = list(dict.fromkeys(str(r.get("series", "")) for r in rows))
    if len(names) < 2:
        return {"value": colours[0]}
    used = [colours[i % len(colours)] for i in range(len(names))]
    return {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": [short(name, LONGEST) for name in names], "range": used},
        "legend": {"columns": 3 if sum(map(len, names)) < 30 else 2},
    }


def _plain(rows: Sequence[Row]) -> list[Row]:
    """Rows with their texts made harmless and short."""
    return [
        {k: short(v, 200 if k == "tip" else LONGEST) if isinstance(v, str) else v for k, v in r.items()} for r in rows
    ]
