"""How replies without tags give an answer: "Answer: …", 'It says "…"', a last line; and how it is trimmed."""

from __future__ import annotations

import re

from halo_forge.answer_options import Options
from halo_forge.text import EDGES, normalise

Span = tuple[int, int]

# --- "the answer is"

_CUE = re.compile(
    r"(?<!\w)(?:(?:answer|option|choice)(?:[ ](?:letter|choice|option|here))?[ ]{0,2}[*_]{0,2}[ ]{0,2}"
    r"(?::|：|=|is\b:?|are\b:?)"
    r"|i(?:[ ]would|'d)?[ ](?:choose|pick|select|go[ ]with)\b"
    r"|(?:réponse|reponse|respuesta|resposta|antwort|risposta|lösung)"
    r"(?:[ ](?:est|es|é|ist|è|lautet)\b|[ ]?:))"
    r"|答案[是为：:]|答えは|정답은",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"[*_:：]{0,3}[ \t]{0,8}(?:(?:option|choice|letter|most likely|probably)[ ]{1,3})?[ \t]{0,8}",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"[,;]?[ ]because\b|,[ ](?:since|as)\b|,[ ]but[ ]|[ ]{1,2}\((?:grader|note)\b"
    r"|\.[*_]{0,2}[ ]{1,3}(?=(?:here|because|this|that|these|it|since|i|we|explanation|as|there)\b)",
    re.IGNORECASE,
)
_CORRECTION = re.compile(r"(?<!\w)(?:wait|actually|correction|sorry|rather)(?!\w)", re.IGNORECASE)
_NONSPACE = re.compile(r"\S")
_BREAKS = (". ", "; ", "! ", "? ", ", ")


def cued(body: str, options: Options) -> list[Span]:
    """The texts after each answer cue, to the end of line or clause; a correction drops the earlier."""
    found: list[Span] = []
    cues = list(_CUE.finditer(body))
    for i, cue in enumerate(cues):
        following = cues[i + 1].start() if i + 1 < len(cues) else len(body)
        span = _after(body, cue.end(), following, options)
        if span is None:
            continue
        if found and _CORRECTION.search(body, found[-1][0], cue.start()):
            found = []
        found.append(span)
    return found


def _after(body: str, start: int, following: int, options: Options) -> Span | None:
    """What one cue introduces; None for "is not …" and for a cue whose words lead into the next one."""
    lead = _LEAD.match(body, start)
    start = lead.end() if lead else start
    end = _line_end(body, start)
    if not body[start:end].strip(EDGES):
        text = _NONSPACE.search(body, end)
        if text is None:
            return None
        start, end = text.start(), _line_end(body, text.start())
    if following < end:
        end = max(body.rfind(mark, start, following) for mark in _BREAKS)
    if end <= start or normalise(body[start : start + 4]).startswith("not"):
        return None
    if span := options.leading(body, start, end):
        return span
    reason = _REASON.search(body, start, end)
    return start, reason.start() if reason and reason.start() > start else end


def _line_end(body: str, start: int) -> int:
    end = body.find("\n", start)
    return len(body) if end < 0 else end


# --- whole text

_AFTERWORD = re.compile(
    r"\n\s{0,8}(?:\*\*)?(?:explanation|reasoning|rationale|reason|justification|note)\b(?:\*\*)?[:：]",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"(?:i'm |i am )?sorry\b.{0,40}\b(?:can't|cannot|can not|unable|not able)\b"
    r"|(?:i'm|i am) (?:unable|not able) to\b",
    re.IGNORECASE,
)
_FRAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # It says "STOP" on the sign.
        r"[^\n\"“«]{0,80}\b(?:says|say|reads|read|displays|shows|labelled|labeled|dit|dice|sagt|steht)\b:? ?"
        r"[\"“«]{1,2}(?P<answer>[^\"”»\n]{1,400})[\"”»]{1,2}[^\"“«\n]{0,60}",
        # Based on the image, a dog is shown.
        r"(?:based on|from|according to|in) (?:the|this) "
        r"(?:image|picture|photo|chart|document|figure|sign|table)"
        r"[^,\n]{0,40}, (?:(?:it|this|that|there) (?:is|are|seems to be|appears to be|says|reads) )?"
        r"(?P<answer>[^\n]+?)(?: (?:is|are) (?:shown|visible|written|displayed|seen))?\.?",
        # I think it might be 254, but the image is blurry.
        r"i (?:think|believe|guess),? (?:that )?(?:it|this|that|the answer)"
        r"(?: (?:is|might be|may be|could be|must be|says|reads)|'s) (?P<answer>[^\n]+?)(?:, but [^\n]+)?",
        # Therefore, 20 is right.
        r"(?:therefore|thus|hence|so),? (?P<answer>[^\n]+?) is (?:right|correct|the answer|the right one)\.?",
        # Sure! The text in the picture reads 3:59
        r"[^\n\"]{0,200}\bthe text (?:in|on) (?:the|this) \w{1,20} (?:reads|says|is) (?P<answer>[^\n]+)",
    )
)
_SENTENCE_ENDS = (".", "!", "?", ":", "。")


