"""What trackers are told: what the tables hold, each point once, whatever stops the run; and nothing that stops it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from runs import SMALL, config, digests
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from halo_forge import executor, schema, sql
from halo_forge.errors import UserError
from halo_forge.files import read_json, write_json
from halo_forge.progress import Progress
from halo_forge.vlm import figures, questions, trackers, tracking
from halo_forge.vlm.check import check
from halo_forge.vlm.run_dir import RunDir
from halo_forge.vlm.trainer import VLMRAFTTrainer

Curves = dict[str, list[tuple[int, float]]]
WORDS = ["vlm", "train", "--dataset", "shapes", "--cycles", "2", "--no-controls", *SMALL]


def reader(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    return found


def curves(folder: Path) -> Curves:
    """Every scalar as TensorBoard reads it."""
    found = reader(folder)
    return {name: [(one.step, one.value) for one in found.Scalars(name)] for name in found.Tags()["scalars"]}


def asked(run: Path, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in sql.query(statement, str(run)).to_pylist()]


def close(told: list[tuple[int, float]], wanted: list[tuple[Any, ...]]) -> bool:
    """The same steps, and the same values as 32-bit floats."""
    return [step for step, _ in told] == [step for step, _ in wanted] and all(
        one == pytest.approx(other, rel=1e-6) for (_, one), (_, other) in zip(told, wanted, strict=True)
    )


def files(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(one.relative_to(folder)): (one.stat().st_mtime_ns, one.stat().st_size) for one in folder.rglob("*")}


def again(run: Path, *more: str) -> None:
    VLMRAFTTrainer(config(run, "--no-controls", *more)).train()


def test_the_events_are_what_the_tables_say(finished: Path) -> None:
    told = curves(finished / "tensorboard")
    rate = asked(finished, "SELECT 4 * (cycle - 1) + step, learning_rate FROM training ORDER BY 1")
    loss = asked(finished, "SELECT 4 * (cycle - 1) + step, loss FROM training ORDER BY 1")
    assert len(loss) == 8 and close(told["train/loss"], loss) and close(told["train/learning_rate"], rate)
    assert {name for name in told if name.startswith("train/")} == {f"train/{name}" for name in figures.LOG}
    for name in ("reward", "perception", "reasoning", "output"):
        mean = asked(finished, f"SELECT cycle, avg({name}) FROM rewards GROUP BY cycle ORDER BY cycle")
        assert close(told[f"cycle/{name}"], mean)
    for name, statement in {
        "pass_rate": "SELECT cycle, avg(correct::INTEGER) FROM rewards GROUP BY cycle ORDER BY cycle",
        "perception_abstained": "SELECT cycle, avg((perception IS NULL)::INT) FROM rewards GROUP BY 1 ORDER BY 1",
        "kept": "SELECT cycle, count(*) FROM sft WHERE keep GROUP BY cycle ORDER BY cycle",
        "tokens": "SELECT cycle, avg(completion_tokens) FROM completions GROUP BY cycle ORDER BY cycle",
    }.items():
        assert close(told[f"cycle/{name}"], asked(finished, statement))
    assert len(told["cycle/distinct_answers"]) == 2
    held = asked(
        finished,
        "SELECT split || '/' || style || '/' || if(temperature = 0, 'greedy', 'sampled') AS name, cycle, avg(score) "
        "FROM benchmark GROUP BY name, cycle ORDER BY name, cycle",
    )
    assert len(held) == 12
    for name in {row[0] for row in held}:
        assert close(told[f"held_out/{name}"], [row[1:] for row in held if row[0] == name])
    record = read_json(finished / "completions/cycle=2/part-00000.json") or {}
    assert told["stage/generate/tokens_per_second"][1] == (
        2,
        pytest.approx(record["tokens"] / record["seconds"], rel=1e-6),
    )
    assert [step for step, _ in told["stage/evaluate/seconds"]] == [0, 1, 2]


def test_settings_are_hyperparameters_and_warnings_are_texts(finished: Path, copy: Path) -> None:
    content = reader(finished / "tensorboard").SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    values = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert values["learning_rate"].number_value == pytest.approx(2e-3) and values["max_steps"].number_value == 4
    assert values["model"].string_value == "bundled:shapes/base" and "report_to" not in values and "quiet" not in values
    lines = [(2, "cycle two"), (1, "<b>one</b>")]
    kept = {"warnings": [{"cycle": cycle, "warning": "w", "line": line} for cycle, line in lines]}
    for _ in range(2):
        write_json(copy / "warnings.json", kept)
        again(copy)
        texts = reader(copy / "tensorboard").Tensors("warnings")
        assert [(one.step, one.tensor_proto.string_val[0].decode()) for one in texts] == sorted(lines)
        lines.append((3, "three"))
        kept["warnings"].append({"cycle": 3, "warning": "w", "line": "three"})


def test_a_finished_run_is_left_alone_and_nothing_is_imported(finished: Path, copy: Path) -> None:
    before = files(copy / "tensorboard")
    script = "import sys; from halo_forge.cli import main; code = main(sys.argv[1:]); names = ('torch', 'tensorboard')"
    script += "; print('loaded:', [name for name in names if name in sys.modules]); sys.exit(code)"
    command = [sys.executable, "-c", script, *WORDS, "--output", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "loaded: []" in done.stdout and files(copy / "tensorboard") == before
    shutil.rmtree(copy / "tensorboard")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "loaded: ['tensorboard']" in done.stdout  # told anew from the tables, still without torch
    assert curves(copy / "tensorboard") == curves(finished / "tensorboard")
    assert any("invariants hold" in line for line in check(str(copy)))


def test_none_writes_nothing_and_is_the_same_run(finished: Path, copy: Path) -> None:
    shutil.rmtree(copy / "tensorboard")
    again(copy, "--report-to", "none", "--cycles", "3")
    assert not (copy / "tensorboard").exists()
    assert {name: one for name, one in digests(copy).items() if name in digests(finished)} == digests(finished)
    given = [executor.identity_of(config(copy, "--report-to", name)) for name in ("none", "tensorboard")]
    assert given[0] == given[1]


def test_what_was_told_and_not_noted_is_not_doubled(finished: Path, copy: Path) -> None:
    """A kill after an event file got its name, before it was noted; and after it was noted, before old ones went."""
    folder, wanted = copy / "tensorboard", curves(finished / "tensorboard")
    note = read_json(folder / tracking.TOLD) or {}
    note["units"] = {name: one for name, one in note["units"].items() if "cycle=2" not in name}
    write_json(folder / tracking.TOLD, note)
    shutil.copy(folder / trackers.OURS.format(number=9), folder / trackers.OURS.format(number=99))
    again(copy)
    assert curves(folder) == wanted
    note = read_json(folder / tracking.TOLD) or {}
    note["units"]["train/cycle=1"] |= {"made_from": "another", "digest": "of other points"}
    write_json(folder / tracking.TOLD, note)
    before = set(folder.glob("events*"))
    again(copy)
    assert {name: sorted(points) for name, points in curves(folder).items()} == wanted
    assert len(set(folder.glob("events*")) - before) == len(before - set(folder.glob("events*"))) == 1


def test_replaced_tables_are_told_anew_and_a_tag_beside(finished: Path, copy: Path) -> None:
    more = ["--output-weight", "0.6", "--max-per-prompt", "1"]
    again(copy, *more, "--tag", "strict")
    assert curves(copy / "tensorboard") == curves(finished / "tensorboard")
    beside = curves(copy / "tensorboard_strict")
    assert (
        beside["held_out/test/grounded/greedy"][0] == curves(copy / "tensorboard")["held_out/test/grounded/greedy"][0]
    )
    again(copy, *more, "--force-from", "reward")
    told = curves(copy / "tensorboard")
    mean = asked(copy, "SELECT cycle, avg(reward) FROM rewards GROUP BY cycle ORDER BY cycle")
    assert close(told["cycle/reward"], mean) and told["cycle/reward"] == beside["cycle/reward"]
    assert told["cycle/reward"] != curves(finished / "tensorboard")["cycle/reward"]
    assert len(told["train/loss"]) == 8


def test_a_killed_run_has_every_point_once(finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "halo_forge.cli", *WORDS, "--output", str(run)]
    for count in (4, 13):  # in the first evaluation or just after it, and in the second cycle
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while len(list(run.glob("tensorboard/events*"))) < count and time.monotonic() < end:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    again(run)
    told, wanted = curves(run / "tensorboard"), curves(finished / "tensorboard")
    assert {name: [step for step, _ in points] for name, points in told.items() if "second" not in name} == {
        name: [step for step, _ in points] for name, points in wanted.items() if "second" not in name
    }
    same = [name for name in wanted if not name.startswith("stage/")]
    assert len(same) > 20 and all(told[name] == wanted[name] for name in same)


def test_a_training_is_seen_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The steps of a checkpoint are told at the next word of the training; afterwards the rest, and none twice."""
    monkeypatch.setattr(tracking, "SELDOM", 0.0)
    seen: list[int] = []
    tell = Progress.tell

    def listening(self: Progress, event: str, text: str, **more: Any) -> None:
        tell(self, event, text, **more)
        if "train: step 60/60" in text:
            seen.append(len(curves(tmp_path / "run/tensorboard").get("train/loss", [])))

    monkeypatch.setattr(Progress, "tell", listening)
    more = ["--limit", "8", "--eval-limit", "8", "--cycles", "1", "--max-steps", "60", "--no-controls"]
    VLMRAFTTrainer(config(tmp_path / "run", *more)).train()
    told = curves(tmp_path / "run/tensorboard")
    assert seen == [50]
    assert close(told["train/loss"], asked(tmp_path / "run", "SELECT step, loss FROM training ORDER BY step"))
    assert len(told["train/loss"]) == 60


