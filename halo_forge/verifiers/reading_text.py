"""Is this text in the image? Whole words against OCR lines, digits exact."""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from halo_forge.metrics.typed import clocks
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
    if (told := _same_time(value, strong, eyes)) is not None:
        return told
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
        return ("contradicted", 0.06 if strong else 0.2, where[:80]) if sure and same_kind else _UNKNOWN
    if best >= 0.8 and len(squeezed) > 4 and confidence < 0.9:
        return "supported", 0.8, where[:80]
    other_word = len(words) > 1 and best < 0.9 and _another_word(words, where.split())
    if (best < 0.5 or other_word) and sure and strong and _same_script(value, eyes):
        return "contradicted", 0.06, where[:80]
    return _UNKNOWN


def judge_entry(label: str, value: str, eyes: Eyes) -> Verdict:
    """A number that belongs to a label ("West 35"): the label's own line decides; a number elsewhere is a hint."""
    if not eyes.scene.read:
        return _UNKNOWN
    wanted = _bare(value)
    own = [(line, have) for (line, _), have in zip(eyes.lines, eyes.words, strict=True) if label in have]
    for line, have in own:
        if wanted in map(_bare, have):
            return "supported", 0.95, line[:80]
    numbered = [line for line, have in own if any(w[-1].isdigit() for w in map(_bare, have) if w)]
    if numbered:
        return "contradicted", 0.1, numbered[0][:80]
    if any(wanted in map(_bare, have) for have in eyes.words):
        return "supported", 0.75, wanted
    return _UNKNOWN


def _bare(word: str) -> str:
    """A number without currency, percent, separators: "$1,250" and "1250" are one."""
    return word.strip("$€£¥%#()[].,;:!?\"'").replace(",", "")


_CLOCK_WORDS = frozenset(["past", "to", "o'clock", "noon", "midnight", "am", "pm"])


def _same_time(value: str, strong: bool, eyes: Eyes) -> Verdict | None:
    """A time in other words ("half past six" for 6:30); None when it is no time or no time is shown."""
    if ":" not in value and not _CLOCK_WORDS & set(value.split()):
        return None
    said = clocks(value)
    if len(said) != 1:
        return None
    shown = [(c, line) for line, _ in eyes.lines for c in clocks(line)]
    for clock, line in shown:
        if clock.equals(said[0]):
            return "supported", 0.95, line[:80]
    return ("contradicted", 0.06 if strong else 0.2, shown[0][1][:80]) if shown else None


def _within(words: list[str], have: list[str]) -> bool:
    n = len(words)
    if n == 1 and any(c.isdigit() for c in words[0]):
        return any(_bare(words[0]) == _bare(w) for w in have)
    return any(have[i : i + n] == words for i in range(len(have) - n + 1))


def _windows(have: list[str], n: int) -> list[str]:
    """Runs of n words of a line (the whole line when shorter), at most 40."""
    if len(have) <= n:
        return [" ".join(have)]
    return [" ".join(have[i : i + n]) for i in range(min(40, len(have) - n + 1))]


def _another_word(said: list[str], seen: list[str]) -> bool:
    """One word of a run is another word ("no stopping", "no parking"), not a misread one."""
    return len(said) == len(seen) and any(
        len(a) > 3 and Levenshtein.normalized_similarity(a, b) < 0.6 for a, b in zip(said, seen, strict=True)
    )


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _same_script(value: str, eyes: Eyes) -> bool:
    """Latin claims need a Latin line; other scripts abstain, since the engine may not read them."""
    return value.isascii() and any(line.isascii() for line, _ in eyes.lines)