def whole(body: str, options: Options) -> list[Span]:
    """The answer of a text without any marker: a known frame, a last line after sentences, or all of it."""
    start, end = _trim_space(body, 0, len(body))
    if afterword := _AFTERWORD.search(body, start, end):
        start, end = _trim_space(body, start, afterword.start())
    if start >= end or _REFUSAL.match(body, start, min(end, start + 200)):
        return []
    for found in (
        options.leading(body, start, end),
        _framed(body, start, end),
        options.concluding(body, start, end),
    ):
        if found:
            return [found]
    if found := _result(body, start, end):
        return [found]
    line = _last_line(body, start, end)
    return [_framed(body, *line) or line]


_RESULT = re.compile(
    r"\n[ \t>*_#-]{0,8}(?:(?:in|grand|final) )?(?:total|sum|result|altogether|overall|count)[*_]{0,2}[ ]{0,2}[:=]"
    r"[*_ ]{0,4}"
    r"(?P<answer>[^\n]{1,80})\Z",
    re.IGNORECASE,
)
_BOLD = re.compile(r"\*\*([^*\n]{1,60})\*\*")


def _result(body: str, start: int, end: int) -> Span | None:
    """A last line "Total: 6", or the only words in bold where they end the text ("it grew by **600**.")."""
    if total := _RESULT.search(body, max(start, end - 140), end):
        return total.span("answer")
    if "**" not in body[max(start, end - 66) : end]:
        return None
    bold = list(_BOLD.finditer(body, start, end))
    if len(bold) == 1 and not body[bold[0].end() : end].strip(" .!\n") and bold[0].start() > start:
        return bold[0].span(1)
    return None


def _last_line(body: str, start: int, end: int) -> Span:
    """The last line where all lines before it are sentences, else the whole."""
    lines = body[start:end].split("\n")
    if len(lines) > 1 and all(not s or s.endswith(_SENTENCE_ENDS) for s in (x.rstrip() for x in lines[:-1])):
        return trim(body, end - len(lines[-1]), end)
    return trim(body, start, end)


def _framed(body: str, start: int, end: int) -> Span | None:
    if end - start > 600:
        return None
    found = (frame.fullmatch(body, start, end) for frame in _FRAMES)
    return next((f.span("answer") for f in found if f), None)


# --- trimming

_PAIRS = (
    ("**", "**"), ("__", "__"), ('"', '"'), ("“", "”"), ("«", "»"), ("`", "`"), ("$", "$"),
    ("'", "'"), ("*", "*"),
)  # fmt: skip
_ABBREVIATION = re.compile(
    r"(?:\b[^\W\d_]\.\s{0,4})+[^\W\d_]\Z"
    r"|[ ,](?:co|inc|ltd|corp|dr|mr|mrs|ms|st|jr|sr|etc|dept|univ|ave|blvd|rd)\Z",
    re.IGNORECASE,
)


def trim(text: str, start: int, end: int) -> Span:
    """Without outer spaces, a sentence's period (not that of "U.S.A." or "Co."), paired quotes, markdown."""
    for _ in range(4):
        start, end = _trim_space(text, start, end)
        before = (start, end)
        if end > start and (text[end - 1] == "。" or (text[end - 1] == "." and _ends_sentence(text, start, end - 1))):
            end -= 1
        for left, right in _PAIRS:
            if _encloses(text, start, end, left, right):
                start, end = start + len(left), end - len(right)
                break
        if (start, end) == before:
            break
    return start, end


def _trim_space(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _ends_sentence(text: str, start: int, end: int) -> bool:
    rest = text[max(start, end - 40) : end]
    if not rest.strip(". "):
        return False
    return rest.endswith(".") or not _ABBREVIATION.search(rest)


def _encloses(text: str, start: int, end: int, left: str, right: str) -> bool:
    if (
        end - start <= len(left) + len(right)
        or not text.startswith(left, start)
        or not text.endswith(right, start, end)
    ):
        return False
    return text.find(right, start + len(left), end - len(right)) < 0
