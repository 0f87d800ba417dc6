"""Does a completion contradict itself? Deterministic, on the claim table: two values in one slot, an
assertion and its denial, a wrong sum, a class denied whose member was named, a conclusion that is not the
answer."""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from functools import lru_cache
from itertools import takewhile
from typing import Any

from rapidfuzz.distance import Levenshtein

from halo_forge.metrics.guards import opposite
from halo_forge.metrics.match import kind_of, match
from halo_forge.metrics.names import core, same_thing
from halo_forge.metrics.words import ANTONYMS
from halo_forge.text import words
from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.claim import Claim, Slot
from halo_forge.verifiers.claims import Reading
from halo_forge.verifiers.comparisons import FORBIDS, MEANS, permits, wrong_comparisons
from halo_forge.verifiers.numbers import number_at
from halo_forge.verifiers.tokens import tokenise

CONFLICT, WRONG_CONCLUSION = 0.6, 0.8
MAX_RETRACTIONS = 2
_OPPOSED = {word: [pair for pair in ANTONYMS if word in pair] for pair in ANTONYMS for word in pair}


def retract(reading: Reading) -> int:
    """Mark claims that a later claim replaces after "wait", "on closer look"; returns how many were taken
    back."""
    if not reading.corrections:
        return 0
    taken = 0
    latest: dict[Slot, list[Claim]] = {}
    for claim in reading.claims:
        for slot, value in claim.slots():
            for earlier in latest.get(slot, ()):
                if earlier.retracted or not _differs(earlier, slot, value, claim.polarity):
                    continue
                if _corrected(reading.corrections, earlier.start, claim.end):
                    earlier.retracted = True
                    taken += 1
            latest.setdefault(slot, []).append(claim)
    return taken


def _corrected(corrections: list[int], start: int, end: int) -> bool:
    """Whether a correction stands between two claims, or opens the sentence of the first ("at first …")."""
    k = bisect_left(corrections, start - 40)
    return k < len(corrections) and corrections[k] < end


def _differs(earlier: Claim, slot: Slot, value: Any, polarity: bool) -> bool:
    return any(
        s == slot and ((v == value) != (earlier.polarity == polarity) or (v != value and polarity and earlier.polarity))
        for s, v in earlier.slots()
    )


def judge_consistency(reading: Reading, retractions: int) -> float | None:
    """Π(1 − w) over conflicts, .6 for each, .8 for a conclusion that differs from the answer; None without a
    chain and without two comparable statements."""
    standing = [c for c in reading.claims if not c.retracted]
    if not reading.chain and len(standing) < 2:
        return None
    score = 1.0
    chain = [c for c in standing if c.source == "chain" or not reading.chain]
    score *= (1 - CONFLICT) ** min(6, _slot_conflicts(chain) + _broader_conflicts(chain))
    score *= (1 - CONFLICT) ** min(6, sum(c.kind == "arithmetic" and c.verdict == "contradicted" for c in standing))
    score *= (1 - CONFLICT) ** min(2, _opposite_inferences(reading) + wrong_comparisons(reading, chain))
    if reading.chain and _departs(reading, chain):
        score *= 1 - WRONG_CONCLUSION
    if retractions > MAX_RETRACTIONS:
        score *= 1 - CONFLICT
    return score


def _slot_conflicts(claims: list[Claim]) -> int:
    """Slots with two asserted values, or with a value both asserted and denied."""
    asserted: dict[Slot, set[Any]] = {}
    denied: dict[Slot, set[Any]] = {}
    for claim in claims:
        if not claim.strong:
            continue
        for slot, value in claim.slots():
            (asserted if claim.polarity else denied).setdefault(slot, set()).add(value)
        if claim.kind == "count" and claim.polarity and not claim.restricted and claim.value[0]:
            asserted.setdefault(("object", claim.subject), set()).add(True)
        if claim.kind in ("side", "relation") and claim.polarity and claim.definite:
            for name in (claim.subject, claim.object):
                if name:
                    asserted.setdefault(("object", name), set()).add(True)
    return sum(len(values) > 1 or bool(values & denied.get(slot, set())) for slot, values in asserted.items())


