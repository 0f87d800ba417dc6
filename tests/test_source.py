"""The digest of a stage's code: what changes it, what does not, and that a run says so."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from halo_forge import schema, source, store
from halo_forge.progress import Progress

CODE = '''
"""A stage."""
from dataclasses import dataclass

from halo_forge.config import source, target
from halo_forge.stage import Stage


@dataclass(frozen=True)
class Config:
    scores: str = source("scores")
    output: str = target()


def weigh(scores, config, state=None):
    """The rewards of scores."""
    return scores.select(["prompt_id", "sample_index", "correct"]).append_column("reward", [[0.5] * len(scores)])


STAGE = Stage("reward", 1, Config, weigh, rows="scores", output="rewards")
'''


def loaded(folder: Path, code: str) -> ModuleType:
    """The module of a stage file with `code`, as a new process would see it."""
    import linecache
    import sys

    file = folder / "own_stage.py"
    file.write_text(code)
    linecache.clearcache()
    spec = importlib.util.spec_from_file_location("own_stage", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["own_stage"] = module
    exec(compile(code, str(file), "exec"), module.__dict__)
    return module


def digest(folder: Path, code: str) -> str:
    return source.source_digest(loaded(folder, code).weigh)


def test_comments_docstrings_and_layout_do_not_count(tmp_path: Path) -> None:
    before = digest(tmp_path, CODE)
    assert digest(tmp_path, CODE.replace("return scores", "# half\n    return  scores")) == before
    assert digest(tmp_path, CODE.replace('"""The rewards of scores."""', '"""Rewards."""')) == before
    assert source.differ(before, digest(tmp_path, CODE.replace("0.5", "0.6")))


def test_packages_that_a_stage_draws_on_count(tmp_path: Path) -> None:
    plain, drawing = tmp_path / "plain.py", tmp_path / "drawing.py"
    plain.write_text(CODE)
    drawing.write_text(CODE + "\ndef later():\n    from halo_forge.metrics import guards\n")
    files = source._files(drawing)
    assert {file.parent.name for file in files} == {"metrics"} and len(files) > 5
    assert source._files(plain) == []


def test_digests_of_another_python_or_none_are_not_compared() -> None:
    assert not source.differ("", "python3.11:a") and not source.differ("python3.12:b", "python3.11:a")
    assert source.differ("python3.11:b", "python3.11:a")


def test_a_run_says_that_the_code_changed_and_leaves_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = store.Writer.begin(tmp_path / "scores", "scores", {"stage": "verify"})
    writer.write(0, schema.from_rows([{"prompt_id": "a", "sample_index": 0, "correct": True}], "scores"))
    writer.finish()
    words = str(tmp_path / "scores"), str(tmp_path / "rewards")
    first = loaded(tmp_path, CODE)
    made = first.STAGE.run(first.Config(*words))
    capsys.readouterr()
    for code, said in ((CODE, False), (CODE + "# more\n", False), (CODE.replace("0.5", "0.6"), True)):
        again = loaded(tmp_path, code)
        assert again.STAGE.run(again.Config(*words)).digest == made.digest
        lines = [line for line in capsys.readouterr().err.splitlines() if "its code changed since" in line]
        assert len(lines) == said
    assert f"reward: its code changed since {words[1]} was made; --force-from reward would make it anew" in lines
    assert made.read()["reward"].to_pylist() == [0.5]


def test_an_unfinished_table_of_other_code_is_said_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from halo_forge import executor

    payload = {"stage": "train"}
    executor.begin(loaded(tmp_path, CODE).weigh, Progress(), tmp_path / "t", "training", payload)
    executor.begin(loaded(tmp_path, CODE.replace("0.5", "0.6")).weigh, Progress(), tmp_path / "t", "training", payload)
    assert "was begun" in capsys.readouterr().err
