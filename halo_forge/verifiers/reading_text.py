"""Is this text in the image? Whole words against OCR lines, digits exact."""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from halo_forge.verifiers.eyes import Eyes

Verdict = tuple[str, float, str]
_UNKNOWN: Verdict = ("unknown", 0.5, "")
SURE = 0.8
"""An OCR line at or above this confidence may contradict."""


def judge_text(value: str, strong: bool, eyes: Eyes) -> Verdict:
    """Supported on whole words; near misses by similarity; another digit contradicts when the OCR is sure."""
    words = value.split()
    if not eyes.scene.read or not eyes.lines or not words or len(words) > 40:
        return _UNKNOWN
    best, where, confidence = 0.0, "", 0.0
    squeezed = value.replace(" ", "")
    for (line, conf), have in zip(eyes.lines, eyes.words, strict=True):
        if _within(words, have) or (len(squeezed) > 3 and squeezed == line.replace(" ", "")):
            return "supported", 0.97, line[:80]
        for window in _windows(have, len(words)):
            similarity = Levenshtein.normalized_similarity(value, window)
            if similarity > best:
                best, where, confidence = similarity, window, conf
    sure = any(conf >= SURE for _, conf in eyes.lines)
    if _digits(value) != _digits(where) and (_digits(value) or best >= 0.5):
        same_kind = best >= 0.5 or strong
        return ("contradicted", 0.06, where[:80]) if sure and same_kind else _UNKNOWN
    if best >= 0.8 and len(squeezed) > 4 and confidence < 0.9:
        return "supported", 0.8, where[:80]
    if best < 0.5 and sure and strong and _same_script(value, eyes):
        return "contradicted", 0.06, where[:80]
    return _UNKNOWN


def _within(words: list[str], have: list[str]) -> bool:
    n = len(words)
    return any(have[i : i + n] == words for i in range(len(have) - n + 1))


def _windows(have: list[str], n: int) -> list[str]:
    """Runs of n words of a line (the whole line when shorter), at most 40."""
    if len(have) <= n:
        return [" ".join(have)]
    return [" ".join(have[i : i + n]) for i in range(min(40, len(have) - n + 1))]


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _same_script(value: str, eyes: Eyes) -> bool:
    """Latin claims need a Latin line; other scripts abstain, since the engine may not read them."""
    return value.isascii() and any(line.isascii() for line, _ in eyes.lines)