def _broader_conflicts(claims: list[Claim]) -> int:
    """ "A banana … so there is no fruit"."""
    denied = [c for c in claims if c.kind == "object" and not c.polarity and c.how == ">" and not c.restricted]
    named = {c.labels[0] for c in claims if c.kind in ("object", "count") and c.polarity and c.how != ">"}
    return sum(bool(named & set(c.labels)) for c in denied)


def _opposite_inferences(reading: Reading) -> int:
    """ "The sign says OPEN, so the shop is closed": a conclusion drawn to the opposite of what was read."""
    read = reading.read
    forbidden = not read.isdisjoint(FORBIDS)
    pairs = [pair for word in sorted(read & _OPPOSED.keys()) for pair in _OPPOSED[word] if len(pair & read) == 1]
    if not (pairs or forbidden):
        return 0
    low, n, found = reading.tokens.low, len(reading.tokens), 0
    for k in [i for i, w in enumerate(low[: reading.chain_tokens]) if w in data.INFERENCE or w in MEANS]:
        end = next((j for j in range(k, min(n, k + 20)) if low[j] in ".;!?" or low[j][0] in "<\n"), min(n, k + 20))
        said = set(low[k:end])
        denies = any(w in ("not", "no", "never", "cannot") or w.endswith("n't") for w in said)
        found += forbidden and not denies and any(permits(low, j) for j in range(k, end))
        for pair in pairs:
            own, other = bool(pair & read & said), bool((pair - read) & said)
            found += (other and not own and not denies) or (own and not other and denies)
    return found


def _departs(reading: Reading, chain: list[Claim]) -> bool:
    """Whether the chain says something else than the answer. Every standing claim of the slot counts, so that no
    further claim, and least of all a false one, can make up for it."""
    answer = reading.split.answer.text
    if answer is None:
        return False
    stated: dict[Slot, set[tuple[Any, bool]]] = {}
    for claim in chain:
        for slot, value in claim.slots() if claim.strong else ():
            stated.setdefault(slot, set()).add((value, claim.polarity))
    for claim in reading.given:
        for slot, value in claim.slots():
            for said, polarity in stated.get(slot, ()):
                if (said != value and polarity and claim.polarity) or (said == value and polarity != claim.polarity):
                    return True
    return (
        _other_degree(reading, answer)
        or _other_result(chain, answer)
        or _other_text(reading, chain)
        or _other_conclusion(reading, answer)
        or _other_winner(reading, answer)
    )


def _other_result(chain: list[Claim], answer: str) -> bool:
    """The last right sum has another result than the answer; a wrong sum is paid for as such."""
    sums = sorted((c for c in chain if c.kind == "arithmetic" and c.verdict == "supported"), key=lambda c: c.last)
    results = [c.relation for c in sums]
    if not results:
        return False
    tokens = tokenise(answer)
    if not 0 < len(tokens) <= 6:
        return False
    stated = [n[0] for i in range(len(tokens)) if (n := number_at(tokens.low, i))]
    share = "%" in answer or "percent" in tokens.low
    return len(stated) == 1 and stated[0] not in (Decimal(results[-1]), Decimal(results[-1]) * (100 if share else 1))


_TYPED = frozenset(["yesno", "number", "direction", "colour", "time", "date", "letter"])


