"""What a question asks for, and what an answer to it therefore claims."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from halo_forge.verifiers import lexicon_data as data
from halo_forge.verifiers.attach import Attacher
from halo_forge.verifiers.claim import Claim
from halo_forge.verifiers.lexicon import Lexicon, Noun, lexicon
from halo_forge.verifiers.lexicon_data import words
from halo_forge.verifiers.numbers import number_at
from halo_forge.verifiers.reader import Reader
from halo_forge.verifiers.sentence import Mention
from halo_forge.verifiers.sides import canonical
from halo_forge.verifiers.tokens import Tokens, plain, tokenise

_AUXILIARY = words("is are was were does do did can could has have will")
_COLOUR = frozenset(["colour", "color", "colours", "colors", "coloured", "colored"])
_TEXT = words(
    "say says said read reads written writing word words text name named called title label brand plate price "
    "cost costs time date number phone letter letters sign street route document company website address year "
    "percent percentage level discount printed logo destination caption headline total much product model dit "
    "dice"
)
_PLACES = words("left right above below behind under top bottom front upper lower")
_UNRESTRICTED = words(
    "are is there was were visible seen shown present in the this image picture photo scene total all can you see "
    "do here ? appear pictured of be counted altogether and how many does have has what number a"
)
_WHERE = words("on in at near to under above behind beside by below along from of over left right")
_MISSING = frozenset(["missing", "absent", "lacking", "lacks"])
_THERE = data.SEEN | {"in", "appear"}
_YES = frozenset(["yes", "yeah", "yep", "yup", "true", "correct", "si", "oui", "ja"])
_NO = frozenset(["no", "nope", "false", "incorrect", "non", "nein"])


@dataclass(frozen=True)
class Question:
    """`kind`: count, colour, side, yesno, text or object. `asked`: the thing it is about; `ground`: the
    other one of "left or right of the bench". `given`: names it presupposes. `restricted`: a count of only
    some ("on the shelf"). `proposition`: for yes/no, what a "yes" claims.
    `absent`: asks what is not there, so that an answer denies what it names."""

    kind: str
    text: str
    names: frozenset[str]
    given: frozenset[str]
    asked: Noun | None = None
    ground: Noun | None = None
    restricted: bool = False
    absent: bool = False
    proposition: tuple[Claim, ...] = ()
    depends: bool = False


@lru_cache(maxsize=4096)
def read_question(question: str, vocabulary: frozenset[str] | None) -> Question:
    """Analyse a question once per process."""
    words = lexicon(vocabulary)
    tokens = tokenise(question)
    sentences = Reader(tokens, words, set(), asking=True).read()
    mentions = [m for s in sentences for m in s.mentions]
    kind = _kind(tokens.low)
    asked = mentions[0] if mentions else None
    choice = "or" in tokens.low
    wh = bool(tokens.low) and tokens.low[0] not in _AUXILIARY and not choice
    given = frozenset(m.noun.name for m in mentions if m.definite or (wh and not m.negative))
    ground = mentions[1].noun if kind == "side" and len(mentions) > 1 else None
    return Question(
        kind=kind,
        text=plain(question),
        names=frozenset(m.noun.name for m in mentions),
        given=given,
        asked=asked.noun if asked else None,
        ground=ground,
        restricted=kind == "count" and (_restricted(tokens.low, asked) or _some_people(tokens.low, asked)),
        proposition=_proposition(tokens, sentences, _some_people(tokens.low, asked)) if kind == "yesno" else (),
        absent=kind == "object" and _absent(tokens.low),
    )


def _some_people(low: list[str], asked: Mention | None) -> bool:
    """ "How many women?", "Are there children?": the answer says nothing of the other people."""
    return asked is not None and asked.noun.name == "person" and low[asked.i] not in data.ANYONE


def _absent(low: list[str]) -> bool:
    """ "What is missing?", "Which of these isn't in the picture?" """
    if _MISSING & set(low):
        return True
    denied = next((i for i, w in enumerate(low) if w in ("not", "no") or w.endswith("n't")), len(low))
    return not _THERE.isdisjoint(low[denied + 1 : denied + 3])


def _kind(low: list[str]) -> str:
    have = set(low)
    if ("how" in have and "many" in have) or ("number" in have and "of" in have) or have & {"cuántas", "cuántos"}:
        return "count"
    if have & _COLOUR:
        return "colour"
    places = have & _PLACES
    if "where" in have or (places and ("or" in have or "side" in have or "relative" in have)):
        return "side" if not have & {"going", "from", "headed"} else "text"
    if low and low[0] in _AUXILIARY and "or" not in have:
        return "yesno"
    if any(word in _TEXT and not _elsewhere(low, i) for i, word in enumerate(low)):
        return "text"
    return "object"


def _elsewhere(low: list[str], i: int) -> bool:
    """ "What is on the street?" asks for no text: the word only says where."""
    return i >= 2 and low[i - 1] in data.DETERMINERS and low[i - 2] in _WHERE


def _restricted(low: list[str], asked: Mention | None) -> bool:
    if asked is None:
        return True
    return any(word not in _UNRESTRICTED for word in low[: asked.at] + low[asked.j :])


def _proposition(tokens: Tokens, sentences: list, some: bool) -> tuple[Claim, ...]:  # type: ignore[type-arg]
    attacher = Attacher(tokens, None, frozenset())
    for sentence in sentences:
        sentence.question = False
        attacher.add(sentence)
    placed = [
        c for c in attacher.claims if c.kind in ("relation", "side", "attribute") or (c.kind == "count" and not some)
    ]
    if placed:
        return tuple(placed[:1])
    if some:
        return ()
    loose = [m.noun.name for s in sentences for m in s.mentions if not m.definite]
    simple = not any(s.relations for s in sentences) and len(tokens) <= 9
    return tuple(c for c in attacher.claims if simple and c.kind == "object" and c.subject in loose)[:1]


def answer_claims(question: Question, text: str, words: Lexicon) -> list[Claim]:
    """What a bare answer claims, by the question's type; spans are offsets into `text`. Sentences are left
    to the reader, which reads them like any other."""
    tokens = tokenise(text)
    if not len(tokens) or len(tokens) > 12:
        return []
    if question.kind == "count":
        return _counts(question, tokens, words)
    if question.kind == "colour":
        return _colours(question, tokens, words)
    if question.kind == "side":
        return _sides(question, tokens, words)
    if question.kind == "yesno":
        return _polarity(question, tokens)
    if question.kind == "text":
        claim = _span(Claim("text", "answer", 0, 0, value=plain(text)), tokens)
        return [claim] if claim.value else []
    return []


def _span(claim: Claim, tokens: Tokens) -> Claim:
    claim.start, claim.end = tokens.start[0], tokens.end[-1]
    return claim


def _counts(question: Question, tokens: Tokens, words: Lexicon) -> list[Claim]:
    if question.asked is None:
        return []
    for i in range(len(tokens)):
        found = words.find(tokens.low, i)
        value = number_at(tokens.low, i)
        number = int(value[0]) if value and value[0] == int(value[0]) else None
        if number is None and found is not None and "N" in found[0]:
            number = found[0]["N"]
        if number is None and tokens.low[i] in ("none", "no"):
            number = 0
        if number is not None:
            if "or" in tokens.low or "-" in tokens.low:
                return []
            noun = question.asked
            claim = Claim("count", "answer", 0, 0, noun.name, noun.labels, noun.how, value=(number, number))
            claim.restricted = question.restricted
            return [_span(claim, tokens)]
    return []


def _colours(question: Question, tokens: Tokens, words: Lexicon) -> list[Claim]:
    noun = question.asked
    if noun is None or "or" in tokens.low:
        return []
    for word in tokens.low:
        if word in data.COLOURS:
            claim = Claim("attribute", "answer", 0, 0, noun.name, noun.labels, noun.how, value=data.COLOURS[word])
            return [_span(claim, tokens)]
    return []


def _sides(question: Question, tokens: Tokens, words: Lexicon) -> list[Claim]:
    noun = question.asked
    if noun is None or "or" in tokens.low:
        return []
    sides = canonical([data.SIDES[w] for w in tokens.low if w in data.SIDES][:3])
    if question.ground is None:
        if not sides:
            return []
        return [_span(Claim("side", "answer", 0, 0, noun.name, noun.labels, noun.how, value=sides), tokens)]
    names = [found[0]["R"] for i in range(len(tokens)) if (found := words.find(tokens.low, i)) and "R" in found[0]]
    names = [n for n in names if n not in ("on", "in", "none")] or [s for a, s in sides if a == "x" and s != "middle"]
    if not names:
        return []
    claim = Claim("relation", "answer", 0, 0, noun.name, noun.labels, noun.how, names[0])
    claim.object, claim.object_labels = question.ground.name, question.ground.labels
    return [_span(claim, tokens)]


def _polarity(question: Question, tokens: Tokens) -> list[Claim]:
    first = tokens.low[0]
    if first not in _YES and first not in _NO:
        return []
    claims = []
    for base in question.proposition:
        claim = Claim(base.kind, "answer", tokens.start[0], tokens.end[0], base.subject, base.labels, base.how)
        claim.relation, claim.object, claim.object_labels = base.relation, base.object, base.object_labels
        claim.value, claim.restricted, claim.definite = base.value, base.restricted, base.definite
        claim.polarity = base.polarity == (first in _YES)
        claims.append(claim)
    return claims
