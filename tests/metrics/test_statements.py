"""A statement as the answer to a yes-or-no question."""

from __future__ import annotations

import pytest

from halo_forge.metrics.match import match

YES = [
    ("Is the shop open?", "The shop isn't closed."),
    ("Are there more than three dogs?", "There are four dogs."),
    ("Are there at least four dogs?", "There are four dogs."),
    ("Is the gauge above 50?", "It reads 70."),
    ("Is there a pet on the bed?", "A dog is lying on the bed."),
    ("Is the man wearing a hat?", "He has a cap on his head."),
    ("Is the cat next to a dog?", "The dog is next to the cat."),
    ("Is there a dog?", "There is one."),
    ("Can you see a dog?", "I can."),
    ("Did they win?", "They did."),
    ("Is it day?", "It's daytime."),
    ("Is she happy?", "I'd say yes."),
    ("Is it open?", "It would seem so."),
]
NO = [
    ("Is the shop open?", "It's closed."),
    ("Is the door shut?", "The door is open."),
    ("Is the dog on the left?", "It's on the right."),
    ("Is the bird above the bench?", "The bird is below the bench."),
    ("Are there three dogs?", "There are four dogs."),
    ("Are there fewer than three dogs?", "There are four dogs."),
    ("Is the gauge above 50?", "It reads 30."),
    ("Is it green?", "It's red."),
    ("Is that a cat?", "It's a dog."),
    ("Is it day?", "It is night."),
    ("Is it open?", "I don't think so."),
    ("Is anyone cooking?", "Nobody is in the kitchen."),
    ("Can you see a dog?", "I can't."),
    ("Is there a dog?", "No, that's a cat, not a dog"),
]
NEITHER = [
    ("Is it open?", "It is impossible to tell."),
    ("Is it open?", "I can't determine that."),
    ("Is it open?", "It depends."),
    ("Is it open?", "It's unclear."),
    ("Is there a dog on the couch?", "The weather is fine."),
]


@pytest.mark.parametrize(("question", "said"), YES)
def test_says_yes(question: str, said: str) -> None:
    assert (match(said, ["yes"], question), match(said, ["no"], question)) == (1.0, 0.0)


@pytest.mark.parametrize(("question", "said"), NO)
def test_says_no(question: str, said: str) -> None:
    assert (match(said, ["yes"], question), match(said, ["no"], question)) == (0.0, 1.0)


@pytest.mark.parametrize(("question", "said"), NEITHER)
def test_says_neither(question: str, said: str) -> None:
    assert (match(said, ["yes"], question), match(said, ["no"], question)) == (0.0, 0.0)


def test_another_thing_in_the_place_of_the_asked_one_is_no_yes() -> None:
    assert match("A cat is on the couch.", ["yes"], "Is there a dog on the couch?") == 0.0


def test_a_letter_inside_a_code_is_no_alternative() -> None:
    assert match("7TKR4O2", ["7TKR402"]) == 0.5
    assert match("4 o 5", ["4"]) == 0.0
