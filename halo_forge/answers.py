"""Finding the answer in a completion: what a metric then scores.

Tried in order: the last closed <answer>, an unclosed one, a JSON "answer", \\boxed{}, the last "Answer: …" or
"the answer is …", a few whole-sentence frames ('It says "…"'), else the whole text. Think blocks are chain,
never answer. Every search is one pass over at most 20,000 characters; offsets point into the completion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from halo_forge.answer_frames import cued, trim, whole
from halo_forge.answer_options import Choices, Options
from halo_forge.text import MAX_CHARS

Span = tuple[int, int]

CLOSED = frozenset({"tag", "json", "boxed"})
"""Methods whose answer has an end of its own: a cut-off completion can only have answered in one of these."""


@dataclass(frozen=True)
class Answer:
    """`text` None: the completion gives no answer. `start`, `end`: its characters in the completion, or 0, 0.

    `candidates`: every answer given in the winning form, in order; two that differ are a hedge.
    """

    text: str | None
    start: int
    end: int
    method: str
    candidates: tuple[str, ...] = ()


def extract(completion: str, style: str = "grounded", choices: Choices | None = None) -> Answer:
    """The answer of a completion.

    `choices`: option texts in order, or letter -> text. An answer that is an option's text becomes its letter
    in the second case, so that it can be compared with a letter (`by_letter` tells when). `style` does not
    change what is found: a model that ignores the asked form is read all the same.
    """
    text = completion[:MAX_CHARS]
    body, closed, opened = _tags(text)
    options = Options(choices)
    searches: tuple[tuple[str, Callable[[], Sequence[Span]]], ...] = (
        ("tag", lambda: closed),
        ("unclosed", lambda: opened),
        ("json", lambda: _json(body)),
        ("boxed", lambda: _boxed(body)),
        ("line", lambda: cued(body, options)),
        ("text", lambda: whole(body, options)),
    )
    for method, search in searches:
        spans = [span for found in search() if (span := trim(text, *found))[0] < span[1]]
        if spans:
            candidates = tuple(_named(text[a:b], options) for a, b in spans)
            return Answer(candidates[-1], *spans[-1], method, candidates)
    return Answer(None, 0, 0, "none")


def by_letter(choices: Sequence[str] | None, answers: Sequence[str] | None) -> Choices | None:
    """The options as `extract` wants them: letter -> text where every reference is a letter, else texts."""
    if not choices:
        return None
    named = {chr(ord("A") + i): text for i, text in enumerate(choices)}
    if answers and all(a.strip() in named and a not in choices for a in answers):
        return named
    return tuple(choices)


_TEXT_MACRO = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}\Z")


def _named(found: str, options: Options) -> str:
    """The option's letter, the text inside a LaTeX text macro, or the text itself."""
    macro = _TEXT_MACRO.match(found)
    inner = macro.group(1).strip() if macro else found
    return options.name(inner) or inner


# --- tags

_TAG = re.compile(r"<(/?)(think|thinking|thought|reasoning|analysis|answer)[ \t]{0,4}>", re.IGNORECASE)


def _tags(text: str) -> tuple[str, list[Span], list[Span]]:
    """(the text with chain and tags blanked, closed answers, an unclosed last answer); offsets unchanged."""
    chain_from: int | None = None
    answer_from: int | None = None
    blanks: list[Span] = []
    closed: list[Span] = []
    inside: list[Span] = []  # closed answers of the chain that is open now
    for tag in _TAG.finditer(text):
        ends, name = bool(tag.group(1)), tag.group(2).lower()
        if name == "answer":
            if not ends:
                answer_from = tag.end()
            elif answer_from is not None:
                (closed if chain_from is None else inside).append((answer_from, tag.start()))
                answer_from = None
            blanks.append(tag.span())
        elif ends:
            if chain_from is None:  # the prompt opened the chain: all up to here belongs to it
                closed, chain_from = [], 0
            blanks.append((chain_from, tag.end()))
            chain_from, answer_from, inside = None, None, []
        elif chain_from is None:
            chain_from, answer_from = tag.start(), None
    if chain_from is not None:
        if inside and not text[inside[-1][1] + len("</answer>") :].strip():
            closed.append(inside[-1])  # the chain was never closed: an answer that ends the text is meant as one
        blanks.append((chain_from, len(text)))
    opened = [(answer_from, len(text))] if answer_from is not None and chain_from is None else []
    return _blank(text, blanks), closed, opened


def _blank(text: str, spans: list[Span]) -> str:
    """Spans replaced by as many line breaks."""
    out, at = [], 0
    for a, b in sorted(spans):
        if b > at:
            out += [text[at : max(a, at)], "\n" * (b - max(a, at))]
            at = b
    return "".join(out) + text[at:]


# --- JSON and boxes

_KEY = re.compile(r"""[{,]\s{0,40}["'](?:final_)?answer["']\s{0,9}:\s{0,9}""", re.IGNORECASE)
_SCALAR = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?|true|false")
_BOX = re.compile(r"\\f?boxed[ ]{0,3}\{|\{|\}")


def _json(body: str) -> list[Span]:
    if not body.rstrip().rstrip("`").rstrip().endswith("}"):
        return []
    return [span for key in _KEY.finditer(body) if (span := _value(body, key.end()))]


def _value(body: str, at: int) -> Span | None:
    """The span of a JSON string's inside, a number, a bool, or a flat list."""
    first = body[at : at + 1]
    if first == '"':
        try:
            _, length = json.JSONDecoder().raw_decode(body[at : at + 2000])
        except ValueError:
            return None
        return at + 1, at + length - 1
    if first == "'":
        end = body.find("'", at + 1)
        return (at + 1, end) if end > 0 else None
    if first == "[":
        end = body.find("]", at)
        return (at, end + 1) if end > 0 else None
    scalar = _SCALAR.match(body, at)
    return scalar.span() if scalar else None


def _boxed(body: str) -> list[Span]:
    """Insides of \\boxed{…} that hold no further box, one pass with a stack of open braces."""
    stack: list[int] = []
    found: list[Span] = []
    for mark in _BOX.finditer(body):
        if mark.group() == "}":
            if stack and (start := stack.pop()) >= 0 and not (found and found[-1][0] > start):
                found.append((start, mark.start()))
        else:
            stack.append(-1 if mark.group() == "{" else mark.end())
    return found
