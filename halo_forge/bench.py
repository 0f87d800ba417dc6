"""What the parts cost on this machine: bin/bench [--run models/vlm_raft] [--rows 5000] [--json FILE]

- start: seconds until `--help` and `vlm datasets` have answered, each in a process of its own.
- verify, reward: completions judged per second by one process, on synthetic completions over given evidence.
- with --run, of a finished run: detector and reader rows for each distinct image (1 when every image was
  looked at once), and bytes on disk for each completion.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halo_forge.config import execution
from halo_forge.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

REPEATS = 5
SCENES = 50
"""Distinct images behind the synthetic completions; a run asks several questions about each."""
COLOURS = ("red", "blue", "green", "yellow")


@dataclass(frozen=True)
class Config:
    """What to measure."""

    run: str = execution("", "a finished run to measure too, such as models/vlm_raft")
    rows: int = execution(5000, "synthetic completions to verify")
    json: str = execution("", "a file that gets the numbers")

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise UserError(f"--rows takes a number above 0, not {self.rows}")
        if self.run and not Path(self.run, "completions").is_dir():
            raise UserError(f"--run {self.run} has no completions table: give the folder of a finished run")


def start_seconds(*words: str) -> float:
    """Best of five wall times of the command line with `words`, Python's own start included."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        command = [sys.executable, "-m", "halo_forge.cli", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - begin)
    return min(times)


def synthetic(rows: int) -> tuple[pa.Table, pa.Table, pa.Table]:
    """(completions, prompts, evidence): `rows` completions, right and wrong by turns, over 50 scenes."""
    from halo_forge.schema import from_rows

    evidence = [_scene(i) for i in range(SCENES)]
    prompts = [_prompt(i) for i in range((rows + 3) // 4)]
    completions = [_completion(i) for i in range(rows)]
    return (
        from_rows(completions, "completions"),
        from_rows(prompts, "prompts"),
        from_rows(evidence, "evidence"),
    )


def _scene(i: int) -> dict[str, Any]:
    boxes = [
        {"label": "dog", "confidence": 0.9, "x1": 60.0 * k, "y1": 40.0, "x2": 60.0 * k + 50, "y2": 90.0}
        for k in range(1 + i % 4)
    ]
    cat = {"label": "cat", "confidence": 0.8, "x1": 350.0, "y1": 40.0, "x2": 399.0, "y2": 90.0}
    sign = {"text": f"GATE {i}", "confidence": 0.95, "x1": 10.0, "y1": 200.0, "x2": 90.0, "y2": 220.0}
    common = {"width": 400, "height": 300, "detector": "given", "ocr": "given", "vocabulary": ["cat", "dog"]}
    return {"image_id": f"image-{i}", "cycle": 1, "objects": [*boxes, cat], "texts": [sign], **common}


def _prompt(i: int) -> dict[str, Any]:
    """How many dogs, of scene i: one to four."""
    question = "How many dogs are there?"
    shown = {"question": question, "prompt": question, "style": "grounded", "metric": "match"}
    return {
        "prompt_id": f"prompt-{i}",
        "image_ids": [f"image-{i % SCENES}"],
        "answers": [str(1 + i % SCENES % 4)],
        **shown,
    }


def _completion(i: int) -> dict[str, Any]:
    dogs = 1 + i // 4 % SCENES % 4 + i % 2
    text = (
        f'I see {dogs} {COLOURS[i % 4]} dogs to the left of a cat. The sign reads "GATE {i // 4 % SCENES}". '
        f"Counting them gives {dogs}. <answer>{dogs}</answer>"
    )
    return {
        "prompt_id": f"prompt-{i // 4}",
        "sample_index": i % 4,
        "cycle": 1,
        "completion": text,
        "finish_reason": "stop",
    }


def rows_per_second(work: Callable[[], pa.Table]) -> tuple[float, pa.Table]:
    """(rows made per second, the rows) of one call."""
    begin = time.perf_counter()
    made = work()
    return made.num_rows / (time.perf_counter() - begin), made


def verification(rows: int) -> dict[str, float]:
    """Rows per second of verify and reward. Raises RuntimeError where the scores are not as they must be."""
    from halo_forge.stages import reward, verify

    completions, prompts, evidence = synthetic(rows)
    judge = verify.Config(completions="", prompts="", output="", evidence="")
    weigh = reward.Config(scores="", output="")
    verify.verify(completions.slice(0, 8), judge, prompts=prompts, evidence=evidence)  # first-use costs
    verified, scores = rows_per_second(lambda: verify.verify(completions, judge, prompts=prompts, evidence=evidence))
    rewarded, _ = rows_per_second(lambda: reward.reward(scores, weigh))
    right = scores["correct"].to_pylist()
    if right != [i % 2 == 0 for i in range(rows)]:
        raise RuntimeError("verify judged synthetic completions wrongly: its speed means nothing")
    return {"verify rows/s": verified, "reward rows/s": rewarded}


def of_run(run: str) -> dict[str, float]:
    """Numbers of a finished run: see the module's first lines."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    files = sorted(Path(run, "completions").rglob("*.parquet"))
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    numbers = {"completions": float(rows)}
    if rows:
        numbers["bytes per completion"] = sum(file.stat().st_size for file in files) / rows
    looked = sorted(str(file) for file in Path(run, "evidence").rglob("*.parquet"))
    if looked:
        seen = ds.dataset(looked).to_table(columns=["image_id", "detector", "ocr"])
        images = len(pc.unique(seen["image_id"]))
        numbers["images"] = float(images)
        for part in ("detector", "ocr"):
            numbers[f"{part} rows per image"] = (seen.num_rows - seen[part].null_count) / max(images, 1)
    return numbers


def measure(config: Config) -> dict[str, float]:
    """Every number, by name."""
    numbers = {
        "--help seconds": start_seconds("--help"),
        "vlm datasets seconds": start_seconds("vlm", "datasets"),
    }
    numbers |= verification(config.rows)
    return numbers | (of_run(config.run) if config.run else {})


def run(config: Config) -> int:
    """Measure, print a table, write the JSON file."""
    from rich.console import Console
    from rich.table import Table

    numbers = measure(config)
    table = Table("what", "measured")
    for name, value in numbers.items():
        table.add_row(name, f"{value:,.3f}" if value < 10 else f"{value:,.0f}")
    Console().print(table)
    if config.json:
        Path(config.json).write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Command line of bin/bench."""
    from halo_forge.cli import flags, guard

    words = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(words):
        print(flags.usage(Config, "bin/bench", "What the parts cost on this machine."))
        return 0
    return guard(lambda: run(flags.parse(Config, words)))


if __name__ == "__main__":
    sys.exit(main())
