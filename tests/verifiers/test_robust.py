"""Whatever a model writes: scores in range, spans inside, linear time, nothing gained by saying it twice."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import DOGS, OFFICE

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


SAID = (
    "There is a dog.|There is a zebra.|Two dogs.|Five dogs.|The dog is on the bed.|The car is on the left.|"
    "The bed is left of the dog.|It reads STOP.|No cat.|The car is red."
)


@settings(max_examples=200, deadline=None)
@given(chain=st.lists(st.sampled_from(SAID.split("|")), min_size=1, max_size=6), times=st.integers(2, 5))
def test_repeating_never_raises_perception(chain: list[str], times: int) -> None:
    def perception(text: str) -> float:
        row = verify_completion(Rollout("What?", f"<think>{text}</think><answer>x</answer>", None), [DOGS])
        return 0.5 if row["perception"] is None else float(row["perception"])

    text = " ".join(chain)
    assert perception(" ".join([text] * times)) <= perception(text) + 1e-12


@settings(max_examples=100, deadline=None)
@given(
    chain=st.lists(st.sampled_from(["There is a dog.", "Two dogs.", "The dog is on the bed.", "A car."]), max_size=4)
)
def test_a_lie_never_raises_the_score(chain: list[str]) -> None:
    def both(text: str) -> tuple[float, float]:
        row = verify_completion(Rollout("What?", f"<think>{text}</think><answer>x</answer>", None), [DOGS])
        return tuple(0.5 if row[k] is None else row[k] for k in ("perception", "reasoning_grounding"))  # type: ignore[return-value]

    honest, lying = both(" ".join(chain)), both(" ".join([*chain, "There is a zebra."]))
    assert lying[0] <= honest[0] and lying[1] <= honest[1]


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


def test_inputs_are_capped() -> None:
    begin = time.process_time()
    verify_completion(Rollout("How many?", "x" * 5_000_000, ("3",)), [DOGS])
    assert time.process_time() - begin < 0.5
