"""One answer in other words, and other answers in like words."""

from __future__ import annotations

import pytest

from halo_forge.metrics.match import match


@pytest.mark.parametrize(
    ("question", "gold", "right", "wrong"),
    [
        ("Where is the dog?", "next to the couch", "beside the sofa", "behind the couch"),
        ("Where is the cup relative to the plate?", "beside it", "next to the plate", "under the plate"),
        ("Where is the cup relative to the bed?", "left", "The cup is left of the bed", "The bed is left of the cup"),
        ("What is the population?", "12500", "12 500", "1250"),
        ("How many people?", "12", "a dozen", "dozens"),
        ("How many people?", "2", "two persons", "two benches"),
        ("How many vehicles?", "4", "Four: three cars and a bus.", "Three: two cars and a bus."),
        ("How many in total?", "570", "350 + 220 = 570 tonnes", "350 + 220 = 560 tonnes"),
        ("What time is it?", "3:45", "three forty-five", "quarter past four"),
        ("On what day is it?", "Saturday", "It takes place on a Saturday evening.", "Sunday"),
        ("What color is it?", "red", "reddish", "orange-red"),
        ("What color is it?", "navy blue", "dark blue", "light blue"),
        ("What animal is it?", "dog", "Apparently it's a dog", "I cannot tell"),
        ("What animal is it?", "dog", "perro", "gato"),
        ("What animal is it?", "dog", "My best guess would be a dog.", "dog or cat"),
        ("Is it cheap?", "yes", "Sure", "whether it is cheap"),
        ("What is the score?", "3-2", "three to two", "two to three"),
        ("What is it called?", "京都", "京都です。", "東京です。"),
    ],
)  # fmt: skip
def test_right_and_wrong(question: str, gold: str, right: str, wrong: str) -> None:
    assert match(right, [gold], question) >= 0.9 > match(wrong, [gold], question)
