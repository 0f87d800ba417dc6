"""Text as the verifiers and metrics compare it: one normal form, its words, and numbers written in words.

`normalise` is NFKC, no zero-width characters, plain quotes and minus, casefolded, single spaces.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

MAX_CHARS = 20_000
"""Longer texts are read up to here, whatever a model writes."""

_DROP = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "−": "-",
    "‐": "-",    "‑": "-", "–": "-", "—": "-", "…": "...",
})  # fmt: skip
_WORD = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")
EDGES = " \t\n.,;:!?\"'`*_()[]{}<>|~#"


def fold(text: str) -> str:
    """NFKC, plain quotes and minus, no zero-width characters, single spaces; case kept."""
    text = text[:MAX_CHARS]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_DROP).translate(_PLAIN)).translate(_PLAIN)[:MAX_CHARS]
    return " ".join(text.split())


@lru_cache(maxsize=128)  # one answer is looked at by many rules
def normalise(text: str) -> str:
    """The form in which two texts are compared."""
    return fold(text).casefold()


@lru_cache(maxsize=128)
def strip_accents(text: str) -> str:
    """Letters without their marks ("más" -> "mas")."""
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def plain(text: str) -> str:
    """Normalised, accents and outer punctuation gone: equal for "STOP!" and "Stop"."""
    return strip_accents(normalise(text)).strip(EDGES)


@lru_cache(maxsize=128)
def words(text: str) -> list[str]:
    """Word and number tokens of the normalised text, accents stripped. Shared: not to be changed."""
    return _WORD.findall(strip_accents(normalise(text)))


def _rows(table: str) -> list[str]:
    return table.split("|")


ONES = {
    word: value
    for value, same in enumerate(
        _rows("""zero zilch nought cero null zero|one uno una un une ein eine um uma\
|two dos deux zwei due dois duas
        |three tres trois drei tre|four cuatro quatre vier quattro quatro\
|five cinco cinq funf cinque|six seis sechs sei
        |seven siete sept sieben sette sete|eight ocho huit acht otto oito\
|nine nueve neuf neun nove|ten diez dix zehn dieci dez
        |eleven once onze elf undici|twelve doce douze zwolf dodici doze\
|thirteen trece treize dreizehn tredici treze
        |fourteen catorce quatorze vierzehn quattordici|fifteen quince quinze funfzehn quindici\
|sixteen dieciseis seize sechzehn sedici
        |seventeen diecisiete dix-sept siebzehn diciassette|eighteen dieciocho dix-huit achtzehn diciotto
        |nineteen diecinueve dix-neuf neunzehn diciannove""")
    )
    for word in same.split()
}
TENS = {
    word: 20 + 10 * i
    for i, same in enumerate(
        _rows("""twenty veinte vingt zwanzig venti vinte\
|thirty treinta trente dreissig trenta trinta|forty fourty cuarenta quarante vierzig
        |fifty cincuenta cinquante funfzig|sixty sesenta soixante sechzig|seventy setenta siebzig\
|eighty ochenta achtzig
        |ninety noventa neunzig""")
    )
    for word in same.split()
}
SCALES = {
    "hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "k": 1_000,
    "mil": 1_000, "cien": 100, "cent": 100, "mille": 1_000, "hundert": 100, "tausend": 1_000, "m": 10**6,
    "mn": 10**6, "mln": 10**6, "bn": 10**9, "millions": 10**6, "billions": 10**9,
}  # fmt: skip
_WORD_SCALES = {k: v for k, v in SCALES.items() if len(k) > 3 and k != "cent"}
_ORDINAL_ONES = {
    word: value
    for value, word in enumerate(
        _rows(
            "zeroth|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth"
            "|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth"
        )
    )
}
_ORDINAL_TENS = {f"{word[:-1]}ieth": value for word, value in TENS.items() if word.endswith("ty")}
GROUPS: dict[str, int | Decimal] = {
    "dozen": 12, "dozens": 12, "pair": 2, "couple": 2, "both": 2, "trio": 3, "triple": 3, "single": 1,
    "none": 0, "nobody": 0, "nothing": 0, "half": Decimal("0.5"),
}  # fmt: skip
_SHARES = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
}  # fmt: skip


def spelled(tokens: list[str], i: int) -> tuple[Decimal, int, bool] | None:
    """A number in words that starts at token i: (value, index after it, ordinal); None when there is none."""
    if (group := _group(tokens, i)) is not None:
        return group
    total, current, j, seen = 0, 0, i, False
    while j < len(tokens):
        word = tokens[j]
        if word in _ORDINAL_ONES or word in _ORDINAL_TENS:
            value = _ORDINAL_ONES.get(word, _ORDINAL_TENS.get(word, 0))
            return Decimal(total + current + value), j + 1, True
        if word in ONES and (not seen or current % 100 == 0 or (current % 10 == 0 and ONES[word] < 10)):
            current += ONES[word]
        elif word in TENS and current % 100 == 0:
            current += TENS[word]
        elif word in _WORD_SCALES and seen:
            current = max(current, 1) * _WORD_SCALES[word]
            if _WORD_SCALES[word] >= 1000:
                total, current = total + current, 0
        elif word != "and" or not seen or current % 100 or not _small(tokens[j + 1 : j + 2]):
            break
        seen = True
        j += 1
    return (Decimal(total + current), j, False) if seen else None


def _small(words: list[str]) -> bool:
    return bool(words) and (words[0] in ONES or words[0] in TENS)


def _group(tokens: list[str], i: int) -> tuple[Decimal, int, bool] | None:
    """Dozens, pairs, halves: "half a dozen" 6, "a dozen" 12, "three quarters" 0.75."""
    word = tokens[i]
    after = tokens[i + 1 : i + 3]
    if word == "half" and after[-1:] in (["dozen"],):
        return Decimal(6), i + 1 + len(after), False
    if word in ("a", "an", "one") and after[:1] and after[0] in ("dozen", "pair", "couple", "half"):
        return Decimal(GROUPS[after[0]]), i + 2, False
    if word in ("a", "an", "one") and after[:1] and after[0] in ("third", "quarter", "fourth"):
        return Decimal(1) / _SHARES[after[0]], i + 2, False
    if word in ONES and ONES[word] > 1 and after[:1]:
        if after[0] == "dozen":
            return Decimal(ONES[word] * 12), i + 2, False
        if after[0] in _SHARES and after[0].endswith("s"):
            return Decimal(ONES[word]) / _SHARES[after[0]], i + 2, False
    return (Decimal(GROUPS[word]), i + 1, False) if word in GROUPS else None
