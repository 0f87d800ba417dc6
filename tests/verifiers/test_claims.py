"""The claim layer: what a sentence claims, and what it does not."""

from __future__ import annotations

import pytest

from halo_forge.verifiers import Rollout, read_claims
from halo_forge.verifiers.lexicon import COCO


def said(text: str, question: str = "What is in the image?", vocabulary: frozenset[str] = COCO) -> set[str]:
    return {c.describe() for c in read_claims(Rollout(question, text, None), vocabulary) if c.kind != "text"}


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("There is a dog.", {"dog"}),
        ("There is no dog.", {"not: dog"}),
        ("There isn't a dog.", {"not: dog"}),
        ("I don't see any cats, dogs or birds.", {"not: cat", "not: dog", "not: bird"}),
        ("A dog, not a cat.", {"dog", "not: cat"}),
        ("Not only a dog but also a cat.", {"dog", "cat"}),
        ("It is neither a cat nor a dog.", {"not: cat", "not: dog"}),
        ("No doubt a dog.", {"dog"}),
        ("The dog is missing.", {"not: dog"}),
        ("The dog is not missing.", {"dog"}),
        ("a hot dog", {"hot dog"}),
        ("an orange cat", {"cat", "cat is orange"}),
        ("an orange", {"orange"}),
        ("a car park", set()),
        ("It could be a dog or a cat.", set()),
        ("Is there a dog?", set()),
        ("If a dog comes, run.", set()),
        ("It may or may not be a dog.", set()),
        ("a painting of a dog", set()),
        ("The car has no driver.", {"car"}),
        ("The person is not holding a phone.", {"person"}),
    ],
)
def test_objects(text: str, claims: set[str]) -> None:
    assert said(text) == claims


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("two dogs", {"2 dog"}),
        ("a couple of dogs", {"2 dog"}),
        ("half a dozen dogs", {"6 dog"}),
        ("twenty-one dogs", {"21 dog"}),
        ("two or three dogs", {"2 to 3 dog"}),
        ("at least two dogs", {"2 to any dog"}),
        ("more than five dogs", {"6 to any dog"}),
        ("several dogs", {"3 to any dog"}),
        ("three rows of four dogs", set()),
        ("one of the dogs", set()),
        ("two dogs on each side", set()),
        ("another dog", set()),
        ("a dog", set()),
        ("the 88 bus", set()),
    ],
)
def test_counts(text: str, claims: set[str]) -> None:
    assert {c for c in said(text) if c[0].isdigit()} == claims


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("The dog is to the left of the cat.", "dog left cat"),
        ("The dog isn't on the bed.", "not: dog on bed"),
        ("No dog is on the bed.", "not: dog on bed"),
        ("Above the bed hangs a clock.", "clock above bed"),
        ("The bed has a dog on it.", "dog on bed"),
        ("The cat is left of the bench and above the dog.", "cat above dog"),
        ("The dog on the left of the person is above the cat.", "dog above cat"),
        ("The dog is right of the cat, which is behind the bench.", "cat behind bench"),
        ("A clock and a tv hang above the person.", "clock above person"),
        ("The cat is at the top right of the picture.", "cat at right top"),
        ("In the upper-left corner there is a cat.", "cat at left top"),
        ("On the left is a dog; on the right, a cat.", "cat at right"),
    ],
)
def test_relations_and_sides(text: str, claim: str) -> None:
    assert claim in said(text)


@pytest.mark.parametrize("text", ["the left dog", "the right answer is a dog", "the dog's left ear", "left or right"])
def test_words_that_are_no_place(text: str) -> None:
    assert not {c for c in said(text) if " at " in c}


def test_converse_relations_are_one_claim() -> None:
    assert len(read_claims(Rollout("?", "The dog is left of the cat. The cat is right of the dog.", None), COCO)) == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('The sign reads "Dog Food".', "dog food"),
        ("The label says 'RJT 5590'.", "rjt 5590"),
        ("The sign reads STOP.", "stop"),
        ("the sign says exit", "exit"),
        ("the display shows 45", "45"),
        ("Le panneau dit « SORTIE ».", "sortie"),
        ("The plane N4471K.", "n4471k"),
        ("call 555-0142", "555-0142"),
    ],
)
def test_text_claims(text: str, value: str) -> None:
    claims = read_claims(Rollout("What is it?", text, None), COCO)
    assert [c.value for c in claims if c.kind == "text"] == [value]
    assert not [c for c in claims if c.kind == "object" and c.subject == "dog"]


def test_spans_survive_unicode() -> None:
    text = "<think>Ｔｗｏ\u200b dogs — “naïve” — and a cat.</think><answer>2</answer>"
    claims = read_claims(Rollout("What?", text, None), COCO)
    cat = next(c for c in claims if c.subject == "cat")
    assert text[cat.start : cat.end] == "a cat"
    assert cat.source == "chain"


def test_detector_vocabulary_gets_plain_forms() -> None:
    assert said("two circles above a square", vocabulary=frozenset({"circle", "square"})) == {
        "2 circle", "circle", "square", "circle above square",
    }  # fmt: skip


def test_answer_is_read_by_the_question() -> None:
    assert said("5", "How many dogs are there?") == {"5 dog"}
    assert said("right side", "Is the plant on the left or the right?") == {"plant at right"}
    assert said("Yes", "Is there a dog?") == {"dog"}
    assert said("No", "Is the dog left of the cat?") == {"not: dog left cat"}
    assert said("silver", "What colour is the car?") == {"car is silver"}


def test_foreign_language_abstains() -> None:
    assert said("Il y a une table et les deux sont dans la car.") == set()


def test_boxes() -> None:
    assert "dog in [1.0, 2.0, 30.0, 40.0]" in said("The dog at [1,2,30,40] sleeps.")
    assert "dog in [0.5, 0.25]" in said("dog (0.5, 0.25)")