def test_a_tracker_that_fails_is_a_line_and_the_run_goes_on(
    finished: Path, copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(copy / "tensorboard")
    (copy / "tensorboard").write_text("in the way")
    trainer = VLMRAFTTrainer(config(copy, "--cycles", "3", "--no-controls", "--json"))
    found = trainer.train()
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [row for row in rows if row.get("warning") == "tracking"]
    assert found.cycles == 3 and len(told) == 1 and told[0]["event"] == "warning"
    assert "tensorboard is told nothing more: " in told[0]["text"] and "goes on" in told[0]["text"]
    absent = next(name for name in reversed(trackers.NAMES) if not trackers.installed(name))
    monkeypatch.setattr(trackers, "installed", lambda name: True)  # its package is broken: the child finds out
    trainer = VLMRAFTTrainer(config(copy, "--cycles", "3", "--no-controls", "--json", "--report-to", absent))
    trainer.train()
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (told,) = [row for row in rows if row["event"] == "warning"]
    assert told["tracker"] == absent and "No module named" in told["text"]
    assert read_json(copy / absent / tracking.TOLD) is None


def test_names(monkeypatch: pytest.MonkeyPatch, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    assert set(trackers.NAMES) == set(LOGGER_TYPE_TO_CLASS)
    assert config(copy).report_to == ("tensorboard",) and config(copy, "--report-to", "none").report_to == ("none",)
    with pytest.raises(UserError, match="wand is not known: did you mean 'wandb'"):
        config(copy, "--report-to", "wand")
    with pytest.raises(UserError, match="none stands alone"):
        config(copy, "--report-to", "none,tensorboard")
    monkeypatch.setattr(trackers, "installed", lambda name: False)
    with pytest.raises(UserError, match="wandb is not installed: pip install wandb"):
        config(copy, "--report-to", "wandb")
    shutil.rmtree(copy / "tensorboard")
    trainer = VLMRAFTTrainer(config(copy))
    trainer.progress = Progress()
    trainer.train()
    assert capsys.readouterr().err.count("pip install tensorboard") == 1 and not (copy / "tensorboard").exists()


def test_a_folder_of_its_name_is_no_tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "swanlab").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert trackers.installed("tensorboard") and not trackers.installed("swanlab")


def test_columns_are_those_of_the_header(finished: Path) -> None:
    query = questions.read("steps", "watch", sql.text("watch/steps"))
    table = RunDir(finished).tables("training", "training")
    assert table is not None and [one.name for one in query.parameters] == ["cycle"]
    for rows, source in ((4, table), (0, schema.empty("training"))):
        connection = sql.connect({"training": source})
        result = connection.sql(query.text, params={"cycle": 2})
        assert list(zip(result.columns, map(str, result.types), strict=True)) == questions.columns(query.text)
        assert len(result.fetchall()) == rows
        connection.close()


def standing(folder: Path) -> tuple[Any, ...]:
    """What is there, and when ours was written; a library's own log may still get a line from a process of its own."""
    return files(folder).keys(), [(folder / name).stat().st_mtime_ns for name in (tracking.TOLD, "log.txt")]


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_another_tracker_in_its_own_process(name: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not trackers.installed(name):
        pytest.skip(f"{name} is not installed: pip install {name}")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("TRACKIO_DIR", str(copy / "trackio/kept"))
    again(copy, "--report-to", f"{name},tensorboard")
    before = standing(copy / name)
    told = read_json(copy / name / tracking.TOLD) or {}
    assert told["run"].startswith("copy-") and told["units"]["train/cycle=2"]["points"] == 3 + 4 * len(figures.LOG)
    again(copy, "--report-to", name)
    assert standing(copy / name) == before
    if name == "wandb":
        assert any((copy / "wandb/wandb").glob("offline-run-*/*.wandb"))
    else:
        assert any((copy / "trackio/kept").iterdir())
