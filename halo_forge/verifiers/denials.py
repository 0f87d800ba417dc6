"""Denials that stand after the things they deny: "a dog isn't visible", "a cup is there, but a fork isn't"."""

from __future__ import annotations

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.sentence import Sentence

_CLAUSE_ENDS = frozenset(",.;!<") | words("but and while whereas")
_LISTING = words("and or ,")
_RELATIVE = words("which who that")
_REACH = 16


def elided(now: Sentence, low: list[str], i: int) -> bool:
    """The negation at token i ends its clause, and the clause before says what it denies: "a cup is visible, but a
    fork isn't". Where that clause says something else ("... is asleep, but a dog isn't") no thing is denied."""
    after = low[i + 1] if i + 1 < len(low) else "."
    if not now.mentions or not (after in _CLAUSE_ENDS or after[0] in "<\n"):
        return False
    seen = next((k for k in range(i - 1, max(-1, i - _REACH), -1) if low[k] in data.SEEN), -1)
    if 0 <= seen < now.mentions[-1].i and not (low[seen - 1] in data.NEGATORS or low[seen - 1].endswith("n't")):
        _deny_named(now, low, seen)
    return seen >= 0


def unseen(now: Sentence, low: list[str], j: int) -> bool:
    """ "The dog is not visible": the negation before token j denies what was named."""
    if j < len(low) and low[j] == "be":
        j += 1  # "a train cannot be seen"
    if j >= len(low) or not now.mentions or not (low[j] in data.SEEN or low[j] in ("among", "part")):
        return False
    _deny_named(now, low, -1)
    return True


def _deny_named(now: Sentence, low: list[str], after: int) -> None:
    """Deny the last thing named after a token, and those joined to it by "and", "or" and commas."""
    k = head(now, low)
    later = now.mentions[k]
    for m in reversed(now.mentions[: k + 1]):
        if m.i < after or not _LISTING.issuperset(low[m.j : later.at] if m is not later else ()):
            break
        m.negative, later = True, m


def head(now: Sentence, low: list[str]) -> int:
    """Index of the thing that what follows is about: the cup of "the cup on the table" and of "the cup that stands
    next to the fork", where the last thing named only tells which cup."""
    k = len(now.mentions) - 1
    grounds = {cue.before: cue for cue in now.relations}
    while k > 0 and (cue := grounds.get(k)) is not None and cue.i >= now.mentions[k - 1].j:
        between = low[now.mentions[k - 1].j : cue.i]
        plain = data.VERBS.isdisjoint(between) and _LISTING.isdisjoint(between)
        if not plain and _RELATIVE.isdisjoint(between):
            break
        k -= 1
    return k
