"""The published rules, one example each, and what stands for no ground truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_forge.metrics import METRICS, score, threshold_of
from halo_forge.metrics.realworldqa import pick_letter
from halo_forge.metrics.vqa_accuracy import CONTRACTIONS, process


@pytest.mark.parametrize(
    ("matches", "expected"), [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (9, 1.0), (10, 1.0)]
)
def test_vqa_accuracy_by_number_of_agreeing_annotators(matches: int, expected: float) -> None:
    answers = ["Stop"] * matches + [f"other {i}" for i in range(10 - matches)]
    assert score("vqa_accuracy", "the stop", answers) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("raw", "processed"),
    [
        ("Two", "2"),
        ("none", "0"),
        ("98.", "98"),
        (".5", ".5"),
        ("red,blue", "redblue"),
        ("red, blue", "red blue"),
        ("dont", "don't"),
        ("couldntve", "couldntve"),
        ("couldnt've", "couldn't've"),
        ("somebody'd", "somebodyd"),
        ("john's", "john 's"),
        ("well-known", "well known"),
        ("a/ b", "b"),
        ("eleven", "eleven"),
    ],
)
def test_answer_processing(raw: str, processed: str) -> None:
    assert process(raw) == processed


def test_only_the_first_32_periods_are_dropped() -> None:
    assert process("." * 40) == "." * 8


def test_contraction_table_is_lower_case_and_never_maps_a_form_to_itself() -> None:
    assert len(CONTRACTIONS) == 114
    assert all(key == key.lower() and key != form for key, form in CONTRACTIONS.items())


@pytest.mark.parametrize(
    ("prediction", "answer", "expected"),
    [
        ("12", "13", 0.5),
        ("12", "34", 0.0),
        ("Harbor   University", "harbor university", 1.0),
        ("ß", "ss", 0.0),
    ],
)
def test_anls(prediction: str, answer: str, expected: float) -> None:
    assert score("anls", prediction, [answer]) == expected


@pytest.mark.parametrize(
    ("prediction", "answer", "expected"),
    [
        ("95", "100", 1.0),
        ("94.9", "100", 0.0),
        ("62%", "0.62", 1.0),
        ("62%", "62", 0.0),
        ("0.0", "0", 0.0),
        ("0", "0", 1.0),
        ("2008", "2010", 1.0),
        ("1,000", "1000", 0.0),
        ("nan", "5", 0.0),
        ("YES", "Yes", 1.0),
    ],
)
def test_relaxed_accuracy(prediction: str, answer: str, expected: float) -> None:
    assert score("relaxed_accuracy", prediction, [answer]) == expected


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("The correct answer is C because Drivers turn.", "D"),
        ("A car is parked, so the answer is B.", "A"),
        ("N/A", "A"),
        ("BD", "D"),
        ("A or B", "A"),
        ("b", ""),
        ("Right", ""),
        ("", ""),
        ("答案是C", "C"),
    ],
)
def test_letters_are_picked_as_published(reply: str, letter: str) -> None:
    assert pick_letter(reply) == letter


@pytest.mark.parametrize(
    ("prediction", "kind", "precision", "answer", "expected"),
    [
        ("14.7", "integer", None, "14", 1.0),
        ("1e400", "integer", None, "0", 0.0),
        ("1.23", "float", 1.0, "1.2", 1.0),
        ("1.2", "float", float("nan"), "1.2", 0.0),
        ("14 cm", "integer", None, "14", 0.0),
        ("[1, 2]", "list", None, "[1, 2]", 1.0),
        ("[1,2]", "list", None, "[1, 2]", 0.0),
    ],
)
def test_mathvista_free_form(prediction: str, kind: str, precision: float | None, answer: str, expected: float) -> None:
    assert score("mathvista", prediction, [answer], answer_type=kind, precision=precision) == expected


def test_mathvista_choices_by_letter_or_nearest_text() -> None:
    def right(said: str | None) -> float | None:
        return score("mathvista", said, ["blue"], choices=["red", "blue"], question_type="multi_choice")

    assert [right(s) for s in ("B", "(b) whatever", "bleu", "A", None)] == [1.0, 1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("gold", [None, [], [""], ["  ", None]])
def test_no_ground_truth_is_none_and_never_right(metric: str, gold: list[str] | None) -> None:
    assert score(metric, "", gold) is None
    assert score(metric, "x", gold) is None


def test_unreadable_mathvista_gold_is_none() -> None:
    assert score("mathvista", "x", ["about five"], answer_type="integer") is None
    assert score("mathvista", "red", ["green"], choices=["red", "blue"]) is None


@pytest.mark.parametrize("gold", [3, 3.0, True, 0, [3], b"3"])
def test_gold_of_any_type_is_read(gold: object) -> None:
    assert score("match", str(gold if not isinstance(gold, list) else gold[0]), gold) == 1.0


def test_unknown_metric_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="anls"):
        score("anlz", "a", ["a"])
    with pytest.raises(ValueError, match="match"):
        threshold_of("mach")


anything = st.text(max_size=60) | st.sampled_from(["4 or 5", "(B)", "3.5%", "2015/16", "the answer is A", "١٢"])


@given(st.sampled_from(METRICS), anything, st.lists(anything, max_size=4), st.booleans())
def test_scores_stay_in_the_unit_interval(metric: str, said: str, gold: list[str], optional: bool) -> None:
    value = score(metric, said, gold, choices=["red", "blue"] if optional else None, answer_type="integer")
    assert value is None or 0.0 <= value <= 1.0


@given(st.sampled_from(METRICS), anything, st.lists(anything, min_size=1, max_size=5))
def test_order_of_references_does_not_matter(metric: str, said: str, gold: list[str]) -> None:
    assert score(metric, said, gold) == pytest.approx(score(metric, said, gold[::-1]))


@given(
    st.sampled_from(["anls", "relaxed_accuracy", "match"]),
    anything,
    st.lists(anything, min_size=1, max_size=3),
    anything,
)
def test_a_further_reference_never_lowers_the_score(metric: str, said: str, gold: list[str], more: str) -> None:
    before, after = score(metric, said, gold), score(metric, said, [*gold, more])
    assert before is None or (after is not None and after >= before - 1e-9)
