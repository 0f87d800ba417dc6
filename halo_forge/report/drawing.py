"""Charts as SVG: Vega-Lite specifications drawn by vl-convert, cut down to shapes and text.

The colours are CSS variables, so that one drawing serves light and dark. What a mark stands for (`tip`) becomes
`data-tip`. Only elements and attributes of the lists below come through: no style, no link, no handler.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from halo_forge.report.clean import visible

WIDTH, HEIGHT = 380, 230
"""Of a chart, in the units of its own view; the page scales it."""
DIGITS = 9
"""Behind the point, of what is drawn."""
FONT = "sans-serif"
MEASURED = 13
"""Pixels of letters when room is made for them; the page writes them at 12, in fonts that may be wider."""
ELEMENTS = {"svg", "g", "path", "line", "rect", "circle", "text", "tspan"}
ATTRIBUTES = {
    "viewBox", "d", "transform", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "dx", "dy",
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-miterlimit",
    "stroke-linecap", "stroke-linejoin", "opacity", "text-anchor",
}  # fmt: skip
_LONG = re.compile(r"-?\d+\.\d{3,}")
GUIDES = {"axis", "legend", "title", "group mark container"}
THEME: dict[str, Any] = {
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--ink-2)",
        "titleColor": "var(--ink-2)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line-2)",
        "tickColor": "var(--line-2)",
        "labelFontSize": MEASURED,
        "titleFontSize": MEASURED,
        "titleFontWeight": "normal",
        "labelAngle": 0,
        "labelOverlap": True,
    },
    "axisY": {"domain": False, "ticks": False, "tickCount": 5},
    "axisX": {"grid": False},
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": "var(--ink-2)",
        "labelFontSize": MEASURED,
        "symbolStrokeWidth": 2,
        "symbolOpacity": 1,
        "columnPadding": 18,
        "rowPadding": 4,
        "labelLimit": 220,
        "offset": 6,
    },
}


def svg(spec: dict[str, Any]) -> str:
    """A specification (its data inside) as an `<svg>` element without size, for a page that gives it one."""
    import vl_convert

    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "height": HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 4,
        "config": THEME,
        **spec,
    }
    drawn = ElementTree.fromstring(vl_convert.vegalite_to_svg(_visible(whole)))
    cleaned = _copy(drawn)
    if cleaned is None:
        raise ValueError("the drawing is no SVG")
    for name in ("width", "height"):
        cleaned.attrib.pop(name, None)
    cleaned.set("aria-hidden", "true")
    cleaned.set("focusable", "false")
    return ElementTree.tostring(cleaned, encoding="unicode")


def _visible(value: Any) -> Any:
    """A specification without control characters, on a NUL of which the renderer ends the whole process, and with
    numbers cut where parallel sums may differ from one query to the next, so that the same run is drawn alike."""
    if isinstance(value, dict):
        return {key: _visible(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_visible(one) for one in value]
    if isinstance(value, float):
        return round(value, DIGITS)
    return visible(value) if isinstance(value, str) else value


def _copy(element: ElementTree.Element) -> ElementTree.Element | None:
    """An element with what is allowed of it; None where nothing of it is seen."""
    name = element.tag.rpartition("}")[2]
    marks = element.attrib
    if name not in ELEMENTS or marks.get("display") == "none" or marks.get("class") in ("background", "foreground"):
        return None
    kept = {key: _rounded(value) for key, value in marks.items() if key in ATTRIBUTES}
    if marks.get("aria-label") and marks.get("aria-roledescription") not in GUIDES:
        kept["data-tip"] = marks["aria-label"]
    if "fill" in kept and "url(" in kept["fill"]:
        del kept["fill"]
    made = ElementTree.Element(name, kept)
    made.text = element.text if name in ("text", "tspan") else None
    for child in element:
        inside = _copy(child)
        if inside is not None:
            made.append(inside)
    if name == "g" and not len(made):
        return None
    return made


def _rounded(value: str) -> str:
    """Coordinates to a hundredth: nobody sees more."""
    if "." not in value:
        return value
    return _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
