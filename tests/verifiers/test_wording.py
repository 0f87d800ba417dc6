"""Ways of saying, read at the claim layer: contracted verbs, verbs left out, comparatives, sums in words, boxes."""

from __future__ import annotations

import pytest
from scenes import OFFICE, verdicts

from halo_forge.verifiers import Rollout, verify_completion
from halo_forge.verifiers.tokens import tokenise
from halo_forge.verifiers.word_sums import word_sums


@pytest.mark.parametrize(
    ("text", "claim", "verdict"),
    [
        ("The clock's above the person.", "clock above person", "supported"),
        ("The cup's to the left of the laptop.", "cup left laptop", "contradicted"),
        ("The laptop is further to the left than the cup.", "laptop left cup", "supported"),
        ("The cup is farther left than the laptop.", "cup left laptop", "contradicted"),
        ("The clock is higher up than the cup.", "clock above cup", "supported"),
        ("A laptop is visible, but a dog isn't.", "not: dog", "supported"),
        ("A clock is there and a cup is not.", "not: cup", "contradicted"),
        ("A laptop is there; a dog and a cat aren't.", "not: dog", "supported"),
        ("The person is asleep, but the laptop isn't.", "laptop", "supported"),
        ("The clock isn't present.", "not: clock", "contradicted"),
        ("A dog and a cat are not visible.", "not: dog", "supported"),
        ("There is one person and no other person.", "not: person", None),
        ("There is no second laptop.", "not: laptop", None),
        ("If you look to the left of the cup, there's a laptop.", "laptop left cup", "supported"),
        ("If you look to the right of the cup, there is a laptop.", "laptop right cup", "contradicted"),
        ("If you were a dog, you would bark.", "dog", None),
        ("Apart from the person, nobody can be seen.", "not: person", None),
        ("There's no one in the building.", "not: person", "contradicted"),
        ("The person isn't without a laptop.", "not: laptop", None),
        ("A person sits on a bench, and a laptop stands on the left.", "laptop at left", "supported"),
        ("A person sits on a bench, and a laptop stands on the left.", "bench at left", None),
    ],
)
def test_things_and_places(text: str, claim: str, verdict: str | None) -> None:
    assert verdicts(text).get(claim) == verdict


@pytest.mark.parametrize(
    "text",
    [
        '{"label": "cup", "bbox": [560, 330, 610, 400]}',
        '[{"bbox_2d": [560, 330, 610, 400], "label": "cup"}]',
        "{'bbox': [560, 330, 610, 400], 'name': 'cup'}",
        "The cup [xmin: 560, ymin: 330, xmax: 610, ymax: 400] is here.",
        "the cup (bounding box 560, 330, 610, 400)",
        "cup: 560,330,610,400",
        'cup {"x1": 560, "y1": 330, "x2": 610, "y2": 400}',
        '{"label": "cup", "xmin": 560, "ymin": 330, "xmax": 610, "ymax": 400}',
    ],
)
def test_boxes_in_every_notation(text: str) -> None:
    assert verdicts(text)["cup in [560.0, 330.0, 610.0, 400.0]"] == "supported"


@pytest.mark.parametrize(
    "text", ["The cup is at (x=585, y=365).", "cup (point: 585, 365)", '<point x="585" y="365">cup</point>']
)
def test_points_in_every_notation(text: str) -> None:
    assert verdicts(text)["cup in [585.0, 365.0]"] == "supported"


def test_a_key_names_the_thing_of_its_own_box() -> None:
    found = verdicts('[{"bbox": [0, 0, 50, 40], "label": "cup"}, {"bbox": [380, 20, 440, 80], "label": "clock"}]')
    assert found["cup in [0.0, 0.0, 50.0, 40.0]"] == "contradicted"
    assert found["clock in [380.0, 20.0, 440.0, 80.0]"] == "supported"


