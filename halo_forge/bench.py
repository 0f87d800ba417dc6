"""What the parts cost on this machine: bin/bench [--run models/vlm_raft] [--disk-rows 200000] [--json FILE]

- start: seconds until `--help` and `vlm datasets` have answered, each in a process of its own.
- verify, reward: completions judged per second by one process, on synthetic completions over given evidence.
- on disk: the stages verify, reward and filter over tables of 200,000 completions (50,000 prompts, 400 parts) in
  a process of its own: rows per second, the most memory it held after reward and after filter (without the
  processes that verify may take), and the seconds that the same three commands take when everything is finished.
- training: seconds of an optimizer step of the small model that the package brings, and of a bare loop on the same
  batches, by turns. Generation: completion tokens per second of our vLLM engine and of vLLM called directly, with a
  policy of 31 million random weights, and their ratio with the small one; left out where vLLM is not installed.
- sql: over a synthetic run of 10 million completions with two threads in 4 GiB, seconds of the slowest question of
  sql/ and of the default filter, and the most memory one of them held (halo_forge/bench_sql.py shows each).
- with --run, of a finished run: seconds of a cycle by table, the share of it that is not model work, seconds that
  the same vlm train takes again, detector and reader rows for each distinct image (1 when every image was looked
  at once), and bytes on disk for each completion.

A part that cannot be measured here is left out with its reason, and the others go on.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from halo_forge import bench_disk, bench_models, bench_run, bench_sql
from halo_forge.config import execution
from halo_forge.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

REPEATS = 5
GOALS = {
    "generation, ours / direct": ">= 0.95",
    "training step, ours / bare": "<= 1.05",
    "cycle, share not model work": "<= 0.05, cycles of 5 minutes and more",
    "detector rows per image": "1",
    "ocr rows per image": "1",
    **bench_sql.GOALS,
}


@dataclass(frozen=True)
class Config:
    """What to measure."""

    run: str = execution("", "a finished run to measure too, such as models/vlm_raft")
    rows: int = execution(5000, "synthetic completions to verify in memory")
    disk_rows: int = execution(200_000, "synthetic completions to take from disk to disk (0: none)")
    steps: int = execution(10, "optimizer steps to compare with a bare loop (0: none)")
    prompts: int = execution(128, "prompts to generate four completions for, where vLLM is installed (0: none)")
    sql_rows: int = execution(10_000_000, "completions of a synthetic run to ask everything that sql/ asks (0: none)")
    json: str = execution("", "a file that gets the numbers")

    def __post_init__(self) -> None:
        if self.rows < 1 or min(self.disk_rows, self.steps, self.prompts, self.sql_rows) < 0:
            raise UserError(
                "--rows takes a number above 0, --disk-rows, --steps, --prompts and --sql-rows none below 0"
            )
        if self.run and not Path(self.run, "completions").is_dir():
            raise UserError(f"--run {self.run} has no completions table: give the folder of a finished run")


def start_seconds(*words: str) -> float:
    """Best of five wall times of the command line with `words`, Python's own start included."""
    return min(bench_disk.seconds([sys.executable, "-P", "-m", "halo_forge.cli", *words]) for _ in range(REPEATS))


def rows_per_second(work: Callable[[], pa.Table]) -> tuple[float, pa.Table]:
    """(rows made per second, the rows) of one call."""
    begin = time.perf_counter()
    made = work()
    return made.num_rows / (time.perf_counter() - begin), made


def verification(rows: int) -> dict[str, float]:
    """Rows per second of verify and reward. Raises RuntimeError where the scores are not as they must be."""
    from halo_forge.bench_rows import synthetic
    from halo_forge.stages import reward, verify

    completions, prompts, evidence = synthetic(rows)
    judge = verify.Config(completions="", prompts="", output="")
    weigh = reward.Config(scores="", output="")
    verify.verify(completions.slice(0, 8), judge, prompts=prompts, evidence=evidence)  # first-use costs
    verified, scores = rows_per_second(lambda: verify.verify(completions, judge, prompts=prompts, evidence=evidence))
    rewarded, _ = rows_per_second(lambda: reward.reward(scores, weigh))
    right = scores["correct"].to_pylist()
    if right != [i % 2 == 0 for i in range(rows)]:
        raise RuntimeError("verify judged synthetic completions wrongly: its speed means nothing")
    return {"verify rows/s": verified, "reward rows/s": rewarded}


Part = Callable[[], dict[str, float]]
"""Measures some numbers. Raises UserError where that cannot be done here."""


def starts() -> dict[str, float]:
    """Seconds until the command line has answered."""
    return {"--help seconds": start_seconds("--help"), "vlm datasets seconds": start_seconds("vlm", "datasets")}


def parts(config: Config) -> dict[str, Part]:
    """What is asked for, by name, in the order of the table."""
    asked: dict[str, tuple[object, Part]] = {
        "start": (True, starts),
        "verify and reward": (True, lambda: verification(config.rows)),
        "stages on disk": (config.disk_rows, lambda: bench_disk.on_disk(config.disk_rows)),
        "training": (config.steps, lambda: bench_models.training(config.steps)),
        "generation": (config.prompts, lambda: bench_models.generation(config.prompts)),
        "sql": (config.sql_rows, lambda: bench_sql.numbers(config.sql_rows)),
        **{f"run, {name}": (config.run, partial(part, config.run)) for name, part in bench_run.PARTS.items()},
    }
    return {name: part for name, (wanted, part) in asked.items() if wanted}


@dataclass
class Measured:
    """Numbers by name, and why a part has none: `absent` where it cannot be measured here, `failed` where it broke."""

    numbers: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def measure(config: Config) -> Measured:
    """Every number that can be had; a part that breaks does not take the others with it."""
    found = Measured()
    for name, part in parts(config).items():
        print(f"measuring {name}", file=sys.stderr, flush=True)
        try:
            found.numbers |= part()
        except UserError as error:
            found.absent[name] = str(error)
        except Exception as error:
            traceback.print_exc()
            found.failed[name] = f"{type(error).__name__}: {error}"
    return found


def verdict(value: float, goal: str) -> str:
    """Whether a number reaches a goal such as "<= 0.05, remark"; empty where the goal has no number."""
    sign, _, bound = goal.partition(",")[0].partition(" ")
    try:
        limit = float(bound or sign)
    except ValueError:
        return ""
    reached = value >= limit if sign == ">=" else value <= limit if sign == "<=" else value == limit
    return "yes" if reached else "no"


def run(config: Config) -> int:
    """Measure, print a table, write the JSON file; 1 when a part broke."""
    from rich.console import Console
    from rich.table import Table

    found = measure(config)
    table = Table("what", "measured", "goal", "reached")
    for name, value in found.numbers.items():
        goal = GOALS.get(name, "")
        table.add_row(name, f"{value:,.3f}" if value < 10 else f"{value:,.0f}", goal, verdict(value, goal))
    Console().print(table)
    left_out = found.absent | found.failed
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    if config.json:
        numbers = {**found.numbers, **({"left out": left_out} if left_out else {})}
        Path(config.json).write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return 1 if found.failed else 0


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
