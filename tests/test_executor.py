"""The executor: part by part, resumed after any stop, failed rows owed and tried again."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from halo_forge import bench_rows, executor, keys, schema, store
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


def test_a_whole_number_for_a_float_is_the_same_key(prompts: str, tmp_path: Path) -> None:
    from halo_forge.stages import generate, reward

    asked = {"prompts": prompts, "images": prompts, "model": "m", "output": "o"}
    found = [executor.identity_of(generate.Config(**asked, temperature=value)) for value in (1, 1.0)]
    assert keys.sha256_json(found[0]) == keys.sha256_json(found[1])
    assert type(found[0]["seed"]) is int
    weights = [executor.identity_of(reward.Config("s", "o", weights=w)) for w in ((1, 1, 2), (1.0, 1.0, 2.0))]
    assert keys.sha256_json(weights[0]) == keys.sha256_json(weights[1])


def test_a_part_that_vanished_is_made_again_and_said(
    prompts: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        STAGE.run(Config(prompts, str(tmp_path / "c"), stops_at="e"), state=asked)
    (tmp_path / "c" / "part-00000.parquet").unlink()
    asked.clear()
    resumed = STAGE.run(Config(prompts, str(tmp_path / "c")), state=asked)
    assert asked == list("abe") and resumed.rows == 10
    assert "part-00000.parquet is gone; making it again" in capsys.readouterr().err


def test_an_input_that_is_rewritten_while_it_is_read_is_noticed(prompts: str, tmp_path: Path) -> None:
    def rewrites(batch: pa.Table, config: Config, state: list[str]) -> pa.Table:
        rows = [{"prompt_id": p, "image_ids": [], "question": "other", "prompt": p} for p in "abcde"]
        writer = store.Writer.begin(prompts, "prompts", {"stage": "prompts"})
        writer.write(0, schema.from_rows(rows, "prompts"))
        writer.finish()
        return answer(batch, config, state)

    stage = Stage("generate", 1, Config, rewrites, rows="prompts", output="completions", part_rows=2)
    with pytest.raises(UserError, match="was rewritten while it was read"):
        stage.run(Config(prompts, str(tmp_path / "c")), state=[])
    with pytest.raises(store.StaleError, match=r"inputs.prompts: [0-9a-f]{12}… -> [0-9a-f]{12}…\."):
        STAGE.run(Config(prompts, str(tmp_path / "c")), state=[])


def test_a_try_again_that_is_killed_loses_no_part(prompts: str, tmp_path: Path) -> None:
    STAGE.run(Config(prompts, str(tmp_path / "c"), fails=("b",)), state=[])
    asked: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        STAGE.run(Config(prompts, str(tmp_path / "c"), stops_at="b"), state=asked, retry=True)
    assert store.Table(str(tmp_path / "c"), "completions").open().rows == 10
    STAGE.run(Config(prompts, str(tmp_path / "c")), state=asked, retry=True)
    assert asked == ["b", "b"]


def test_missing_input_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no prompts table at"):
        STAGE.run(Config(str(tmp_path / "nowhere"), str(tmp_path / "c")), state=[])


PASS = """
import dataclasses, sys
import pyarrow as pa
from halo_forge import schema
from halo_forge.progress import Progress
from halo_forge.stages import verify

def judged(completions, config, state=None, *, prompts, evidence=None):
    keys = completions.select(["prompt_id", "sample_index", "cycle"]).to_pylist()
    assert prompts.num_rows == len({row["prompt_id"] for row in keys})
    return schema.from_rows([row | {"correct": True} for row in keys], "scores")

stage = dataclasses.replace(verify.STAGE, fn=judged, part_rows=512)
folder = sys.argv[1]
config = verify.Config(f"{folder}/completions", f"{folder}/prompts", f"{folder}/scores", f"{folder}/evidence")
stage.run(config, progress=Progress(quiet=True))
print(pa.default_memory_pool().max_memory())
"""


def test_memory_stays_flat_as_rows_grow(tmp_path: Path) -> None:
    """Eight times the rows on disk, and Arrow holds little more at once: the keys of the prompts, and one part."""
    held = []
    for rows in (4_000, 32_000):
        bench_rows.on_disk(tmp_path / str(rows), rows)
        words = [sys.executable, "-P", "-c", PASS, str(tmp_path / str(rows))]
        held.append(int(subprocess.run(words, check=True, capture_output=True).stdout))
    whole = store.Table(str(tmp_path / "32000/completions"), "completions").read().nbytes
    assert held[1] - held[0] < 4 * 2**20 < whole / 5
