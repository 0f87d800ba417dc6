"""Conclusions that the chain's own words speak against: "Elephants: 2. Zebras: 1. Zebras win", "NO PARKING, so parking
is allowed"."""

from __future__ import annotations

from decimal import Decimal

from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.claims import Reading
from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.numbers import number_at
from halo_forge.verifiers.word_comparisons import COMPARES

MEANS = frozenset(["means", "meaning"])
FORBIDS = frozenset(["no", "prohibited", "forbidden", "don't"])
_ALL = frozenset(
    ["you", "people", "anyone", "everyone", "they", "one", "visitors", "drivers", "customers", "cars", "dogs"]
)


def permits(low: list[str], j: int) -> bool:
    """ "NO PARKING, so parking is allowed", "so you may park"."""
    word = low[j]
    if word in ("can", "may"):
        return low[j - 1] in _ALL
    return word in ("allowed", "permitted", "welcome", "legal") or (word == "free" and low[j + 1 : j + 2] == ["to"])


def wrong_comparisons(reading: Reading, chain: list[Claim]) -> int:
    """ "Elephants: 2. Zebras: 1. Zebras win", "A is 220 and B is 180; B is therefore larger"."""
    low = reading.tokens.low
    if _DEGREE_CUES.keys().isdisjoint(low):
        return 0
    values: dict[str, Decimal] = {}
    for claim in chain:
        if claim.kind == "count" and claim.polarity and claim.value[0] == claim.value[1] is not None:
            values[claim.subject] = Decimal(claim.value[0])
        elif claim.kind == "text" and claim.object and claim.polarity:
            found = number_at([str(claim.value)], 0)
            if found is not None:
                values[claim.object] = found[0]
    if len(values) < 2:
        return 0
    end = reading.chain_tokens if reading.chain else len(low)
    wrong = 0
    for i in [k for k, word in enumerate(low[:end]) if word in _DEGREE_CUES]:
        k = i - 1
        while k > max(0, i - 4) and low[k] in _BETWEEN:
            k -= 1
        own = next((n for n in (low[k], low[k][:-1], low[k][:-2]) if n in values), None) if k >= 0 else None
        if own is None or (low[i + 1 : i + 2] == ["than"] and low[i + 2 : i + 3][:1] and low[i + 2][0].isdigit()):
            continue
        rivals = [v for n, v in values.items() if n != own]
        beaten = max(rivals) >= values[own] if _DEGREE_CUES[low[i]] > 0 else min(rivals) <= values[own]
        several = _DEGREE_CUES[low[i]] in (1, -1) and len(rivals) > 1
        wrong += beaten and not several
    return wrong


_BETWEEN = words("is are was were therefore thus clearly so the has have had a then also hence obviously sold")
_DEGREE_CUES = {
    **COMPARES,
    **dict.fromkeys(["largest", "highest", "biggest", "greatest", "most", "win", "wins", "leads", "lead"], 2),
    **dict.fromkeys(["smallest", "lowest", "fewest", "least"], -2),
}
"""Comparatives (1) of two, superlatives (2) of all."""
