"""Verifiers of the user's own: a column, a part of the reward, a digest in the key; their errors are a row's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from halo_forge import schema
from halo_forge.errors import UserError
from halo_forge.stages import reward, verify

RULES = """
def on_topic(row):
    seen = [o["label"] for e in row["evidence"] for o in e["objects"]]
    return float("dog" in row["completion"] and row["answer"] == row["answers"][0] and seen == ["dog"])

def short(row):
    return None if row["correct"] is None else len(row["completion"]) < 40

def broken(row):
    return 1 / 0 if "zebra" in row["completion"] else 0.5

def huge(row):
    return 7
"""
BOX = {"confidence": 0.95, "x1": 1.0, "y1": 1.0, "x2": 20.0, "y2": 20.0}
SEEN = {"image_id": "i", "width": 84, "height": 84, "vocabulary": ["dog"], "objects": [{"label": "dog", **BOX}]}
ASKED = {
    "prompt_id": "p", "image_ids": ["i"], "question": "What animal?", "prompt": "", "metric": "match",
    "answers": ["dog"],
}  # fmt: skip


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "my_rules.py"
    path.write_text(RULES, encoding="utf-8")
    return path


def scores(*texts: str, verifier: tuple[str, ...]) -> pa.Table:
    rows = [{"prompt_id": "p", "sample_index": i, "cycle": 1, "completion": t} for i, t in enumerate(texts)]
    return verify.STAGE(
        schema.from_rows(rows, "completions"),
        verify.Config("c", "p", "s", verifier=verifier),
        prompts=schema.from_rows([ASKED], "prompts"),
        evidence=schema.from_rows([SEEN], "evidence"),
    )


def paid(table: pa.Table, **settings: Any) -> list[float]:
    return reward.STAGE(table, reward.Config("s", "r", **settings))["reward"].to_pylist()


def test_the_whole_row_is_at_hand_and_the_score_is_a_column(rules: Path) -> None:
    table = scores("a dog", "a cat", verifier=(f"{rules}:on_topic", f"{rules}:short"))
    first, second = table["custom"].to_pylist()
    assert first == [{"name": "on_topic", "score": 0.0}, {"name": "short", "score": 1.0}]
    assert scores("<answer>dog</answer>", verifier=(f"{rules}:on_topic",))["custom"][0].as_py()[0]["score"] == 1.0
    assert second[0]["score"] == 0.0


def test_it_enters_the_reward_with_its_weight(rules: Path) -> None:
    table = scores("<answer>dog</answer>", verifier=(f"{rules}:on_topic",))
    row = table.to_pylist()[0]
    mean = 0.3 * row["perception"] + 0.4 * 0.5 + 0.3
    assert paid(table, weight=(0.2,)) == [pytest.approx((mean + 0.2) / 1.2)] == paid(table)
    assert paid(table, weight=(0.0,)) == [pytest.approx(mean)]


def test_no_weight_of_it_lets_a_wrong_answer_reach_a_right_one(rules: Path) -> None:
    table = scores("a dog, in rather many words that fill the line", "a cat", verifier=(f"{rules}:short",))
    right, wrong = paid(table, weight=(50.0,))
    assert right > wrong


def test_its_error_is_the_rows(rules: Path) -> None:
    table = scores("a zebra", "a dog", verifier=(f"{rules}:broken",))
    failed, fine = table.to_pylist()
    assert failed["error"] == "verifier broken: ZeroDivisionError: division by zero"
    assert fine["error"] is None and fine["custom"] == [{"name": "broken", "score": 0.5}]
    assert paid(table)[0] == 0.0
    assert "from 0 to 1" in scores("a dog", verifier=(f"{rules}:huge",)).to_pylist()[0]["error"]


def test_the_key_knows_the_file_and_not_its_place(rules: Path, tmp_path: Path) -> None:
    spec = f"{rules}:on_topic"
    before = verify.digests(verify.Config("c", "p", "s", verifier=(spec,)))
    (tmp_path / "other").mkdir()
    moved = rules.rename(tmp_path / "other" / "renamed.py")
    assert verify.digests(verify.Config("c", "p", "s", verifier=(f"{moved}:on_topic",))) == before
    moved.write_text(RULES + "\n", encoding="utf-8")
    assert verify.digests(verify.Config("c", "p", "s", verifier=(f"{moved}:on_topic",))) != before
    assert verify.digests(verify.Config("c", "p", "s")) == {}


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("on_topic", "FILE.py:FUNCTION"),
        ("nowhere.py:on_topic", "no file nowhere.py"),
        ("RULES:on_topik", "on_topic"),
        ("BAD:f", "fails on import"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(rules: Path, tmp_path: Path, spec: str, line: str) -> None:
    (tmp_path / "bad.py").write_text("raise RuntimeError('no')", encoding="utf-8")
    named = spec.replace("RULES", str(rules)).replace("BAD", str(tmp_path / "bad.py"))
    with pytest.raises(UserError, match=line):
        verify.load(verify.Config("c", "p", "s", verifier=(named,)))


def test_weights_have_to_fit(rules: Path) -> None:
    table = scores("a dog", verifier=(f"{rules}:on_topic", f"{rules}:short"))
    with pytest.raises(UserError, match="2 verifiers"):
        paid(table, weight=(0.2,))
    with pytest.raises(UserError, match=">= 0"):
        reward.Config("s", "r", weight=(-1.0,))
