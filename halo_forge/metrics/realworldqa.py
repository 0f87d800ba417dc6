"""RealWorldQA as lmms-eval scores it since April 2026: a letter picked from the reply, or the short answer.

The set has no script of its own. The picker is case-sensitive and never maps an option's text to its letter.
Its misreadings ("A car is parked, so the answer is B." gives A) are kept: they are in the published number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

LETTERS = ("A", "B", "C", "D")
_EDGES = (",", ".", "!", "?", ";", ":", "'", '"')


def realworldqa(prediction: str, answers: Sequence[str]) -> float:
    """1.0 when the reply is right for any reference, else 0.0."""
    return float(any(_correct(prediction, answer.strip()) for answer in answers))


def _correct(prediction: str, answer: str) -> bool:
    if answer in LETTERS:
        return pick_letter(prediction) == answer
    return prediction.lower().strip().rstrip(".") == answer.lower()


_PHRASES = (
    *(
        f"{lead}{noun} is"
        for noun in (
            "answer",
            "correct answer",
            "best answer",
            "correct option",
            "best option",
            "choice",
            "correct choice",
        )
        for lead in ("the ", "")
    ),
    *("i choose", "i select", "i pick", "my answer is", "my choice is"),
    *("옵션", "정답은", "답은", "답:", "答案是", "答案为", "选", "答えは"),
)

# A candidate is (strength, position); the strongest wins, then the later, then the earlier letter.
_START, _END, _PHRASE, _FALLBACK = 10, 9, 7, 0
_FORMS = ((6, "({})"), (5, "{}."), (4, "{}:"), (3, "{})"), (2, "{} "))


def pick_letter(reply: str) -> str:
    """The option letter the reply is taken to give, "" when it holds none. A handful of linear scans."""
    text = reply.strip()
    if not text:
        return ""
    for mark in _EDGES:
        text = text.strip(mark)
    text = f" {text} "
    best, letter = (-1, -1), ""
    for candidate in LETTERS:
        strength = max(_seen(text, candidate), default=None)
        if strength is not None and strength > best:
            best, letter = strength, candidate
    return letter


def _seen(text: str, letter: str) -> Iterator[tuple[int, int]]:
    for strength, form in _FORMS:
        where = text.rfind(form.format(letter))
        if where >= 0:
            yield strength, where
    yield from _after_phrases(text, letter)
    core = text.strip()
    if core.startswith(letter) and not core[1:2].isalpha():
        yield _START, 0
    if core.endswith(letter) and not core[-2:-1].isalpha():
        yield _END, len(text) - 1
    if letter in text:
        yield _FALLBACK, text.rfind(letter)


def _after_phrases(text: str, letter: str) -> Iterator[tuple[int, int]]:
    lowered = text.lower()
    for phrase in _PHRASES:
        at = lowered.find(phrase)
        where = text.find(letter, at + len(phrase)) if at >= 0 else -1
        if where >= 0:
            yield _PHRASE, where
