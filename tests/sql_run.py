"""A small run made by the real stages over given completions: two cycles of six prompts with four samples each."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from halo_forge.files import write_json
from halo_forge.progress import Progress
from halo_forge.schema import from_rows
from halo_forge.stages import benchmark, filter, reward, verify
from halo_forge.store import Writer

QUIET = Progress(quiet=True)
SAMPLES = 4
PLAN = {
    "a": (("2222", "2222")),
    "b": (("3333", "3322")),
    "c": (("2333", "3333")),
    "d": (("3333", "3333")),
    "e": (("2233", "2222")),
    "f": (("2323", "2223")),
}
"""Prompt to what its samples answer in cycle 1 and in cycle 2; 2 is right."""


def identity(name: str) -> str:
    """A prompt's id, as long as a real one."""
    return hashlib.sha256(name.encode()).hexdigest()


def put(folder: Path, table: str, rows: list[dict[str, Any]]) -> None:
    """Write rows as a finished table."""
    writer = Writer.begin(folder, table, {"stage": table, "rows": len(rows), "place": folder.name})
    writer.write(0, from_rows(rows, table))
    writer.finish()


def prompt(name: str, split: str) -> dict[str, Any]:
    question = f"How many dogs are in picture {name}?"
    return {
        "prompt_id": identity(name), "question_id": identity(f"q{name}"), "image_ids": [f"image-{name}"],
        "dataset": "pictures", "split": split, "row_index": ord(name[-1]), "question": question, "style": "grounded",
        "prompt": question, "answers": ["2"], "metric": "match", "extra": '{"kind":"count"}',
    }  # fmt: skip


def completion(name: str, sample: int, cycle: int, said: str, temperature: float = 1.0) -> dict[str, Any]:
    words = f"I see {said} dogs and a cat. Counting them again, there are {said} dogs." + " Yes." * sample
    return {
        "prompt_id": identity(name), "sample_index": sample, "cycle": cycle, "temperature": temperature,
        "model": "base" if cycle == 0 else f"cycle_{cycle}", "completion": f"{words} <answer>{said}</answer>",
        "finish_reason": "stop", "completion_tokens": 12 + sample,
    }  # fmt: skip


def evidence(name: str, cycle: int = 1) -> dict[str, Any]:
    boxes = [
        {"label": label, "confidence": 0.9, "x1": 60.0 * k, "y1": 40.0, "x2": 60.0 * k + 50, "y2": 90.0}
        for k, label in enumerate(("dog", "dog", "cat"))
    ]
    return {
        "image_id": f"image-{name}", "cycle": cycle, "width": 400, "height": 300, "detector": "given", "ocr": "given",
        "vocabulary": ["cat", "dog"], "objects": boxes, "texts": [],
    }  # fmt: skip


def build(root: Path) -> Path:
    """Write the run below `root`."""
    names, held = sorted(PLAN), ["x", "y", "z"]
    images = [
        {"image_id": f"image-{n}", "image": {"bytes": b"none", "path": None}, "width": 400, "height": 300}
        for n in (*names, *held)
    ]
    put(root / "images", "images", images)
    put(root / "prompts", "prompts", [prompt(name, "train") for name in names])
    put(root / "eval/prompts", "prompts", [prompt(name, "test") for name in held])
    put(root / "evidence/cycle=1", "evidence", [evidence(name) for name in names])
    for cycle in (1, 2):
        said = [
            completion(name, sample, cycle, PLAN[name][cycle - 1][sample])
            for name in names
            for sample in range(SAMPLES)
        ]
        put(root / f"completions/cycle={cycle}", "completions", said)
        judge(root, cycle)
    for cycle in (0, 1, 2):
        said = [completion(name, 0, cycle, "2" if number < cycle + 1 else "3", 0.0) for number, name in enumerate(held)]
        put(root / f"eval/completions/cycle={cycle}", "completions", said)
        scored = benchmark.Config(
            f"{root}/eval/completions/cycle={cycle}", f"{root}/eval/prompts", f"{root}/eval/benchmark/cycle={cycle}"
        )
        benchmark.STAGE.run(scored, progress=QUIET)
    write_json(root / "run.json", {"config": {"filter": "default"}, "tag": "", "start": None})
    return root


def judge(root: Path, cycle: int, tag: str = "", weights: tuple[float, ...] = ()) -> None:
    """Verify, reward and filter the completions of a cycle; with a tag, only reward and filter, beside the first."""
    place = {
        name: f"{root}/{name}{f'_{tag}' if tag and name in ('rewards', 'sft') else ''}/cycle={cycle}"
        for name in ("completions", "scores", "rewards", "sft")
    }
    if not tag:
        judged = verify.Config(place["completions"], f"{root}/prompts", place["scores"], (f"{root}/evidence/cycle=1",))
        verify.STAGE.run(judged, progress=QUIET)
    reward.STAGE.run(reward.Config(place["scores"], place["rewards"], weights=weights), progress=QUIET)
    chosen = filter.Config(place["rewards"], place["completions"], f"{root}/prompts", place["sft"], cycle=cycle)
    filter.run(chosen, progress=QUIET)


def tagged(root: Path) -> Path:
    """The same run with a rerun of cycle 2 beside it, from reward on, under the tag strict."""
    judge(root, 2, "strict", (0.0, 0.0, 1.0))
    write_json(root / "run_strict.json", {"config": {"filter": "default"}, "tag": "strict", "start": [2, 4]})
    return root


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; tests only read it."""
    return tagged(build(tmp_path_factory.mktemp("sql") / "small"))
