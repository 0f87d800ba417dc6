"""The executor: part by part, resumed after any stop, failed rows owed and tried again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from halo_forge import schema, store
from halo_forge.config import execution, identity, source, target
from halo_forge.errors import UserError
from halo_forge.stage import Stage


@dataclass(frozen=True)
class Config:
    prompts: str = source("prompts")
    output: str = target()
    cycle: int = identity(1)
    fails: tuple[str, ...] = execution(())
    stops_at: str = execution("")


def answer(prompts: pa.Table, config: Config, state: list[str]) -> pa.Table:
    """Two completions of each prompt, but for those that `config.fails` names."""
    rows = []
    for prompt in prompts["prompt_id"].to_pylist():
        state.append(prompt)
        if prompt == config.stops_at:
            raise KeyboardInterrupt
        for i in range(2):
            bad = {"error": "out of memory", "error_kind": "transient"} if prompt in config.fails else {}
            rows.append({"prompt_id": prompt, "sample_index": i, "cycle": config.cycle, "completion": prompt, **bad})
    return schema.from_rows(rows, "completions")


STAGE = Stage("generate", 1, Config, answer, rows="prompts", output="completions", part_rows=2)


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    rows = [{"prompt_id": p, "image_ids": [], "question": p, "prompt": p} for p in "abcde"]
    writer = store.Writer.begin(tmp_path / "prompts", "prompts", {"stage": "prompts"})
    writer.write(0, schema.from_rows(rows, "prompts"))
    return writer.finish().path


def test_finished_table_is_left_alone(prompts: str, tmp_path: Path) -> None:
    asked: list[str] = []
    first = STAGE.run(Config(prompts, str(tmp_path / "c")), state=asked)
    again = STAGE.run(Config(prompts, str(tmp_path / "c")), state=asked)
    assert asked == list("abcde")
    assert first.digest == again.digest and again.rows == 10


def test_stopped_run_goes_on_at_the_first_missing_part(prompts: str, tmp_path: Path) -> None:
    asked: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        STAGE.run(Config(prompts, str(tmp_path / "c"), stops_at="d"), state=asked)
    asked.clear()
    resumed = STAGE.run(Config(prompts, str(tmp_path / "c")), state=asked)
    assert asked == list("cde")
    assert resumed.digest == STAGE.run(Config(prompts, str(tmp_path / "whole")), state=[]).digest


def test_failed_rows_are_owed_and_only_they_are_tried_again(prompts: str, tmp_path: Path) -> None:
    asked: list[str] = []
    broken = STAGE.run(Config(prompts, str(tmp_path / "c"), fails=("b", "e")), state=asked)
    assert broken.read()["error_kind"].to_pylist().count("transient") == 4
    STAGE.run(Config(prompts, str(tmp_path / "c")), state=asked)
    assert asked == list("abcde")  # not without being asked to
    asked.clear()
    mended = STAGE.run(Config(prompts, str(tmp_path / "c")), state=asked, retry=True)
    assert asked == list("be")
    assert mended.digest == STAGE.run(Config(prompts, str(tmp_path / "whole")), state=[]).digest
    STAGE.run(Config(prompts, str(tmp_path / "c")), state=asked, retry=True)
    assert asked == list("be")


def test_other_settings_or_rows_are_another_table(prompts: str, tmp_path: Path) -> None:
    STAGE.run(Config(prompts, str(tmp_path / "c")), state=[])
    with pytest.raises(store.StaleError, match=r"params.cycle: 1 -> 2"):
        STAGE.run(Config(prompts, str(tmp_path / "c"), cycle=2), state=[])


def test_paths_do_not_matter(prompts: str, tmp_path: Path) -> None:
    STAGE.run(Config(prompts, str(tmp_path / "c")), state=[])
    Path(prompts).rename(tmp_path / "moved")
    asked: list[str] = []
    STAGE.run(Config(str(tmp_path / "moved"), str(tmp_path / "c")), state=asked)
    assert asked == []


def test_missing_input_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no prompts table at"):
        STAGE.run(Config(str(tmp_path / "nowhere"), str(tmp_path / "c")), state=[])
