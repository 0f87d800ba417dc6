"""The pure part of the prompts stage: light rows in, one row per question and prompt style out."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from halo_forge.datasets.card import Card
from halo_forge.datasets.rows import choices_in
from halo_forge.schema import from_rows

CONTROL = re.compile(r"<\|[^|<>\s]{1,40}\|>|</?(?:image|video|img|s)>|\[/?INST\]")
"""Control words of chat templates and image placeholders: dataset text must not open a turn or claim a
picture."""
BATCH = 4096
PLACEHOLDER = re.compile(r"\{([a-z_]{1,40})\}")


def question_id(image_ids: Sequence[str], question: str, choices: Sequence[str] | None = None) -> str:
    """sha256 of the image ids and the question (and its options: other options make another question)."""
    return _digest([list(image_ids), question] + ([list(choices)] if choices else []))


def prompt_id(question: str, template: str) -> str:
    """sha256 of a question id and the template it is asked with."""
    return _digest([question, template])


def render(template: str, row: dict[str, Any], card: Card, own_instructions: bool) -> str:
    """The user text: placeholders filled in one pass, so that braces in dataset text stay text. A line that
    holds only `{choices}` goes where there are none, or where the question lists them. Without
    `own_instructions` the sentences the card lists as the set's own instruction are left out."""
    extra = json.loads(row["extra"] or "{}")
    values = {name: str(extra[name]) for name in card.columns if name in extra}
    values["question"] = row["question"]
    values["choices"] = _options(row)
    if not own_instructions:
        for sentence in card.instructions:
            values = {name: value.replace(sentence, "").rstrip() for name, value in values.items()}
    if not values["choices"]:
        template = template.replace("{choices}\n", "").replace("\n{choices}", "")

    def fill(match: re.Match[str]) -> str:
        if match[1] in values:
            return values[match[1]]
        return row["question"] if match[1] in card.columns else match[0]

    return CONTROL.sub("", PLACEHOLDER.sub(fill, template)).strip()


def prompts(rows: pa.Table, card: Card, styles: Sequence[str]) -> pa.Table:
    """Rows of `collect.ROWS` -> the prompts table: duplicates merged in order of first appearance, then one
    row for each style. The numbers of merged rows are in `extra.merged_rows`. Only `BATCH` rows are Python
    objects at once."""
    templates = [(style, card.prompt(style)) for style in styles]
    names, more = _questions(rows)
    made = [from_rows([], "prompts")]
    firsts = list(names.items())
    for start in range(0, len(firsts), BATCH):
        chunk = firsts[start : start + BATCH]
        first, last = chunk[0][1], chunk[-1][1]
        near = rows.slice(first, last + 1 - first)
        found = near.take(pa.array([place - first for _, place in chunk], pa.int64())).to_pylist()
        asked: list[dict[str, Any]] = []
        for (name, place), row in zip(chunk, found, strict=True):
            others = [rows.slice(other, 1).to_pylist()[0] for other in more.get(place, ())]
            asked += _asked(name.hex(), merged(row, others), card, templates)
        made.append(from_rows(asked, "prompts"))
    return pa.concat_tables(made)


def _questions(rows: pa.Table) -> tuple[dict[bytes, int], dict[int, list[int]]]:
    """Digest of each distinct question -> the first row that asks it; that row -> the others that do."""
    names: dict[bytes, int] = {}
    more: dict[int, list[int]] = {}
    place = 0
    for batch in rows.select(["image_ids", "question", "choices"]).to_batches(max_chunksize=BATCH):
        for row in batch.to_pylist():
            name = bytes.fromhex(question_id(row["image_ids"], row["question"], row["choices"]))
            first = names.setdefault(name, place)
            if first != place:
                more.setdefault(first, []).append(place)
            place += 1
    return names, more


def _asked(
    name: str, row: dict[str, Any], card: Card, templates: Sequence[tuple[str, str]]
) -> Iterable[dict[str, Any]]:
    """A question's rows of the prompts table, one for each style."""
    for style, template in templates:
        yield {
            **{key: row[key] for key in ("image_ids", "split", "row_index", "question", "answers", "choices")},
            **{key: row[key] for key in ("answer_type", "extra")},
            "prompt_id": prompt_id(name, template),
            "question_id": name,
            "dataset": card.name,
            "style": style,
            "prompt": render(template, row, card, own_instructions=style == "direct"),
            "metric": card.metric,
        }


def merged(first: dict[str, Any], others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rows that ask the same of the same images as one, with their answers united."""
    if not others:
        return first
    answers = first["answers"]
    for row in others:
        answers = united(answers, row["answers"])
    extra = json.loads(first["extra"] or "{}")
    extra["merged_rows"] = [first["row_index"], *(row["row_index"] for row in others)]
    return {**first, "answers": answers, "extra": to_json(extra)}


def united(first: list[str] | None, second: list[str] | None) -> list[str] | None:
    """All answers of both; one that several people gave keeps the larger of its two counts, because VQA
    accuracy counts people."""
    if first is None or second is None:
        return second if first is None else first
    have = Counter(first)
    more = Counter(second) - have
    added = []
    for answer in reversed(second):
        if more[answer] > 0:
            more[answer] -= 1
            added.append(answer)
    return first + added[::-1]


def to_json(value: object) -> str:
    """Compact JSON with sorted keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _options(row: dict[str, Any]) -> str:
    if not row["choices"] or choices_in(row["question"]):
        return ""
    return "\n".join(f"{chr(ord('A') + i % 26)}. {choice}" for i, choice in enumerate(row["choices"]))


def _digest(value: object) -> str:
    return hashlib.sha256(to_json(value).encode()).hexdigest()