def _other_conclusion(reading: Reading, answer: str) -> bool:
    """ "So the answer is left" before another answer. Only where both are values of one kind, or things known to
    differ: "the answer is obvious" concludes nothing."""
    tokens = reading.tokens
    if "answer" not in tokens.low:
        return False
    said = ""
    for i, word in enumerate(tokens.low[: reading.chain_tokens]):
        if word == "answer" and tokens.low[i + 1 : i + 2] and tokens.low[i + 1] in ("is", ":", "must", "should"):
            j = i + 3 if tokens.low[i + 2 : i + 3] == ["be"] else i + 2
            end = next((k for k in range(j, min(j + 9, len(tokens))) if _closes(tokens.low[k])), j)
            said = reading.split.text[tokens.start[j] : tokens.end[end - 1]] if end > j else said
    if not said:
        return False
    question = reading.rollout.question
    kind = kind_of(answer, question)
    if kind in _TYPED:
        return kind_of(said, question) == kind and not match(said, [answer], question) and not match(answer, [said])
    return opposite(said, answer) or same_thing(core(said), core(answer)) is False


def _other_winner(reading: Reading, answer: str) -> bool:
    """ "So pears sold least" before the answer "plums" to "Which fruit sold least?": the question's superlative is
    concluded of something else, named right after the inference and before a word of the question."""
    asked, best = _superlatives(reading.question.text)
    if not best:
        return False
    low = reading.tokens.low
    for i in [k for k, w in enumerate(low[: reading.chain_tokens]) if w in data.INFERENCE]:
        end = next((k for k in range(i + 1, min(i + 14, len(low))) if _closes(low[k])), min(i + 14, len(low)))
        clause = [w for w in low[i + 1 : end] if w not in data.DETERMINERS]
        named = list(takewhile(lambda w: w not in asked and w not in data.FILLER, clause))
        if 0 < len(named) <= 2 and len(named) < len(clause) and best & {_DEGREES.get(w, w) for w in clause}:
            winner = " ".join(named)
            if not match(winner, [answer]) and not match(answer, [winner]):
                return True
    return False


_DEGREES = {
    **dict.fromkeys(["most", "best", "largest", "highest", "biggest", "greatest", "top"], "most"),
    **dict.fromkeys(["least", "worst", "fewest", "lowest", "smallest"], "least"),
}
_SUPERLATIVES = frozenset(["most", "least", "best", "worst", "fewest", "largest", "highest", "lowest"])


@lru_cache(maxsize=64)
def _superlatives(question: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of a question, and the degrees that it asks for; asked once for all of its completions."""
    asked = frozenset(words(question))
    return asked, frozenset(
        _DEGREES.get(w, w) for w in asked if w in _SUPERLATIVES or (len(w) > 5 and w.endswith("est"))
    )


def _closes(word: str) -> bool:
    return word[0] in ".,;!\n<" or word == "because"


def _other_degree(reading: Reading, answer: str) -> bool:
    """ "East has 45, the largest value" before "East" to "Which sold least?": only the opposite degree is said."""
    asked = {_DEGREES[w] for w in _superlatives(reading.question.text)[0] if w in _DEGREES}
    if len(asked) != 1:
        return False
    chain = reading.tokens.low[: reading.chain_tokens]
    said = {_DEGREES[w] for w in chain if w in _DEGREES}
    return len(said) == 1 and said != asked and set(words(answer)) <= set(chain)


def _other_text(reading: Reading, chain: list[Claim]) -> bool:
    """A question about text, answered with words that nothing the chain read resembles."""
    read = [str(c.value) for c in chain if c.kind == "text" and c.strong]
    said = [str(c.value) for c in reading.claims if c.kind == "text" and c.source == "answer"]
    if not read or len(said) != 1 or reading.question.kind != "text" or len(said[0]) > 60:
        return False
    if any(c.isdigit() for c in said[0]) and any(c.kind == "arithmetic" for c in chain):
        return False
    words = set(said[0].split())
    if said[0].isdigit() and said[0] in reading.tokens.low[: reading.chain_tokens]:
        return False  # "the bar of 2021 is labelled 180": the chain named it all the same
    return all(
        not words & set(text.split()) and Levenshtein.normalized_similarity(text, said[0]) < 0.8 for text in read
    )
