"""The word tables compiled into one trie: a phrase is found by dictionary look-ups, longest match first.

An entry maps a role to its payload, because one word can play several ("orange" a fruit and a colour, "over"
a relation and a bound). Roles: O object, R relation, S side, C colour, N number, Q quantity range, B bound,
D list order, G negation, K not a negation, H hedge, E escape, X correction, I inference, Y hypothetical, V says-verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from halo_forge.verifiers import lexicon_data as data

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Noun:
    """A surface form. `how`: "=" the label itself, "<" narrower than it, ">" broader than each of `labels`.
    `number`: "s" singular, "p" plural, "b" both."""

    name: str
    labels: tuple[str, ...]
    how: str
    number: str


class Lexicon:
    """Phrase look-up for one detector vocabulary (COCO-80 words are always known)."""

    def __init__(self, vocabulary: frozenset[str]) -> None:
        self.trie: dict[str, Any] = {}
        self._nouns(vocabulary)
        self._phrases()

    def _add(self, phrase: str, role: str, payload: Any) -> None:
        node = self.trie
        for word in phrase.replace("-", " - ").split():
            node = node.setdefault(word, {})
        node.setdefault("", {}).setdefault(role, payload)

    def _nouns(self, vocabulary: frozenset[str]) -> None:
        for label, forms, narrower in coco_table():
            for form in forms:
                self._noun(form, Noun(label, (label,), "=", "s"))
            for form in narrower:
                self._noun(form, Noun(form, (label,), "<", "s"))
        known = {entry for entry, _, _ in coco_table()}
        for label in sorted(vocabulary):
            canonical = canonical_label(label)
            if canonical not in known:
                self._noun(label, Noun(canonical, (canonical,), "=", "s"))
        for head, labels in coloured_heads(vocabulary).items():
            if head not in known:
                self._noun(head, Noun(head, labels, "=", "s"))
        for word, members in data.BROADER.items():
            labels = tuple(m.strip() for m in members.split(","))
            self._noun(word, Noun(word, labels, ">", "s"))

    def _noun(self, form: str, noun: Noun) -> None:
        for many in plural(form):
            if many == form:
                noun = Noun(noun.name, noun.labels, noun.how, "b")
            else:
                self._add(many, "O", Noun(noun.name, noun.labels, noun.how, "p"))
        self._add(form, "O", noun)

    def _phrases(self) -> None:
        add = self._add
        tables: list[tuple[str, dict[str, Any]]] = [
            ("R", data.RELATIONS), ("S", data.SIDES), ("C", data.COLOURS), ("N", data.NUMBERS),
            ("Q", data.RANGES), ("D", data.ORDERS),
        ]  # fmt: skip
        for role, table in tables:
            for phrase, payload in table.items():
                add(phrase, role, payload)
        for role, words in (
            ("H", data.HEDGES), ("E", data.ESCAPES), ("X", data.CORRECTIONS), ("I", data.INFERENCE),
            ("Y", data.HYPOTHETICAL), ("V", data.SAYS), ("K", data.NOT_NEGATION), ("G", data.NEGATORS),
            ("G", data.NEGATIVE_PHRASES), ("U", data.GONE),
        ):  # fmt: skip
            for phrase in sorted(words):
                add(phrase, role, phrase)
        for kind, phrases in (
            (">=", data.LEAST), (">", data.MORE), ("<=", data.MOST), ("<", data.LESS), ("~", data.ABOUT),
        ):  # fmt: skip
            for phrase in phrases:
                add(phrase, "B", kind)

    def find(self, low: list[str], i: int) -> tuple[Entry, int] | None:
        """The longest entry that starts at token i, and the index after it."""
        node = self.trie.get(low[i])
        if node is None:
            return None
        best: tuple[Entry, int] | None = None
        entry = node.get("")
        if entry is not None:
            best = (entry, i + 1)
        j, n = i + 1, len(low)
        while j < n:
            node = node.get(low[j])
            if node is None:
                break
            j += 1
            entry = node.get("")
            if entry is not None:
                best = (entry, j)
        return best


def coloured_heads(vocabulary: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Things whose labels carry a colour: "circle" -> ("blue circle", "red circle")."""
    heads: dict[str, list[str]] = {}
    for label in sorted(canonical_label(v) for v in vocabulary):
        colour, _, head = label.partition(" ")
        if colour in data.COLOURS and head:
            heads.setdefault(head, []).append(label)
    return {head: tuple(labels) for head, labels in heads.items() if head not in vocabulary}


def plural(form: str) -> tuple[str, ...]:
    """Plural forms of a noun phrase by table, then by the regular rules; the last word is the one that
    changes."""
    if form in data.IRREGULAR:
        return tuple(p.strip() for p in data.IRREGULAR[form].split(","))
    head, _, last = form.rpartition(" ")
    if last in data.IRREGULAR:
        many = data.IRREGULAR[last].split(",")[0].strip()
    elif last.endswith(("s", "x", "ch", "sh", "z")):
        many = last if last.endswith("ss") is False and last.endswith("s") and len(last) > 4 else last + "es"
    elif last.endswith("y") and len(last) > 1 and last[-2] not in "aeiou":
        many = last[:-1] + "ies"
    elif last.endswith("man"):
        many = last[:-2] + "en"
    else:
        many = last + "s"
    return (f"{head} {many}".strip(),)


@lru_cache(maxsize=1)
def coco_table() -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """(label, equal forms with the label first, narrower forms) of every COCO-80 label."""
    rows = []
    for line in data.LABELS.strip().splitlines():
        label, _, rest = line.partition("=")
        equal, _, narrower = rest.partition("<")
        label = label.strip()
        rows.append((label, (label, *_split(equal)), tuple(_split(narrower))))
    return tuple(rows)


def _split(forms: str) -> list[str]:
    return [f.strip() for f in forms.split(",") if f.strip()]


COCO = frozenset(label for label, _, _ in coco_table())
"""The 80 labels of COCO detection, lower case."""

_EQUAL = {form: label for label, forms, _ in coco_table() for form in forms}
_SIBLINGS: dict[str, frozenset[str]] = {}
for _group in data.SIBLINGS.strip().splitlines():
    _members = frozenset(_group.split("|"))
    for _m in _members:
        _SIBLINGS[_m] = _SIBLINGS.get(_m, frozenset()) | (_members - {_m})


def canonical_label(label: str) -> str:
    """The name the claim layer uses for a detector's label ("sofa" and "couch" are one)."""
    name = label.casefold().replace("_", " ").strip()
    return _EQUAL.get(name, name)


def siblings(label: str) -> frozenset[str]:
    """Labels that a detector is known to confuse with this one."""
    return _SIBLINGS.get(label, frozenset())


@lru_cache(maxsize=8)
def lexicon(vocabulary: frozenset[str] | None) -> Lexicon:
    """The compiled lexicon for a detector vocabulary; built once per vocabulary and process."""
    return Lexicon(vocabulary or frozenset())
