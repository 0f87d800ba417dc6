"""Where the answer is found, with its place in the completion, for whatever form a model writes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_forge.answers import by_letter, extract
from halo_forge.text import MAX_CHARS

FOUND = [
    ("<think>Two dogs.</think><answer>2</answer>", "2", "tag"),
    ("<answer>1</answer> no wait <answer>2</answer>", "2", "tag"),
    ("<think><answer>1</answer></think>2", "2", "text"),
    ("<think>maybe <answer>1</answer></think><answer>2</answer>", "2", "tag"),
    ("reasoning <answer>1</answer> more</think><answer>2</answer>", "2", "tag"),
    ("<answer>2</answer><think>checking 3</think>", "2", "tag"),
    ("<think>chain without end <answer>2</answer>", "2", "tag"),
    ("<answer><answer>2</answer></answer>", "2", "tag"),
    ("<ANSWER>2</ANSWER>", "2", "tag"),
    ("so <answer>two dogs", "two dogs", "unclosed"),
    ('{"answer": 5}', "5", "json"),
    ('```json\n{"why": "x", "answer": "a b"}\n```', "a b", "json"),
    ('{"answer": [1, 2]}', "[1, 2]", "json"),
    (r"So \boxed{42}.", "42", "boxed"),
    (r"\boxed{\text{left}}", "left", "boxed"),
    (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}", "boxed"),
    (r"\boxed{3} then \boxed{4}", "4", "boxed"),
    ("The answer is 3.14.", "3.14", "line"),
    ("The answer is 3.99", "3.99", "line"),
    ("**Answer:** Hazel Chemical Co.", "Hazel Chemical Co.", "line"),
    ("Answer:\n\nblue", "blue", "line"),
    ("The answer is 3 because there are three.", "3", "line"),
    ("The answer is 3. Wait, the answer is 4.", "4", "line"),
    ("The answer is not 3.", "The answer is not 3", "text"),
    ("la respuesta es azul", "azul", "line"),
    ("答案是蓝色。", "蓝色", "line"),
    ('The sign says "STOP".', "STOP", "text"),
    ("Le panneau dit « SORTIE ».", "SORTIE", "text"),
    ("Based on the image, a red bus is shown.", "a red bus", "text"),
    ("First I look.\nThen I read.\n42", "42", "text"),
    ("It is a sofa", "It is a sofa", "text"),
    ("blue", "blue", "text"),
    ("  U.S.A. ", "U.S.A.", "text"),
    ("**5**", "5", "text"),
]


@pytest.mark.parametrize(("completion", "answer", "method"), FOUND)
def test_found(completion: str, answer: str, method: str) -> None:
    found = extract(completion)
    assert (found.text, found.method) == (answer, method)
    assert answer in completion[found.start : found.end]


@pytest.mark.parametrize(
    "completion",
    ["", "  \n", "<think>all chain", "<think>a</think>", "<answer> </answer>",
     "Sorry, I can't help with images of people yet."],
)  # fmt: skip
def test_nothing_found_is_none(completion: str) -> None:
    found = extract(completion)
    assert (found.text, found.method) == (None, "none")
    assert (found.start, found.end, found.candidates) == (0, 0, ())


@pytest.mark.parametrize(
    ("completion", "letter"),
    [
        ("b", "B"),
        ("(B) 28", "B"),
        ("B. the blue one", "B"),
        ("A, because A large bus blocks the view.", "A"),
        ("A bus is shown, so B", "B"),
        ("It is not A; I choose C.", "C"),
        ("A: no. B: no. The best option is C.", "C"),
        ("Option A looks plausible at first.\nHowever, it is not.\nB", "B"),
        ("The correct answer is **C**. Here's why: it is red.", "C"),
        ("red", "A"),
        ("Based on the image, it is red.", "A"),
        ("I see something red there", "A"),
        ("A or B", "A or B"),
        ("blue or red", "blue or red"),
    ],
)
def test_options_given_by_letter(completion: str, letter: str) -> None:
    assert extract(completion, choices={"A": "Red", "B": "Blue", "C": "Green"}).text == letter


def test_options_given_as_texts_keep_their_words() -> None:
    assert extract("It is the blue one. Answer: blue", choices=["red", "blue"]).text == "blue"
    assert by_letter(["red", "blue"], ["B"]) == {"A": "red", "B": "blue"}
    assert by_letter(["red", "blue"], ["blue"]) == ("red", "blue")
    assert by_letter(["A", "B"], ["B"]) == ("A", "B")
    assert by_letter(None, ["B"]) is None


def test_all_candidates_are_kept() -> None:
    assert extract("<answer>1</answer><answer>2</answer>").candidates == ("1", "2")
    assert extract("Answer: 1\nAnswer: 2").candidates == ("1", "2")


@given(st.text(max_size=200))
def test_any_text_gives_a_span_inside_it(text: str) -> None:
    found = extract(text)
    assert 0 <= found.start <= found.end <= len(text)
    assert found.text is None or found.text == text[found.start : found.end] or "\\" in text


@given(st.text(max_size=30), st.sampled_from(["{}", "<answer>{}</answer>", "Answer: {}", "\\boxed{{{}}}"]))
def test_extracting_the_extracted_changes_nothing_in_tags(inner: str, form: str) -> None:
    once = extract(form.format(inner)).text
    if once is not None and not set(once) & set("<>{}\\:\n"):
        again = extract(f"<answer>{once}</answer>").text
        assert again is None or again in once


FLOODS: dict[str, Callable[[int], str]] = {
    "newlines": lambda n: "1. x" + "\n" * n,
    "one letter": lambda n: "a" * n,
    "spaces": lambda n: "answer" + " " * n + "is",
    "open tags": lambda n: "<answer>" * (n // 8),
    "nested tags": lambda n: "<think>" * (n // 16) + "</think>" * (n // 16),
    "boxes": lambda n: "\\boxed{" * (n // 7),
    "closed boxes": lambda n: "\\boxed{" * (n // 8) + "}" * (n // 8),
    "cues": lambda n: "answer: " * (n // 8),
    "cue lines": lambda n: "Answer:\n" * (n // 8),
    "json keys": lambda n: '{"answer": [' * (n // 12) + "}",
    "quotes": lambda n: 'says "' * (n // 6),
    "letters": lambda n: "(A) " * (n // 4),
    "periods": lambda n: "A. " * (n // 3),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_time_grows_with_length_and_stops_at_the_cap(flood: str) -> None:
    """Quadratic work would make eight times the text cost about sixty times the time."""
    small, large = (FLOODS[flood](n) for n in (MAX_CHARS // 8, MAX_CHARS))

    def cost(text: str) -> float:
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            extract(text, choices={"A": "red", "B": "blue"})
            best = min(best, time.perf_counter() - start)
        return best

    assert cost(large) < 25 * cost(small) + 0.005
    assert cost(FLOODS[flood](10 * MAX_CHARS)) < 4 * cost(large) + 0.005
