"""Claims about text in the image: quoted words, what a sign "reads", capitals, times, prices, plates."""

from __future__ import annotations

from dataclasses import dataclass

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.lexicon import Lexicon
from halo_forge.verifiers.tokens import Tokens

_STOPS = frozenset('.!?;,:(){}[]"') | {
    "and",
    "but",
    "so",
    "which",
    "because",
    "while",
    "in",
    "on",
    "at",
    "with",
    "near",
}
_OPERATORS = frozenset("+*/=×÷")


@dataclass(frozen=True, slots=True)
class Shown:
    """Tokens [i, j) stand for text in the image. `strong`: quoted or said to be written, so misreading
    counts."""

    i: int
    j: int
    strong: bool


def shown_text(tokens: Tokens, lexicon: Lexicon) -> tuple[list[Shown], set[int]]:
    """All text claims, and the tokens that belong to them (never read as things)."""
    shown: list[Shown] = []
    blocked: set[int] = set()
    low, raw, n = tokens.low, tokens.raw, len(tokens)
    shouting = sum(w.isupper() and len(w) > 1 for w in raw) * 2 > n + 2
    i = 0
    while i < n:
        word = low[i]
        found: Shown | None = None
        if word == '"' or (word == "'" and (i == 0 or tokens.end[i - 1] < tokens.start[i])):
            j = _closing(low, i)
            if j:
                blocked.update(range(i, j + 1))
                if j > i + 1 and not _answering(low, i):
                    shown.append(Shown(i + 1, j, True))
                i = j + 1
                continue
        elif word in data.SAYS:
            found = _said(tokens, i, lexicon)
        elif not shouting and raw[i].isupper() and len(raw[i]) > 1:
            found = _capitals(tokens, i, lexicon)
        elif (word[0].isdigit() or word[0] in "$€£¥") and len(word) > 1:
            found = _figure(tokens, i)
        if found is not None:
            shown.append(found)
            blocked.update(range(found.i, found.j))
            i = found.j
        else:
            i += 1
    return shown, blocked


def _closing(low: list[str], i: int) -> int:
    for j in range(i + 1, min(len(low), i + 24)):
        if low[j] == low[i]:
            return j
        if low[j][0] == "\n":
            break
    return 0


def _answering(low: list[str], i: int) -> bool:
    """JSON keys and values, and "the answer is "…"", are no reading of the image."""
    before = low[max(0, i - 3) : i]
    return "answer" in before or "{" in before or (bool(before) and before[-1] == ":" and '"' in before)


def _said(tokens: Tokens, i: int, lexicon: Lexicon) -> Shown | None:
    low, raw, n = tokens.low, tokens.raw, len(tokens)
    j = i + 1
    while j < n and low[j] in ("that", "as", ":", "the", "word", "words", "number", "text"):
        j += 1
    if j >= n or low[j] in _STOPS or low[j] in "\"'" or low[j][0] in "\n<":
        return None
    strong = low[i] in data.SAYS_STRONG
    if raw[j][0].isupper() or raw[j][0].isdigit() or raw[j][0] in "$€£¥":
        end = _run(tokens, j, 8, upper=True)
        lone_object = end == j + 1 and not raw[j].isupper() and lexicon.find(low, j) is not None
        return None if lone_object else Shown(j, end, True)
    if not strong or low[j] in data.DETERMINERS or low[j] in data.BRIDGES or low[j] in data.PRONOUNS:
        return None
    end = _run(tokens, j, 4, upper=False)
    if any("O" in (found[0] if (found := lexicon.find(low, k)) else ()) for k in range(j, end)):
        return None
    return Shown(j, end, True)


def _run(tokens: Tokens, j: int, limit: int, upper: bool) -> int:
    low, raw, n = tokens.low, tokens.raw, len(tokens)
    end = j
    while end < n and end < j + limit:
        word = raw[end]
        joins = word in "&-'./#" and end + 1 < n and tokens.end[end] == tokens.start[end + 1]
        joins = joins or word == "&"
        if not joins and (low[end] in _STOPS or word[0] in "\n<" or not (word[0].isalnum() or word[0] in "$€£¥")):
            break
        if upper and not joins and not (word[0].isupper() or not word[0].isalpha()):
            break
        end += 1
    return end


def _capitals(tokens: Tokens, i: int, lexicon: Lexicon) -> Shown | None:
    raw, n = tokens.raw, len(tokens)
    if raw[i] in data.CAPS_NOISE or _is_thing(tokens.low, i, lexicon):
        return None
    j = i
    while j < n and (_capital(raw[j]) or (j > i and raw[j] in "&-'#" and j + 1 < n and _capital(raw[j + 1]))):
        j += 1
    if sum(len(w) for w in raw[i:j]) < 2:
        return None
    return Shown(i, j, True)


def _capital(word: str) -> bool:
    return (word.isupper() or word[0].isdigit()) and not word.islower()


def _is_thing(low: list[str], i: int, lexicon: Lexicon) -> bool:
    found = lexicon.find(low, i)
    return found is not None and "O" in found[0]


def _figure(tokens: Tokens, i: int) -> Shown | None:
    """Times, prices, percentages, plates and telephone numbers; not terms of a sum."""
    low, n = tokens.low, len(tokens)
    word = low[i]
    following = low[i + 1] if i + 1 < n else "."
    before = low[i - 1] if i else "."
    if following in _OPERATORS or before in _OPERATORS or before in ("[", "(", ","):
        return None
    if following == "-" and i + 2 < n and low[i + 2].isdigit() and len(word) >= 3 and len(low[i + 2]) >= 3:
        return Shown(i, i + 3, False)
    mixed = any(c.isalpha() for c in word) and not word.endswith(("st", "nd", "rd", "th"))
    if ":" in word or "%" in word or word[0] in "$€£¥" or mixed:
        return Shown(i, i + 1, False)
    return None
