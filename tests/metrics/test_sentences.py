"""A reference inside a sentence: said, and nothing else."""

from __future__ import annotations

import pytest

from halo_forge.metrics import match

HOLDS = "What is the man holding?"
RIGHT = [
    ("What is on the couch?", "cat", "A cat is lying on the couch."),
    ("What is on the couch?", "cat", "It's a cat, which looks asleep."),
    ("What is on the couch?", "cat", "There's one grey cat."),
    (HOLDS, "umbrella", "He's holding an open umbrella in his hand."),
    (HOLDS, "cell phone", "The man holds a smartphone"),
    ("Is the shop open or closed?", "open", "The shop is open."),
    ("What is the cat doing?", "sleeping", "It is asleep on the bed."),
    ("What sport is it?", "tennis", "It seems to be tennis."),
    ("Where is the dog?", "on the bed", "The dog lies on the bed."),
    ("What street is it?", "Oak St", "Oak Street"),
    ("What fruits are there?", "apple, banana", "bananas and apples"),
    ("How many wear hats?", "none", "no one"),
    ("What letter is circled?", "B", "the letter B"),
    ("What score is shown?", "3-2", "3 to 2"),
    ("What is the temperature?", "25°C", "25 degrees Celsius"),
    ("What is the population?", "1.5 million", "1.5M"),
    ("Which year?", "1998", "nineteen ninety-eight"),
    ("How heavy?", "2.5 kg", "two and a half kilos"),
    ("Is there a dog?", "yes", "There is a dog."),
    ("Are there lions?", "no", "Probably not."),
]
WRONG = [
    ("What is on the couch?", "cat", "A dog is lying on the couch, no cat."),
    ("What is on the couch?", "cat", "a cat and a dog"),
    ("What is on the couch?", "cat", "a statue of a cat"),
    ("What is on the couch?", "cat", "There is no cat on the couch."),
    ("What is on the couch?", "cat", "a catfish"),
    (HOLDS, "umbrella", "an umbrella stand"),
    (HOLDS, "umbrella", "a bag or an umbrella"),
    ("Is the shop open or closed?", "open", "The shop isn't open."),
    ("Is the shop open or closed?", "open", "The shop is open or closed."),
    ("What sport is it?", "tennis", "table tennis"),
    ("Where is the dog?", "on the bed", "The dog lies under the bed."),
    ("What is written?", "No Parking", "No Packing"),
    ("What food is it?", "dog", "a hot dog"),
    ("What score is shown?", "3-2", "2-3"),
    ("What score is shown?", "3-2", "32"),
    ("What is the temperature?", "25°C", "25 °F"),
    ("What is the population?", "1.5 million", "1.5B"),
    ("Is there a dog?", "yes", "Is there a dog"),
    ("Is it open?", "yes", "yes no yes no"),
]


@pytest.mark.parametrize(("question", "gold", "said"), RIGHT)
def test_right(question: str, gold: str, said: str) -> None:
    assert match(said, [gold], question=question) >= 0.9


@pytest.mark.parametrize(("question", "gold", "said"), WRONG)
def test_wrong(question: str, gold: str, said: str) -> None:
    assert match(said, [gold], question=question) < 0.9
