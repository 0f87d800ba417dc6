"""The command line: routing, one-line errors, exit codes, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from halo_forge.cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("vlm trian", "no command 'vlm trian': did you mean 'train'?"),
        ("vml train", "no command 'vml': did you mean 'vlm'?"),
        ("vlm train", "--dataset is missing"),
        ("vlm train --datset shapes", "unknown flag --datset: did you mean dataset?"),
        ("vlm train --dataset shape", "did you mean 'shapes'"),
        ("vlm train --dataset shapes --cycles 0", "--cycles takes a number from 1 up"),
        ("vlm train --dataset shapes --samples many", "--samples takes a whole number, not 'many'"),
        ("vlm train --dataset mathvista --model bundled:shapes/base", "mathvista"),
        ("vlm datasets --jsn", "takes --json only"),
        ("vlm check nowhere", "nowhere is no run directory"),
        ("vlm benchmark --model bundled:shapes/base", "--dataset is missing"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(words: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    told = capsys.readouterr().err
    assert line in told
    assert told.count("\n") == 1 and told.startswith("error: ")


def test_help_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        [],
        ["--help"],
        ["vlm"],
        ["vlm", "train", "--help"],
        ["vlm", "benchmark", "-h"],
        ["vlm", "datasets", "-h"],
    ):
        assert main(words) == 0
        assert "halo-forge vlm" in capsys.readouterr().out


def test_datasets_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vlm", "datasets", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"shapes", "textvqa", "docvqa", "chartqa", "realworldqa", "mathvista"} <= set(rows)
    assert (rows["textvqa"]["metric"], rows["mathvista"]["train"]) == ("vqa_accuracy", None)


def test_models_say_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vlm", "models", "--json"]) == 0
    rows = {row["model"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows)[1] == "Qwen/Qwen2-VL-7B-Instruct" and len(rows) == 5
    assert all(
        2 * float(r["weights"].split()[0]) <= min(r["generate_gb"], r["train_lora_gb"]) + 1 for r in rows.values()
    )
    assert main(["vlm", "models"]) == 0
    assert "qwen2_5_vl" in capsys.readouterr().out
    assert main(["vlm", "models", "--jsn"]) == 2


@pytest.mark.parametrize(
    "words", [["--help"], ["vlm", "datasets"], ["vlm", "models"], ["vlm", "train", "--datset", "x"]]
)
def test_quick_commands_import_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from halo_forge.cli import main; main(sys.argv[1:]); "
        "heavy = {'torch', 'transformers', 'datasets', 'duckdb', 'pyarrow', 'polars', 'pandas', 'ultralytics'}; "
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_stage_files_run_alone(tmp_path: Path) -> None:
    """`python stages/x.py` in a plain shell, from another folder, through to the answers."""

    def stage(name: str, *words: str) -> str:
        ran = subprocess.run(
            [sys.executable, str(ROOT / "stages" / f"{name}.py"), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert "12 rows" in stage("prompts", "--dataset", "shapes", "--limit", "12", "--output", "P")
    asked = ("--prompts", "P/prompts")
    base = ("--model", "bundled:shapes/base", "--samples", "4", "--temperature", "1.0", "--max-new-tokens", "80")
    assert "48 rows" in stage("generate", *asked, *base, "--output", "C")
    eyes = ("--detector", "bundled:shapes/detector/shapes.pt", "--ocr", "rapidocr:192")
    assert "12 rows" in stage("perceive", *asked, *eyes, "--output", "E")
    answered = ("--completions", "C", *asked)
    assert "48 rows" in stage("verify", *answered, "--evidence", "E", "--output", "S")
    assert "48 rows" in stage("reward", "--scores", "S", "--weights", "0.2,0.2,0.6", "--output", "R")
    assert "48 rows" in stage("filter", "--rewards", "R", *answered, "--filter", "default", "--output", "T")
    assert "2 rows" in stage(
        "train", "--sft", "T", *asked, "--model", "bundled:shapes/base", "--max-steps", "2", "--output", "A"
    )
    assert "48 rows" in stage("benchmark", *answered, "--output", "B")
    assert (tmp_path / "A" / "adapter_model.safetensors").exists()


def test_stage_says_what_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from halo_forge.stages import reward, verify

    assert verify.main(["--completions", str(tmp_path), "--prompts", "x", "--output", "y"]) == 2
    assert "no completions table at" in capsys.readouterr().err
    assert reward.main(["--scores", "x", "--output", "y", "--weights", "1,2"]) == 2
    assert "--weights takes three numbers" in capsys.readouterr().err
