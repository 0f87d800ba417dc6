"""Our typed comparison: pairs any person would call right, wrong, or half right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_forge.metrics import guards
from halo_forge.metrics.match import RULES, kind_of, match

RIGHT = [
    ("$4.50", "four dollars fifty"),
    ("€3.20", "3 euros 20"),
    ("$4.50", "four dollars and fifty cents"),
    ("47", "é o 47"),
    ("gato", "um gato"),
    ("hond", "een hond"),
    ("knife", "It is a knife, I believe."),
    ("dog", "A dog, I'd say."),
    ("cat", "a cat, most likely"),
    ("3.14", "3.14"),
    ("3.99", "3.99"),
    ("50%", "0.5"),
    ("50%", "half"),
    ("50%", "50 percent"),
    ("0.5", "50%"),
    ("2", "two"),
    ("2", "two dogs"),
    ("2", "a couple"),
    ("12", "a dozen"),
    ("6", "half a dozen"),
    ("21", "twenty-one"),
    ("121", "one hundred and twenty one"),
    ("42", "42"),
    ("42", "There are 42 of them."),
    ("7.50", "7.5"),
    ("$7.50", "7.50"),
    ("$7.50", "7.50 dollars"),
    ("1,234", "1234"),
    ("1234.5", "1.234,5"),
    ("$5 million", "$5M"),
    ("5 million", "5,000,000"),
    ("12.5 kg", "12500 g"),
    ("12.5 kg", "12.5"),
    ("-5", "minus five"),
    ("-5", "−5"),
    ("0", "none"),
    ("0", "zero"),
    ("1/2", "0.5"),
    ("3/4", "three quarters"),
    ("3PM", "15:00"),
    ("3PM", "3 p.m."),
    ("2:35 PM", "14:35"),
    ("9:41", "9:41"),
    ("9:41", "9:41 AM"),
    ("3:00", "3 o'clock"),
    ("9:30", "half past nine"),
    ("June 28, 1996", "28 June 1996"),
    ("June 28, 1996", "06/28/1996"),
    ("June 28, 1996", "1996-06-28"),
    ("left", "on the left side"),
    ("left", "to the left of the man on the right"),
    ("below", "under the table"),
    ("top left", "upper left corner"),
    ("Tuesday", "Tue."),
    ("Harlan & Sons", "Harlan &amp; Sons"),
    ("yes", "yes"),
    ("no", "No, there is none."),
    ("no", "there is no dog"),
    ("yes", "there is a dog"),
    ("grey", "gray"),
    ("grey", "light gray"),
    ("red and white", "white and red"),
    ("red", "crimson"),
    ("STOP", "stop"),
    ("STOP", 'The sign says "STOP".'),
    ("STOP", "The sign reads stop"),
    ("tv", "television"),
    ("dog", "dogs"),
    ("dog", "a brown dog"),
    ("couch", "sofa"),
    ("Coca Cola", "coca-cola"),
    ("30th", "the thirtieth"),
    ("[1, 2, 3]", "[3, 2, 1]"),
    ("apple, pear, plum", "plum, apple, pear"),
    ("Sortie", "Le panneau dit « SORTIE »."),
    ("tres", "tres vacas"),
    ("links", "links von der Bank"),
    ("B", "B"),
    ("B", "(B)"),
    ("B", "option B"),
    ("B", "B. yellow"),
    ("2015/16", "2015/16"),
    ("(891) 497-7060", "891-497-7060"),
    ("surfing", "The person is surfing."),
    ("7", "seven"),
    ("100", "one hundred"),
]
WRONG = [
    ("3", "3.99"),
    ("12345679", "12345678"),
    ("1000", "10000"),
    ("1999", "1998"),
    ("0.5", "50"),
    ("2", "twenty"),
    ("42", "42 or 43"),
    ("42", "41, 42, 43"),
    ("42", "40-45"),
    ("42", "possibly 42"),
    ("42", "more than 42"),
    ("Hawks", "Hawks (also Bears)"),
    ("Hawks", "Hawks, with Bears as second guess"),
    ("Hawks", "Hawks (60%) Bears (40%)"),
    ("Hawks", "60% Hawks, 40% Bears"),
    ("Hawks", "Hawks, though Bears is possible"),
    ("Hawks", "Hawks with a chance of Bears"),
    ("42", "not 42"),
    ("$4.50", "five dollars forty"),
    ("cat", "a cat, I think, or a dog"),
    ("$7.50", "€7.50"),
    ("12.5 kg", "12.5 g"),
    ("-5", "5"),
    ("0", "There are no dogs"),
    ("3PM", "3 AM"),
    ("9:41", "9:14"),
    ("9:41", "9:40 9:41"),
    ("June 28, 1996", "June 29, 1996"),
    ("June 28, 1996", "June 28, 1997"),
    ("left", "right"),
    ("left", "left or right"),
    ("left", "not on the left"),
    ("yes", "no"),
    ("yes", "Yes and no"),
    ("yes", "maybe"),
    ("yes", "There is no dog"),
    ("dark blue", "light blue"),
    ("red", "red and blue"),
    ("STOP", "not stop"),
    ("STOP", "STOP, YIELD, GO"),
    ("open", "not open"),
    ("open", "closed"),
    ("speed limit 25", "speed limit 35"),
    ("dog", "hot dog"),
    ("dog", "cat"),
    ("cup", "wine glass"),
    ("30th", "the thirteenth"),
    ("RJT 5590", "RJT 5591"),
    ("a", "e"),
    ("tres", "trece vacas"),
    ("links", "rechts von der Bank"),
    ("STOP", ""),
    ("STOP", "!!!"),
    ("STOP", "🙂"),
    ("B", "A or B"),
    ("Happy 30th", "Happy 13th"),
    ("007", "7"),
    ("15%", "1.5%"),
]
PARTIAL = [
    ("June 28, 1996", "June 28", 0.5),
    ("top left", "left", 0.5),
    ("dark blue", "blue", 0.5),
    ("Coca Cola", "Coca Colla", 0.9),
    ("RJT 5590", "RJT 559O", 0.5),
    ("[1, 2, 3]", "[1, 2]", 0.8),
    ("apple, pear, plum", "apple and pear", 0.8),
    ("john smith", "Jon Smith", 0.9),
]
ASKED = [
    ("What colour?", "blue", "blue", 1),
    ("What colour?", "blue", "a blue car", 1),
    ("Which way?", "east", "west", 0),
    ("Is it a skateboard or a bicycle?", "skateboard", "Is it a skateboard or a bicycle?", 0),
    ("Is it a skateboard or a bicycle?", "skateboard", "a skateboard", 1),
    ("Is it a skateboard or a bicycle?", "skateboard", "a skateboard and a bicycle", 0),
    ("How many of the 5 bottles stand?", "3", "3 of the 5 bottles", 1),
    ("How many of the 5 bottles stand?", "3", "3 of the 4 bottles", 0),
    ("What fruit is it?", "orange", "an orange", 1),
    ("What fruit is it?", "orange", "oranges", 1),
    ("What colour is it?", "orange", "red", 0),
]


@pytest.mark.parametrize(("gold", "said"), RIGHT)
def test_right(gold: str, said: str) -> None:
    assert match(said, [gold]) == 1.0


@pytest.mark.parametrize(("gold", "said"), WRONG)
def test_wrong(gold: str, said: str) -> None:
    assert match(said, [gold]) == 0.0


@pytest.mark.parametrize(("gold", "said", "expected"), PARTIAL)
def test_partly_right(gold: str, said: str, expected: float) -> None:
    assert match(said, [gold]) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(("question", "gold", "said", "expected"), ASKED)
def test_read_with_the_question(question: str, gold: str, said: str, expected: float) -> None:
    assert match(said, [gold], question=question) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("B", 1),
        ("(B) blue", 1),
        ("blue", 1),
        ("The answer is blue", 1),
        ("red", 0),
        ("A", 0),
        ("A or B", 0),
        ("B. red", 0),
    ],
)
@pytest.mark.parametrize("gold", ["blue", "B"])
def test_options_by_letter_or_text(said: str, expected: float, gold: str) -> None:
    assert match(said, [gold], choices=["red", "blue", "green"]) == expected
    assert match(said, [gold], choices={"A": "red", "B": "blue", "C": "green"}) == expected


def test_best_of_the_references_counts() -> None:
    assert match("grey", ["silver", "grey"]) == 1.0
    assert match("top right", ["right", "top right"]) == 1.0
    assert match("gold", ["silver", "grey"]) == 0.0


@pytest.mark.parametrize(
    ("gold", "kind"),
    [
        ("yes", "yesno"), ("3PM", "time"), ("June 28, 1996", "date"), ("$7.05", "number"),
        ("5 bottles", "number"),
        ("30th", "number"), ("top right", "direction"), ("dark blue", "colour"), ("[1, 2]", "list"),
        ("007", "text"),
        ("STOP", "text"), ("B", "letter"), ("7 Eleven Store", "text"), ("Happy 30th", "text"),
    ],
)  # fmt: skip
def test_the_reference_decides_the_rule(gold: str, kind: str) -> None:
    assert kind_of(gold) == kind
    assert kind in RULES


GUARDED = [
    (guards.empty, "!!", "a", "", True),
    (guards.empty, "a", "a", "", False),
    (guards.copied, "is the dog left or right", "left", "Is the dog left or right?", True),
    (guards.copied, "left", "left", "Is the dog left or right?", False),
    (guards.hedged, "4 or 5", "4", "", True),
    (guards.hedged, "trick or treat", "trick or treat", "", False),
    (guards.hedged, "left/right", "left", "", True),
    (guards.hedged, "km/h", "km/h", "", False),
    (guards.hedged, "maybe red", "red", "", True),
    (guards.hedged, "left and right", "left", "left or right?", True),
    (guards.guesses, "cat, dog, bird", "dog", "", True),
    (guards.guesses, "cat, dog, bird", "dog, cat, bird", "", False),
    (guards.other_digits, "25 mph", "35 mph", "", True),
    (guards.other_digits, "1,234", "1234", "", False),
    (guards.other_polarity, "not open", "open", "", True),
    (guards.other_polarity, "no doubt", "doubt", "", False),
    (guards.opposite, "west wing", "east wing", "", True),
    (guards.opposite, "east wing", "east wing", "", False),
]


@pytest.mark.parametrize(("guard", "said", "gold", "question", "holds"), GUARDED)
def test_each_guard(guard: guards.Guard, said: str, gold: str, question: str, holds: bool) -> None:
    assert guard(said, gold, question) is holds


words = st.sampled_from(
    [
        "red",
        "blue",
        "left",
        "right",
        "stop",
        "seven",
        "7",
        "7.5",
        "50%",
        "3PM",
        "yes",
        "no",
        "dog",
        "exit",
        "table",
    ]
)


@given(words, words)
def test_two_answers_never_beat_one(first: str, second: str) -> None:
    if match(second, [first]) < 1:
        assert match(f"{first} or {second}", [first]) == 0.0


@given(words, st.integers(1, 30))
def test_repetition_never_pays_more(word: str, times: int) -> None:
    assert match(" ".join([word] * times), [word]) <= match(word, [word])


@given(st.text(min_size=1, max_size=40).filter(lambda t: any(c.isalnum() for c in t)))
def test_a_reference_matches_itself_in_any_script(text: str) -> None:
    assert match(text, [text]) == 1.0


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_different_integers_never_match(a: int, b: int) -> None:
    assert match(str(a), [str(b)]) == float(a == b)


def test_all_options_are_no_answer() -> None:
    asked = "Which word is on the sign? A. GARAGE B. HOTEL C. MUSEUM"
    assert match("A. GARAGE", ["A", "GARAGE"], question=asked) == 1.0
    assert match("A. GARAGE B. HOTEL C. MUSEUM", ["A", "GARAGE"], question=asked) == 0.0


@pytest.mark.parametrize("said", ["Hawks (home team)", "Hawks, not Bears", "Hawks"])
def test_more_about_one_answer_is_no_hedge(said: str) -> None:
    assert match(said, ["Hawks"], question="Which team is on the shirt?") == 1.0
