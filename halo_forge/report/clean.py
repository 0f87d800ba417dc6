"""Text of datasets and models for a page: what is invisible or turns the line around is shown by its name."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff\U0001fffe\U0001ffff\U0010fffe\U0010ffff]"
)
_MARKUP = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def visible(text: str | None) -> str:
    """`text` with control, format and broken characters as signs that can be seen: NUL is ␀, an override ⟨U+202E⟩."""
    return _UNSEEN.sub(_sign, (text or "").replace("\r\n", "\n"))


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\n" if code in (0x2028, 0x2029) else f"⟨U+{code:04X}⟩"


def short(text: str | None, longest: int) -> str:
    """The visible text, at most so many characters of it."""
    text = text or ""
    return visible(text) if len(text) <= longest else visible(text[: longest - 1]) + "…"


def segments(text: str, spans: Sequence[tuple[int, int]]) -> list[list[Any]]:
    """`text` in pieces, each with the numbers of the spans (start, end, in characters) that cover it."""
    inside = [(number, max(0, start), min(len(text), end)) for number, (start, end) in enumerate(spans)]
    inside = [one for one in inside if one[1] < one[2]]
    cuts = sorted({0, len(text), *(place for _, start, end in inside for place in (start, end))})
    pieces: list[list[Any]] = []
    for begin, stop in pairwise(cuts):
        over = [number for number, start, end in inside if start <= begin and stop <= end]
        pieces.append([visible(text[begin:stop]), over])
    return pieces


def script_json(value: Any) -> str:
    """JSON that may stand inside a <script> element: no character of it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_MARKUP)
