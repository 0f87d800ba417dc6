"""The report as a file: every kind of run, what is missing said, and its size held."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from halo_forge.cli import commands
from halo_forge.errors import UserError
from halo_forge.files import write_json
from halo_forge.report import clean, drawing, gallery, page, plots
from halo_forge.report.answer import answer
from halo_forge.report.tables import opened
from tests import sql_run
from tests.report_run import EVIL, SCRIPT


def text_of(run: Path, out: Path, **more: object) -> str:
    return page.write(dataclasses.replace(page.Config(str(run), str(out)), **more)).read_text()


def test_the_answer_is_the_paired_gain(small_run: Path) -> None:
    with opened(str(small_run)) as tables:
        told = answer(tables)
        row = tables.ask("benchmark/gain", cycle=told.best)[0]
    assert row["after"] > row["before"]
    assert f"{100 * row['gain']:+.1f}" in told.headline
    assert f"{100 * row['before']:.1f} % to {100 * row['after']:.1f} %" in told.detail
    expected = "better" if row["low"] > 0 else "unclear"
    assert told.verdict == expected


def test_the_command(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "r.html"
    words = ["vlm", "report", str(small_run), "--output", str(out), "--prompts", "3"]
    assert commands.dispatch(words) == 0
    assert str(out) in capsys.readouterr().out
    html = out.read_text()
    assert '"entries":[{' in html and html.count('"kinds":') == 3
    assert not re.search(r"(src|href)=\"(?!data:|#)", html)
    with pytest.raises(UserError, match="no folder"):
        commands.dispatch(["vlm", "report", str(tmp_path / "nowhere")])
    with pytest.raises(UserError, match="--prompts"):
        commands.dispatch(["vlm", "report", str(small_run), "--prompts", "-1"])


def test_the_same_run_gives_the_same_page(small_run: Path, tmp_path: Path) -> None:
    assert text_of(small_run, tmp_path / "a.html") == text_of(small_run, tmp_path / "b.html")


def test_controls_stand_beside_the_gain(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run, symlinks=True)
    shutil.copytree(run / "eval/benchmark/cycle=1", run / "controls/unverified/benchmark/cycle=1")
    with opened(str(run)) as tables:
        rows = [row for row in answer(tables).section.charts[0].rows if row[0] == "control: unverified"]
        gained = tables.ask("benchmark/gain", cycle=1)[0]["gain"]
    assert [row[2] for row in rows] == [f"{100 * gained:+.1f}"]


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (["eval"], "No held-out evaluation yet."),
        (["sft"], "The run has no table sft (yet)."),
        ([], "The run has no table training (yet)."),
        (["scores", "rewards", "sft"], "no table scores and no rewards"),
        (["completions", "scores", "rewards", "sft", "evidence"], "no table rewards"),
        (["run.json"], "No run.json"),
        (["completions/cycle=2", "scores/cycle=2", "rewards/cycle=2", "sft/cycle=2"], "Cycle"),
        (["images", "evidence"], "Gallery"),
    ],
)
def test_what_is_missing_is_said(small_run: Path, tmp_path: Path, gone: list[str], said: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run, symlinks=True)
    for path in run.glob("*_strict*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in gone:
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    assert said in text_of(run, tmp_path / "r.html")


def test_an_unfinished_table_is_named(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run, symlinks=True)
    (run / "rewards/cycle=2/_stage.json").unlink()
    assert "Unfinished: rewards/cycle=2." in text_of(run, tmp_path / "r.html")


def test_a_folder_of_a_benchmark(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "bench"
    for name, source in (("prompts", "eval/prompts"), ("images", "images")):
        shutil.copytree(small_run / source, run / name)
    for name in ("completions", "benchmark"):
        shutil.copytree(small_run / f"eval/{name}/cycle=0", run / name)
    html = text_of(run, tmp_path / "r.html")
    assert "held-out completions." in html and '"held":true' in html and "compare it with" in html


def test_a_tagged_rerun(small_run: Path) -> None:
    run = small_run
    out = run.parent / "strict.html"
    assert text_of(run, out, tag="strict") != text_of(run, run.parent / "plain.html")


def test_the_file_stays_small(small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = text_of(small_run, tmp_path / "a.html")
    monkeypatch.setattr(gallery, "TEXT_BYTES", 20_000)
    less = text_of(small_run, tmp_path / "b.html")
    assert len(less) < len(whole) and "left out to keep the file small" in less
    monkeypatch.setattr(page, "LARGEST", 1000)
    with pytest.raises(UserError, match="--prompts"):
        text_of(small_run, tmp_path / "c.html")


def test_json_cannot_end_its_script() -> None:
    import json

    value = {"x": f"{EVIL}</SCRIPT><!--\u2028\u2029"}
    text = clean.script_json(value)
    assert not set("<>&\u2028\u2029") & set(text) and json.loads(text) == value


def test_unseen_characters_are_shown() -> None:
    assert clean.visible("a\x00\u202eb\ud800\x85c\r\nd\te\u200d") == "a␀⟨U+202E⟩b⟨U+D800⟩⟨U+0085⟩c\nd\te\u200d"
    assert clean.short("abcdef", 4) == "abc…" and clean.visible(None) == ""


def test_segments_cover_the_text_once() -> None:
    text = "I see two dogs\x00 and a cat"
    pieces = clean.segments(text, [(6, 14), (10, 99), (5, 2), (-3, 1)])
    assert "".join(piece for piece, _ in pieces) == clean.visible(text)
    assert [piece for piece, over in pieces if 0 in over and 1 in over] == ["dogs"]
    assert pieces[0] == ["I", [3]]


def test_a_drawing_holds_shapes_and_text_only() -> None:
    rows = [{"x": 1, "y": 0.5, "series": EVIL, "tip": EVIL}, {"x": 2, "y": 0.7, "series": "b", "tip": "b"}]
    for spec in (plots.line(rows, EVIL), plots.bars([r | {"y": EVIL, "x": 1} for r in rows])):
        drawn = drawing.svg(spec)
        assert "data-tip" in drawn and "&lt;script&gt;" in drawn and "<script" not in drawn
        assert not re.search(r"\s(style|href|on\w+|class|id)=", re.sub(r'"[^"]*"', '""', drawn.split("<text")[0]))


def test_texts_and_samples_are_cut(tmp_path: Path, small_run: Path) -> None:
    with opened(str(small_run)) as tables:
        ids = [sql_run.identity("a")]
        rows = tables.ask("report/completions", prompt_ids=ids, longest=10, samples=2, claims=1)
    assert len(rows) == 4 and {row["samples"] for row in rows} == {4}
    assert all(len(row["completion"]) == 10 < row["length"] and len(row["claims"]) <= 1 for row in rows)


def test_warnings_stand_by_cycle_escaped(small_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(small_run, run, symlinks=True)
    assert "No warnings.json" in text_of(run, tmp_path / "a.html")
    write_json(run / "warnings.json", {"warnings": []})
    assert "No cycle gave cause for a warning." in text_of(run, tmp_path / "b.html")
    told = [
        {"cycle": 10, "warning": "lengths explode", "line": "last"},
        {"cycle": 2, "warning": SCRIPT, "line": f"{EVIL} {'long ' * 200}"},
        "no record",
    ]
    write_json(run / "warnings.json", {"warnings": told})
    html = text_of(run, tmp_path / "c.html")
    section = html.split('<section id="warnings"')[1].split("</section>")[0]
    assert "2 in 2 cycles." in section and 'href="#warnings">Warnings</a>' in html
    assert SCRIPT not in section and "&lt;script&gt;" in section and "⟨U+202E⟩" in section
    assert (
        section.index("&lt;script&gt;") < section.index("lengths explode") and '<th scope="col">warning</th>' in section
    )
    write_json(run / "warnings_strict.json", {"warnings": told[:1]})
    assert "1 in 1 cycles." in text_of(run, tmp_path / "d.html", tag="strict")
