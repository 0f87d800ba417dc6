"""Claims against a scene: thresholds, look-alikes, places, counts, text, several images."""

from __future__ import annotations

import pytest
from scenes import DOGS, OFFICE, verdicts

from halo_forge.verifiers import Box, Line, Rollout, Scene, verify_completion
from halo_forge.verifiers.lexicon import COCO
from halo_forge.verifiers.perception import shrunk


@pytest.mark.parametrize(
    ("text", "claim", "verdict"),
    [
        ("There is a clock.", "clock", "supported"),
        ("There is a mug.", "cup", "supported"),
        ("There is a giraffe.", "giraffe", "contradicted"),
        ("There is no giraffe.", "not: giraffe", "supported"),
        ("There is no clock.", "not: clock", "contradicted"),
        ("There is a remote.", "remote", "unknown"),
        ("There is a plant.", "plant", "supported"),
        ("There is a whiteboard.", "whiteboard", None),
        ("There is an animal.", "animal", "unknown"),
        ("The clock is above the person.", "clock above person", "supported"),
        ("The person is above the clock.", "person above clock", "contradicted"),
        ("The laptop is right of the person.", "laptop right person", "contradicted"),
        ("The laptop is not right of the person.", "not: laptop right person", "supported"),
        ("The cup is next to the laptop.", "cup near laptop", "contradicted"),
        ("The plant is on the right.", "plant at right", "supported"),
        ("The plant is on the left.", "plant at left", "contradicted"),
        ('The board reads "MEETING 3PM".', "meeting 3pm", "supported"),
        ('The board reads "MEETING 8PM".', "meeting 8pm", "contradicted"),
        ('The board reads "CLOSED".', "closed", "contradicted"),
        ("The laptop [80,280,240,400] is open.", "laptop in [80.0, 280.0, 240.0, 400.0]", "supported"),
        ("The laptop [600,10,780,60] is open.", "laptop in [600.0, 10.0, 780.0, 60.0]", "contradicted"),
        ("The laptop [0,0,800,600] is open.", "laptop in [0.0, 0.0, 800.0, 600.0]", "unknown"),
        ("The cup is red.", "cup is red", "unknown"),
    ],
)
def test_verdicts(text: str, claim: str, verdict: str | None) -> None:
    assert verdicts(text, OFFICE).get(claim) == verdict


@pytest.mark.parametrize(
    ("text", "claim", "verdict"),
    [
        ("There are two dogs.", "2 dog", "supported"),
        ("There are four dogs.", "4 dog", "contradicted"),
        ("There are at least two dogs.", "2 to any dog", "supported"),
        ("There are dozens of dogs.", "24 to any dog", "contradicted"),
        ("One dog is on the bed.", "dog", "supported"),
        ("There is one dog.", "1 dog", "contradicted"),
        ("Five dogs are on the bed.", "5 dog", "contradicted"),
        ("A dog is on the bed.", "dog on bed", "supported"),
        ("There is a puppy.", "puppy", "unknown"),
        ("There is a kitten.", "kitten", "contradicted"),
    ],
)
def test_counts_and_narrower_words(text: str, claim: str, verdict: str) -> None:
    assert verdicts(text, DOGS).get(claim) == verdict


def test_absence_needs_a_vocabulary() -> None:
    assert verdicts("A giraffe.", Scene(100, 100))["giraffe"] == "unknown"
    assert verdicts("A giraffe.", Scene(100, 100, vocabulary=frozenset({"dog"})))["giraffe"] == "unknown"


def test_look_alike_abstains() -> None:
    scene = Scene(100, 100, (Box("truck", 0.6, 0, 0, 50, 50),), (), COCO)
    assert verdicts("A car.", scene)["car"] == "unknown"


def test_unread_text_abstains() -> None:
    assert verdicts('It reads "EXIT".', Scene(100, 100))["exit"] == "unknown"
    blurred = Scene(100, 100, texts=(Line("EX1T", 0.4, 0, 0, 9, 9),))
    assert verdicts('It reads "HOTEL".', blurred)["hotel"] == "unknown"


def test_lines_join_below_each_other() -> None:
    scene = Scene(100, 100, texts=(Line("NO", 0.9, 10, 10, 50, 20), Line("PARKING", 0.9, 10, 24, 60, 34)))
    assert verdicts('It reads "NO PARKING".', scene)["no parking"] == "supported"


def test_several_images() -> None:
    def verdict(text: str) -> str:
        row = verify_completion(Rollout("What?", text, None), [OFFICE, DOGS])
        return str(row["claims"][0]["verdict"])

    assert verdict("There is a clock.") == "supported"
    assert verdict("There is a dog.") == "supported"
    assert verdict("There is a giraffe.") == "contradicted"
    assert verdict("There is no dog.") == "contradicted"


def test_one_lie_costs_once() -> None:
    found = verdicts("Three giraffes are left of the person.")
    assert list(found.values()).count("contradicted") == 1


def test_references_are_facts() -> None:
    chain = "<think>The car is red.</think><answer>red</answer>"
    assert verdicts(chain, DOGS, "What color is the car?", ("red",))["car is red"] == "supported"
    lie = "<think>The car is blue.</think><answer>red</answer>"
    assert verdicts(lie, DOGS, "What color is the car?", ("red",))["car is blue"] == "contradicted"
    seven = verdicts("<think>Seven dogs.</think><answer>7</answer>", DOGS, "How many dogs are there?", ("7",))
    assert seven["7 dog"] == "supported"


def test_shrunk_precision_table() -> None:
    assert shrunk([]) is None
    one = verify_completion(Rollout("?", "There is a clock.", None), [OFFICE])["perception"]
    lie = verify_completion(Rollout("?", "There is a giraffe.", None), [OFFICE])["perception"]
    assert (one, lie) == (0.75, 0.25)


def test_nothing_to_judge_is_null() -> None:
    row = verify_completion(Rollout("Why?", "Because.", None), [OFFICE])
    judged = {k for k, v in row.items() if k.startswith(("perception", "reasoning", "output")) and v is not None}
    assert judged == set()
