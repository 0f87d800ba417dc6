"""What a claim is: one checkable statement of a completion about its image, with its place in the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Slot = tuple[str, ...]

_PAIRED = {
    "left": ("x", 1), "right": ("x", -1), "above": ("y", 1), "over": ("y", 1), "on top of": ("y", 1),
    "below": ("y", -1), "under": ("y", -1), "behind": ("z", 1), "in front of": ("z", -1),
    "more": ("n", 1), "fewer": ("n", -1),
}  # fmt: skip


@dataclass(slots=True)
class Claim:
    """`start`, `end`: characters of the completion. `polarity` False: the claim denies. `weight`: 1, ½
    hedged, 0 for the answer announced ("the answer is a bus").

    `subject` and `object` are names of the lexicon with their detector labels; `how` as in `lexicon.Noun`;
    `value` is the count bounds (low, high or None), the sides, the colour, the text, or the box;
    `restricted`: a count or absence only among some ("two people on the bench"); `definite`: one known thing;
    `last`: where it is said for the last time;
    `named`: capitalised in running text ("the Bears won");
    `strong` False: one of several (told apart by colour), or text that was not said to be written there.
    """

    kind: str
    source: str
    start: int
    end: int
    subject: str = ""
    labels: tuple[str, ...] = ()
    how: str = "="
    relation: str = ""
    object: str = ""
    object_labels: tuple[str, ...] = ()
    value: Any = None
    polarity: bool = True
    weight: float = 1.0
    restricted: bool = False
    definite: bool = True
    strong: bool = True
    named: bool = False
    retracted: bool = False
    last: int = 0
    verdict: str = "unknown"
    p: float = 0.5
    evidence: str = ""

    def key(self) -> tuple[Any, ...]:
        """Equal for two wordings of the same claim; duplicates count once."""
        if self.kind == "relation" and self.relation in _PAIRED and self.subject != self.object:
            slot, value = self.slots()[0]
            exact = self.relation in ("left", "right", "more", "fewer")
            return (
                "relation",
                slot,
                value,
                "" if exact else self.relation.replace("below", "above"),
                self.polarity,
            )
        return (self.kind, self.subject, self.relation, self.object, self.value, self.polarity)

    def slots(self) -> list[tuple[Slot, Any]]:
        """Single-valued places this claim fills; two values in one place contradict each other."""
        if self.kind == "object":
            return [] if self.restricted else [(("object", self.subject), True)]
        if self.kind == "count":
            low, high = self.value
            return [] if self.restricted or low != high else [(("count", self.subject), low)]
        if self.kind == "attribute":
            return [(("colour", self.subject), self.value)] if self.definite else []
        if self.kind == "side" and self.object:
            return [(("most", self.object, *self.value[0]), self.subject)]
        if self.kind == "side":
            return (
                [(("side", self.subject, axis), side) for axis, side in self.value]
                if self.definite and not self.restricted
                else []
            )
        if self.kind == "relation":
            return [self._relation_slot()] if self.subject != self.object else []
        if self.kind == "text" and self.object:
            return [(("label", self.object), self.value)] if self.definite else []
        return []

    def _relation_slot(self) -> tuple[Slot, Any]:
        if self.relation not in _PAIRED:
            return ("relation", self.relation, self.subject, self.object), True
        axis, sign = _PAIRED[self.relation]
        if self.subject <= self.object:
            return ("relation", axis, self.subject, self.object), sign
        return ("relation", axis, self.object, self.subject), -sign

    def describe(self) -> str:
        """The claim in canonical words, for the `claims` column."""
        words = self._words()
        return words if self.polarity else f"not: {words}"

    def _words(self) -> str:
        if self.kind == "object":
            return self.subject
        if self.kind == "count":
            low, high = self.value
            many = str(low) if low == high else f"{low} to {'any' if high is None else high}"
            return f"{many} {self.subject}"
        if self.kind == "side":
            where = " ".join(side for _, side in self.value)
            return f"{self.subject} is the {where}most {self.object}" if self.object else f"{self.subject} at {where}"
        if self.kind == "relation":
            than = " than" if self.relation in ("more", "fewer") else ""
            return f"{self.subject} {self.relation}{than} {self.object}"
        if self.kind == "attribute":
            return f"{self.subject} is {self.value}"
        if self.kind == "box":
            return f"{self.subject} in {list(self.value)}"
        return f"{self.object} {self.value}" if self.object else str(self.value)
