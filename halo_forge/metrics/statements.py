"""A statement as the answer to a yes-or-no question: "The shop is closed" says no to "Is the shop open?".

The statement has to speak about the question. It says no where it is negated or where it puts another value in the
place of the question's: the opposite word or direction, another colour, another number, another thing; and a
negated other value says nothing new ("it isn't closed" says yes).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from halo_forge.metrics import typed
from halo_forge.metrics import words as table
from halo_forge.metrics.quantities import quantities, tokens

_SUBJECTS = frozenset(["it", "that", "this", "they", "these", "those", "he", "she", "there", "i", "we", "you", "yes"])
_COPULAS = frozenset(["is", "are", "was", "were", "looks", "appears", "seems", "isn't", "aren't", "wasn't"])
_CONTRACTED = frozenset(
    ["it's", "that's", "they're", "he's", "she's", "there's", "these're", "those're", "we're", "you're"]
)
_NOBODY = frozenset(["nobody", "none", "nothing", "neither", "no-one", "nowhere"])
_UNDECIDED = frozenset(
    ["unclear", "unsure", "uncertain", "impossible", "undetermined", "unknown", "depends", "unable", "ambiguous"]
)
_TELLING = frozenset(["tell", "say", "determine", "know", "sure", "decide", "judge", "certain", "answer", "clear"])
_MORE = frozenset(["more", "over", "above", "exceeds", "exceeding", "beyond", "least", "minimum"])
_LESS = frozenset(["fewer", "less", "under", "below", "most", "maximum"])
_GROUNDS = frozenset(["of", "than", "from"])


def undecided(toks: Sequence[str]) -> bool:
    """A refusal to answer: "it is impossible to tell", "I can't say", "hard to determine"."""
    have = set(toks)
    hard = have & {"hard", "difficult", "not", "cannot", "can't", "don't", "possible", "isn't", "couldn't"}
    return bool(have & _UNDECIDED) or bool(hard and have & _TELLING)


def polarity(toks: list[str], question: str) -> bool | None:
    """True yes, False no, None when the statement does not answer the question."""
    said = typed.polarity(toks)
    bare = [t for t in toks if t[0].isalnum()]
    if not bare or typed.leads(toks):
        return said
    if undecided(bare):
        return None
    if said is None and len(bare) == 2 and bare[0] in _CONTRACTED:
        said = not typed.negated(bare)
    elif said is None and len(quantities(bare)) == len(quantities(tokens(question))) == 1:
        said = not typed.negated(bare)  # "it reads 30" to "Is it above 50?"
    if said is None or not question:
        return said
    opposed = _opposed(bare, question)
    if opposed:
        return not said
    return said if _about(bare, question) else None


def _about(bare: list[str], question: str) -> bool:
    """The statement speaks of what the question names, or of "it" without naming anything else."""
    told = _stems(bare) - _SUBJECTS
    if not told or _NOBODY & set(bare[:3]) or _stems(tokens(question)) & told:
        return True  # "it is not" says nothing else
    return bare[0] in _SUBJECTS and (bare[1] not in _COPULAS or bare[0] == "there")


def _stems(toks: Sequence[str]) -> set[str]:
    """Content words without their endings; directions and colours count by their value."""
    own = (
        table.TWINS.get(t, t)
        for t in toks
        if t[0].isalnum() and t not in table.STOP and t not in table.VERBS and t not in table.NEGATIONS
    )
    return {table.DIRECTIONS.get(t) or _labels().get(t) or t[: max(4, len(t) - 3)] for t in own}


def _opposed(bare: list[str], question: str) -> bool:
    asked = tokens(question)
    if typed.alternatives(asked):
        return False
    have, want = ({table.TWINS.get(t, t) for t in side} for side in (bare, asked))
    for pair in table.ANTONYMS:
        if len(pair & want) == 1 and len(pair & have) == 1 and pair & want != pair & have:
            return True
    ours, theirs = typed.directions(_upto_ground(bare)), typed.directions(_upto_ground(asked))
    for a, b in table.OPPOSITES:
        if (a in ours and b in theirs and b not in ours) or (b in ours and a in theirs and a not in ours):
            return a not in theirs or b not in theirs
    colours, wanted = typed.colours(bare), typed.colours(asked)
    if colours and wanted and not colours & wanted:
        return True
    return _other_number(bare, asked) or _other_thing(bare, asked)


def _upto_ground(toks: list[str]) -> list[str]:
    """Up to the "of" after the first direction: "right of the dog on the left" is right."""
    placed = [i for i, t in enumerate(toks) if t in table.DIRECTIONS and t not in typed.WEAK]
    end = next((i for i in range(placed[0], len(toks)) if toks[i] in _GROUNDS), len(toks)) if placed else len(toks)
    return toks[:end]


def _other_number(bare: list[str], asked: list[str]) -> bool:
    """ "There are four dogs" to "Are there three dogs?"; bounds are kept ("more than three")."""
    wanted, found = quantities(asked), quantities(bare)
    if len(wanted) != 1 or len(found) != 1 or typed.clocks(" ".join(asked)):
        return False
    bounds = set(asked[max(0, wanted[0].start - 3) : wanted[0].start])
    value, limit = found[0].value, wanted[0].value
    if bounds & _MORE:
        return value < limit or (value == limit and "least" not in bounds)
    if bounds & _LESS:
        return value > limit or (value == limit and "most" not in bounds)
    return not found[0].equals(wanted[0])


def _other_thing(bare: list[str], asked: list[str]) -> bool:
    """ "It's a dog" to "Is that a cat?": another thing is named where the question names one."""
    said, wanted = _things(bare), _things(asked)
    return bool(said and wanted) and said[0] not in wanted and wanted[0] not in said


def _things(toks: list[str]) -> list[str]:
    labels = _labels()
    return [labels[t] for t in toks if t in labels]


@lru_cache(maxsize=1)
def _labels() -> dict[str, str]:
    """One-word names of the detector's things, singular and plural -> label."""
    from halo_forge.metrics.names import labels

    equal, narrower = labels()
    return {form: label for group in (narrower, equal) for form, label in group.items() if " " not in form}
