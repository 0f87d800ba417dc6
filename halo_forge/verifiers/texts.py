"""Claims about text in the image: quoted words, what a sign "reads", capitals, times, prices, plates."""

from __future__ import annotations

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.figures import Shown, alone, figure, is_thing, labelled
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
MAX_SHOWN = 400
"""More quotations than this are not read: claims are capped below that."""
_QUOTES = frozenset("\"'")
_THINGS = frozenset(["objects", "items", "things", "labels", "animals", "visible"])
"""Keys of a JSON list that names things, not words written in the image."""
_PROSE = frozenset(
    ["reasoning", "reason", "thought", "thoughts", "explanation", "rationale", "evidence", "description"]
)
"""Keys of a JSON text that is the chain, not a quotation."""
_NOT = frozenset(["not", "no", "never", "without", "nowhere", "nothing"])
_LEADS = frozenset(["that", "as", ":", "the", "word", "words", "number", "text"])
_AFTER = frozenset(["too", "also", "well", "again", "anywhere", "nowhere", "somewhere", "here", "there", "easily"])
""" "It can be read too", "not written anywhere"."""
_SEEN = frozenset(["appear", "appears", "visible", "there", "written", "present", "shown", "anywhere", "seen"])


def shown_text(tokens: Tokens, lexicon: Lexicon) -> tuple[list[Shown], set[int]]:
    """All text claims, and the tokens that belong to them (never read as things)."""
    shown: list[Shown] = []
    blocked: set[int] = set()
    low, raw, n = tokens.low, tokens.raw, len(tokens)
    capitals = {i for i, word in enumerate(raw) if word.isupper() and len(word) > 1}
    if len(capitals) * 2 > n + 2:  # all of it shouts
        capitals.clear()
    i = things = 0
    while i < n and len(shown) < MAX_SHOWN:
        word = low[i]
        found: Shown | None = None
        if word == "[" and i >= 3 and low[i - 1] == ":" and low[i - 3] in _THINGS:
            things = low.index("]", i) if "]" in low[i : i + MAX_SHOWN] else 0
        elif word == '"' and i >= 3 and low[i - 1] == ":" and low[i - 3] in _PROSE:
            things = _closing(low, i) + 1
        if i < things and word in _QUOTES:
            blocked.add(i)
        elif word == '"' or (word == "'" and (i == 0 or tokens.end[i - 1] < tokens.start[i])):
            j = _closing(low, i)
            if j:
                blocked.update(range(i, j + 1))
                if j > i + 1 and not _answering(low, i):
                    shown.append(Shown(i + 1, j, True, denied=_denied(low, i, j + 1)))
                i = j + 1
                continue
        elif word in data.SAYS:
            found = _said(tokens, i, lexicon)
        elif i in capitals:
            found = _capitals(tokens, i, lexicon)
        elif word[0].isdigit() or word[0] in "$€£¥":
            found = figure(tokens, i, lexicon)
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
    if before and before[-1] in ("{", ",") and (j := _closing(low, i)) and low[j + 1 : j + 2] == [":"]:
        return True
    return (
        "answer" in before or "{" in before or (bool(before) and before[-1] == ":" and not _QUOTES.isdisjoint(before))
    )


def _said(tokens: Tokens, i: int, lexicon: Lexicon) -> Shown | None:
    low, raw, n = tokens.low, tokens.raw, len(tokens)
    j = i + 1
    while j < n and (low[j] in _LEADS or low[j].endswith("ly")):
        j += 1
    if j >= n or low[j] in _STOPS or low[j] in "\"'" or low[j][0] in "\n<":
        return None
    strong = low[i] in data.SAYS_STRONG
    if raw[j][0].isupper() or raw[j][0].isdigit() or raw[j][0] in "$€£¥":
        end = _run(tokens, j, 8, upper=True)
        if end == j + 1 and raw[j].rstrip("%").isdigit() and j == i + 1 and (label := labelled(tokens, j, lexicon)):
            return Shown(j, end, True, label, only=alone(low, j))
        lone_object = end == j + 1 and not raw[j].isupper() and lexicon.find(low, j) is not None
        return None if lone_object else Shown(j, end, True, denied=_denied(low, i, end))
    if (
        not strong
        or low[j] in _AFTER
        or low[j] in data.DETERMINERS
        or low[j] in data.BRIDGES
        or low[j] in data.PRONOUNS
    ):
        return None
    end = _run(tokens, j, 4, upper=False)
    if any("O" in (found[0] if (found := lexicon.find(low, k)) else ()) for k in range(j, end)):
        return None
    return Shown(j, end, True, denied=_denied(low, i, end))


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
    if raw[i] in data.CAPS_NOISE or is_thing(tokens.low, i, lexicon):
        return None
    j = i
    while j < n and (_capital(raw[j]) or (j > i and raw[j] in "&-'#" and j + 1 < n and _capital(raw[j + 1]))):
        j += 1
    if sum(len(w) for w in raw[i:j]) < 2:
        return None
    return Shown(i, j, True, denied=i > 0 and tokens.low[i - 1] == "not")


def _capital(word: str) -> bool:
    return (word.isupper() or word[0].isdigit()) and not word.islower()


def _denied(low: list[str], i: int, j: int) -> bool:
    """Text said not to be there: "does not say …", "no sign reads …", "… does not appear"."""
    for k in range(i - 1, max(-1, i - 7), -1):
        if low[k] in ".,;:!?" or low[k][0] == "\n":
            break
        if low[k] in _NOT or low[k].endswith("n't"):
            return low[k + 1] not in ("only", "just", "doubt")
    after = low[j : j + 5]
    return bool(after) and any(w in _NOT or w.endswith("n't") for w in after[:2]) and bool(_SEEN & set(after[1:]))