@pytest.mark.parametrize(
    ("text", "owner"),
    [("James's cat's on a mat", "james's"), ("the car's parked door", "car's"), ("it's on the table", "it's")],
)
def test_an_owner_is_no_verb(text: str, owner: str) -> None:
    assert owner in tokenise(text).low


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2 goals and 1 goal make 3 goals", True),
        ("two cows and three sheep make six animals", False),
        ("Half of 40 is 20", True),
        ("a third of 9 equals 4", False),
        ("Twice 5 is 10", True),
        ("The sum of 120 and 150 is 270", True),
        ("the average of 2, 4 and 6 is 5", False),
        ("the difference between 40 and 25 is 15", True),
        ("the product of 3 and 4 gives 13", False),
        ("180 divided by 90 is 2", True),
        ("6 multiplied by 7 equals 43", False),
        ("10% of 50 is 5", True),
        ("20 percent of 50 is 11", False),
        ("from 90 to 180 is an increase of 90", True),
        ("from 40 to 50 there is a rise of 25%", True),
        ("from 40 to 50 is a drop of 20", False),
        ("subtracting 120 from 180 gives 60", True),
        ("Dividing 12 by 4 gives 4", False),
        ("if you add 40 and 25 you get 65", True),
        ("multiplying 6 by 7 makes 42", True),
        ("10 subtracted from 40 is 20", False),
        ("5 added to 6 is 11", True),
        ("3 and 4 add up to 7", True),
    ],
)
def test_sums_in_words(text: str, right: bool) -> None:
    assert [s.right for s in word_sums(tokenise(text))] == [right]


@pytest.mark.parametrize(
    "text",
    [
        "half of the 40 people are there",
        "it runs from 9 to 5",
        "10% of the 50 people is a lot",
        "the man and 2 dogs make 1 group",
        "of the 5 bottles, 2 and 3 make a pair",
        "half of 0 divided by 0 is 1",
    ],
)
def test_words_that_are_no_sum(text: str) -> None:
    assert list(word_sums(tokenise(text))) == []


def consistency(chain: str, answer: str, question: str) -> float | None:
    text = f"<think>{chain}</think><answer>{answer}</answer>"
    found: float | None = verify_completion(Rollout(question, text, None), [OFFICE])["reasoning_consistency"]
    return found


@pytest.mark.parametrize(
    ("chain", "answer", "question"),
    [
        ("So the answer is left.", "right", "Which side?"),
        ("The answer must be 4.", "5", "How many?"),
        ("The answer is: yes.", "no", "Is it open?"),
        ("So the answer is a dog.", "cat", "What is it?"),
        ("The answer should be red.", "blue", "What colour is it?"),
        ("So pears sold least.", "plums", "Which fruit sold least?"),
        ("Therefore 2019 had the most visitors.", "2021", "Which year had the most visitors?"),
        ("Thus the blue car is the fastest.", "red car", "Which car is the fastest?"),
    ],
)
def test_another_conclusion_than_the_answer(chain: str, answer: str, question: str) -> None:
    assert consistency(chain, answer, question) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("chain", "answer", "question"),
    [
        ("The answer is obvious.", "5", "How many?"),
        ("The answer is 4. Wait, the answer is 5.", "5", "How many?"),
        ("So the answer is the kitten.", "cat", "What is it?"),
        ("The answer is 3 pm.", "3:00 PM", "What time is it?"),
        ("So the highest value is 180. That is 2021.", "2021", "Which year has the highest value?"),
        ("So plums sold least.", "plums", "Which fruit sold least?"),
        ("(120 + 150) / 2 = 135", "135", "What is the average?"),
        ("3 / 4 = 0.75", "75%", "What share is it?"),
        ("40 - (25 + 10) = 5", "5", "How many more?"),
    ],
)
def test_the_same_conclusion(chain: str, answer: str, question: str) -> None:
    assert consistency(chain, answer, question) == 1.0


@pytest.mark.parametrize("question", ["What is missing?", "Which animal isn't in the picture?", "What is absent?"])
def test_an_answer_to_what_is_missing_denies(question: str) -> None:
    row = verify_completion(
        Rollout(question, "<think>A dog is missing.</think><answer>dog</answer>", ("dog",)), [OFFICE]
    )
    assert {c["claim"]: c["verdict"] for c in row["claims"]} == {"not: dog": "supported"}
    assert row["reasoning_consistency"] == 1.0


def test_an_answer_about_some_people_says_nothing_of_the_others() -> None:
    chain = "<think>There is one person.</think><answer>0</answer>"
    row = verify_completion(Rollout("How many children are there?", chain, ("0",)), [OFFICE])
    assert row["claims"][0]["verdict"] == "supported"
