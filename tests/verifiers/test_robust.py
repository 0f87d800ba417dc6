"""Whatever a model writes: scores in range, spans inside, linear time, nothing gained by saying it twice."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import DOGS, OFFICE

from halo_forge.rewards import judge
from halo_forge.verifiers import Rollout, verify_completion

WORDS = """a the dog dogs cat person clock cup no not two 3 12 left of right on above bed and , . is are there
reads STOP image so wait or bus <think> </think> <answer> </answer> " [1,2,3,4] = + $5 red orange
it which maybe"""
sentences = st.lists(st.sampled_from(WORDS.split()), max_size=40).map(" ".join)
anything = st.one_of(st.text(max_size=200), sentences)


@settings(max_examples=300, deadline=None)
@given(completion=anything, question=anything, answers=st.none() | st.lists(st.text(max_size=10), max_size=3))
def test_scores_and_spans_stay_in_range(completion: str, question: str, answers: list[str] | None) -> None:
    rollout = Rollout(question, completion, None if answers is None else tuple(answers))
    row = verify_completion(rollout, [OFFICE])
    for name, value in row.items():
        if name.startswith(("perception", "reasoning", "output")):
            assert value is None or 0.0 <= value <= 1.0, name
    for claim in row["claims"]:
        assert 0 <= claim["start"] <= claim["end"] <= len(completion)
        assert 0.0 <= claim["p"] <= 1.0
        assert claim["verdict"] in ("supported", "contradicted", "unknown")


TRUE = "There is a dog.|Two dogs.|The dog is on the bed.|A car.|No cat.|A car is near the top.|1 + 1 = 2."
FALSE = (
    "There is a zebra.|Five dogs.|Three dogs.|2 + 2 = 3.|There is a pizza.|No dog.|A giraffe is on the left.|2 + 2 = 5."
    "|More cars than dogs."
)
VAGUE = "It reads STOP.|The car is red.|Someone likes it.|so|Maybe.|Let me think.|A tree.|The dog might be old."
TRUTHS, LIES = TRUE.split("|"), FALSE.split("|")
said = st.lists(st.sampled_from([*TRUTHS, *LIES, *VAGUE.split("|")]), max_size=8)
ANSWERS = st.sampled_from(["2", "two", "3", "2 or 3", "a zebra", "", "dogs", "at least two"])


def paid(chain: list[str], answer: str, gold: object = "2", weights: tuple[float, ...] = ()) -> float:
    """The reward of a chain of sentences and an answer."""
    text = f"<think>{' '.join(chain)}</think><answer>{answer}</answer>"
    return float(judge("How many dogs are there?", gold, text, DOGS, weights=weights)["reward"])


@settings(max_examples=200, deadline=None)
@given(chain=said, answer=ANSWERS, lie=st.sampled_from(LIES), at=st.integers(0, 8), gold=st.sampled_from(["2", None]))
def test_a_false_claim_never_raises_the_reward(
    chain: list[str], answer: str, lie: str, at: int, gold: str | None
) -> None:
    assert paid([*chain[:at], lie, *chain[at:]], answer, gold) <= paid(chain, answer, gold) + 1e-12


@settings(max_examples=200, deadline=None)
@given(chain=said, answer=ANSWERS, times=st.integers(2, 5))
def test_repeating_never_raises_the_reward(chain: list[str], answer: str, times: int) -> None:
    assert paid(chain * times, answer) <= paid(chain, answer) + 1e-12


@settings(max_examples=100, deadline=None)
@given(gold=st.permutations(["2", "two dogs", "a pair", "3", ""]), chain=said, answer=ANSWERS)
def test_the_order_of_references_does_not_matter(gold: list[str], chain: list[str], answer: str) -> None:
    assert paid(chain, answer, gold) == paid(chain, answer, sorted(gold))


@settings(max_examples=200, deadline=None)
@given(
    right=said, wrong=said, answer=st.sampled_from(["3", "2 or 3", "zebra", "22"]),
    weights=st.tuples(*[st.floats(0, 5)] * 2, st.floats(0.01, 5)),
)  # fmt: skip
def test_wrong_never_beats_right(
    right: list[str], wrong: list[str], answer: str, weights: tuple[float, float, float]
) -> None:
    assert paid(wrong, answer, "2", weights) < paid(right, "2", "2", weights)


@settings(max_examples=200, deadline=None)
@given(gold=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists))
def test_any_type_of_ground_truth(gold: object) -> None:
    judged = judge("What is it?", gold, "It is a dog. <answer>dog</answer>", DOGS)
    assert 0.0 <= judged["reward"] <= 1.0
    assert (judged["correct"] is None) == (judged["output"] is None)


PATTERNS = [
    "\n",
    "a",
    "<think>",
    "a dog left of the cat and ",
    '"',
    "1 + ",
    "STOP ",
    "dog ",
    "[",
    "1.",
    "it is on ",
]
PATTERNS += ["not ", "red ", "or ", "The sign reads STOP. ", "é", "5 dogs above 3 cats. "]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_time_is_linear(pattern: str) -> None:
    def seconds(size: int) -> float:
        rollout = Rollout("How many dogs?", (pattern * size)[:size], ("3",))
        best = float("inf")
        for _ in range(3):
            begin = time.process_time()
            verify_completion(rollout, [DOGS])
            best = min(best, time.process_time() - begin)
        return best

    small, large = seconds(4_000), seconds(16_000)
    assert large < 12 * small + 0.02
    assert large < 0.5


HOSTILE = {
    "newlines": "1. x" + "\n" * 16_000,
    "one letter": "a" * 100_000,
    "nested tags": "<think>" * 3_000 + "</think>" * 3_000,
    "nested answers": "<answer>" * 3_000 + "2" + "</answer>" * 3_000,
    "braces": "\\boxed{" * 4_000,
    "quotes": "\"'" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_no_time(name: str) -> None:
    def seconds() -> float:
        begin = time.process_time()
        verify_completion(Rollout("How many dogs?", HOSTILE[name], ("3",)), [DOGS])
        return time.process_time() - begin

    assert min(seconds() for _ in range(3)) < 0.05


def test_inputs_are_capped() -> None:
    begin = time.process_time()
    verify_completion(Rollout("How many?", "x" * 5_000_000, ("3",)), [DOGS])
    assert time.process_time() - begin < 0.5
