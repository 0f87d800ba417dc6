"""Cards: the bundled ones, a user's own, and what is wrong with a broken one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from halo_forge.datasets.cards import list_cards, load_card, parse_card
from halo_forge.errors import UserError

SIZES = {
    "textvqa": {"train": 34602, "eval": 5000, "test": 5734},
    "docvqa": {"train": 39463, "eval": 5349, "test": 5188},
    "chartqa": {"train": 28299, "val": 1920, "eval": 2500},
    "realworldqa": {"eval": 765},
    "mathvista": {"eval": 1000, "test": 5141},
}
SETTINGS = {
    "textvqa": ("vqa_accuracy", 0.6),
    "docvqa": ("anls", 0.9),
    "chartqa": ("relaxed_accuracy", 1.0),
    "realworldqa": ("realworldqa", 1.0),
    "mathvista": ("mathvista", 1.0),
    "shapes": ("match", 0.9),
}
MINE = """
name: mine
task: Count sheep
splits: {train: {hub: me/sheep, split: train}, eval: {file: eval.jsonl}}
columns: {image: photo, question: ask, answers: [gold, answer]}
metric: match
threshold: 0.9
style: direct
prompts: {direct: "{question} One word."}
"""


def test_bundled_cards_in_order_with_real_sizes_metrics_and_thresholds() -> None:
    cards = list_cards()
    assert [card.name for card in cards] == [
        "shapes",
        "textvqa",
        "docvqa",
        "chartqa",
        "realworldqa",
        "mathvista",
    ]
    for card in cards:
        assert (card.metric, card.threshold) == SETTINGS[card.name]
        if card.name in SIZES:
            assert {name: split.rows for name, split in card.splits.items()} == SIZES[card.name]
        assert card.task and card.licence and card.reasoning and card.min_pixels and card.max_pixels
        assert card.prompt(card.style)
        assert card.trainable or card.why


def test_listing_loads_nothing_heavy() -> None:
    code = (
        "import sys; from halo_forge.datasets.cards import list_cards; list_cards();"
        "bad = {'torch', 'pyarrow', 'datasets', 'duckdb', 'numpy', 'transformers', 'PIL'} & set(sys.modules);"
        "sys.exit(', '.join(bad) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_roles_and_the_sets_own_split_names_find_the_same_split() -> None:
    assert load_card("textvqa").split("validation") is load_card("textvqa").split("eval")
    assert load_card("mathvista").split("testmini").rows == 1000
    assert load_card("chartqa").split("val").places[0].split == "val"
    assert load_card("docvqa").split("eval").places[1].config == "DocVQA"
    assert not load_card("textvqa").split("test").answers


def test_unknown_split_names_what_there_is() -> None:
    with pytest.raises(UserError, match=r"chartqa has no such split; did you mean .val"):
        load_card("chartqa").split("vall")


@pytest.mark.parametrize("name", ["realworldqa", "mathvista"])
def test_sets_that_may_not_be_trained_on_say_why(name: str) -> None:
    with pytest.raises(UserError, match="evaluate on it"):
        load_card(name).split("train")


def test_published_scores_by_model() -> None:
    row = load_card("textvqa").published_score("Qwen/Qwen2-VL-7B-Instruct")
    assert row is not None and (row.score, row.split) == (84.3, "validation") and row.source
    assert load_card("textvqa").published_score("someone/else") is None


def test_unknown_dataset_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"did you mean .textvqa"):
        load_card("texvqa")


def test_a_yaml_file_adds_a_dataset(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    card = load_card(str(path))
    assert card.name == "mine" and card.columns["answers"] == ("gold", "answer")
    assert card.split("train").places[0].hub == "me/sheep"
    assert card.split("eval").files == (str(tmp_path / "eval.jsonl"),)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metric: match", "metric: accuracy", "field metric: 'accuracy'"),
        ("metric: match", "metrik: match", "unknown field 'metrik'; did you mean 'metric'"),
        ("threshold: 0.9", "threshold: high", "field threshold: must be a number"),
        ("threshold: 0.9", "threshold: 2", "field threshold: must be above 0"),
        ("style: direct", "style: grounded", "field style"),
        ("{question} One word.", "One word.", "no {question} placeholder"),
        ("image: photo, ", "", "image is missing"),
        ("question: ask", "question: 3", "columns.question: must be text"),
        ("name: mine", "name: [", "not valid YAML"),
        ("hub: me/sheep", "hubb: me/sheep", "splits.train: unknown field 'hubb'"),
        ("task: Count sheep", "trainable: false", "field why"),
        ("task: Count sheep", "max_pixels: many", "max_pixels: must be a whole number"),
        ("task: Count sheep", "published: [{model: a}]", "field published"),
    ],
)
def test_a_broken_card_is_one_line_with_file_and_field(old: str, new: str, message: str) -> None:
    assert old in MINE
    with pytest.raises(UserError) as caught:
        parse_card(MINE.replace(old, new), "mine.yaml")
    text = str(caught.value)
    assert text.startswith("mine.yaml: ") and message in text and "\n" not in text


def test_yaml_cannot_make_objects() -> None:
    with pytest.raises(UserError, match="not valid YAML"):
        parse_card("!!python/object/apply:os.system ['true']", "x.yaml")


def test_files_and_hub_ids_without_a_card(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("")
    card = load_card(str(path))
    assert card.name == "rows" and card.metric == "match" and card.split("train").files == (str(path),)
    place = load_card("me/sheep:wool:dev").split("train").places[0]
    assert (place.hub, place.config, place.split) == ("me/sheep", "wool", "dev")


@pytest.mark.parametrize("name", ["gone.yaml", "gone.jsonl", "gone.parquet"])
def test_missing_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no such"):
        load_card(str(tmp_path / name))
