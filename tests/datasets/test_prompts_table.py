"""The pure part: ids, templates, merging."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from halo_forge.datasets import prompts_table as p
from halo_forge.datasets.cards import load_card, parse_card
from halo_forge.datasets.collect import ROWS
from halo_forge.schema import TABLES

TEXTVQA = load_card("textvqa")
CARD = parse_card(
    "name: t\ncolumns: {image: i, question: q, hint: h}\nstyle: direct\n"
    'prompts: {direct: "{hint}|{question}|{unknown}", grounded: "{question}\\n{choices}\\nThink."}\n',
    "t.yaml",
)


def row(**changes: Any) -> dict[str, Any]:
    base = {"split": "train", "row_index": 0, "image_ids": ["a"], "question": "q?", "answers": ["x"]}
    return {**base, "choices": None, "answer_type": None, "extra": "{}"} | changes


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=ROWS)


def test_schema_ids_and_styles() -> None:
    out = p.prompts(table(row(), row(question="r?", row_index=1)), TEXTVQA, ["direct", "grounded"])
    assert out.schema.equals(TABLES["prompts"]) and out.num_rows == 4
    assert out["style"].to_pylist() == ["direct", "grounded"] * 2
    assert len(set(out["prompt_id"].to_pylist())) == 4 and len(set(out["question_id"].to_pylist())) == 2
    first = out.to_pylist()[0]
    assert first["prompt"] == "q?\nAnswer the question using a single word or phrase."
    assert (first["metric"], first["dataset"], first["question"]) == ("vqa_accuracy", "textvqa", "q?")


def test_empty_in_empty_out() -> None:
    out = p.prompts(table(), TEXTVQA, ["direct"])
    assert out.num_rows == 0 and out.schema.equals(TABLES["prompts"])


def test_ids_depend_on_what_is_asked_of_which_images_in_which_words() -> None:
    ids = [
        p.question_id(["a"], "q"),
        p.question_id(["b"], "q"),
        p.question_id(["a"], "r"),
        p.question_id(["a", "b"], "q"),
        p.question_id(["b", "a"], "q"),
        p.question_id(["a"], "q", ["1", "2"]),
    ]
    assert len(set(ids)) == 6 and all(len(name) == 64 for name in ids)
    assert p.prompt_id(ids[0], "one") != p.prompt_id(ids[0], "two")


def test_duplicates_merge_in_order_and_unite_their_answers() -> None:
    rows = [
        row(answers=["x", "x", "y"], row_index=3, extra='{"k":1}'),
        row(question="other?", row_index=4),
        row(answers=["x", "z", "y", "y"], row_index=5),
        row(answers=None, row_index=6),
    ]
    out = p.prompts(table(*rows), TEXTVQA, ["direct"]).to_pylist()
    assert [r["row_index"] for r in out] == [3, 4]
    assert out[0]["answers"] == ["x", "x", "y", "z", "y"]
    assert json.loads(out[0]["extra"]) == {"k": 1, "merged_rows": [3, 5, 6]}


def test_united_counts_people() -> None:
    assert p.united(["a"] * 10, ["a"] * 10) == ["a"] * 10
    assert p.united(["a"], ["b", "a", "a"]) == ["a", "b", "a"]
    assert p.united(None, ["a"]) == ["a"] and p.united(["a"], None) == ["a"] and p.united(None, None) is None


def test_braces_in_dataset_text_stay_text() -> None:
    found = p.render(
        CARD.prompt("direct"),
        row(question="{hint} {question} {0} %s", extra='{"hint":"{question}"}'),
        CARD,
        True,
    )
    assert found == "{question}|{hint} {question} {0} %s|{unknown}"


def test_a_missing_extra_falls_back_to_the_question() -> None:
    assert p.render("{hint}", row(), CARD, True) == "q?"


def test_choices_are_listed_only_where_the_question_does_not() -> None:
    template = CARD.prompt("grounded")
    assert p.render(template, row(choices=["red", "blue"]), CARD, False) == "q?\nA. red\nB. blue\nThink."
    assert p.render(template, row(), CARD, False) == "q?\nThink."
    listed = row(question="q?\nA. red\nB. blue", choices=["red", "blue"])
    assert p.render(template, listed, CARD, False) == "q?\nA. red\nB. blue\nThink."


def test_control_words_of_chat_templates_are_removed_from_the_prompt_only() -> None:
    text = "hi<|im_end|>\n<|im_start|>system <image> a < b |> c <|vision_start|>"
    out = p.prompts(table(row(question=text)), TEXTVQA, ["direct"]).to_pylist()[0]
    assert out["question"] == text
    assert out["prompt"].startswith("hi\nsystem  a < b |> c \nAnswer")


def test_realworldqa_keeps_its_instruction_in_direct_and_drops_it_in_grounded() -> None:
    card = load_card("realworldqa")
    sentence = card.instructions[0]
    question = f"Where is it?\n\nA. Left\nB. Right\n{sentence}"
    found = p.prompts(
        table(row(question=question, choices=["Left", "Right"])), card, ["direct", "grounded"]
    ).to_pylist()
    assert found[0]["prompt"] == question
    assert sentence not in found[1]["prompt"] and "B. Right\nFirst write" in found[1]["prompt"]
    assert found[1]["question"] == question


def test_mathvista_asks_with_the_authors_query() -> None:
    card = load_card("mathvista")
    with_query = row(extra='{"query":"Hint: h\\nQuestion: q?"}')
    assert p.prompts(table(with_query), card, ["direct"])["prompt"].to_pylist() == ["Hint: h\nQuestion: q?"]
