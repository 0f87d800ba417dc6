"""What the parts cost on this machine: bin/bench [--run models/vlm_raft] [--disk-rows 200000] [--json FILE]

- start: seconds until `--help` and `vlm datasets` have answered, each in a process of its own.
- verify, reward: completions judged per second by one process, on synthetic completions over given evidence.
- on disk: the stages verify, reward and filter over tables of 200,000 completions (50,000 prompts, 400 parts) in
  a process of its own: rows per second, the most memory it held after reward and after filter, and the seconds
  that the same three commands take when everything is finished.
- with --run, of a finished run: seconds that the same vlm train takes again, detector and reader rows for each
  distinct image (1 when every image was looked at once), and bytes on disk for each completion.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from halo_forge.config import execution
from halo_forge.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

REPEATS = 5


@dataclass(frozen=True)
class Config:
    """What to measure."""

    run: str = execution("", "a finished run to measure too, such as models/vlm_raft")
    rows: int = execution(5000, "synthetic completions to verify in memory")
    disk_rows: int = execution(200_000, "synthetic completions to take from disk to disk (0: none)")
    json: str = execution("", "a file that gets the numbers")

    def __post_init__(self) -> None:
        if self.rows < 1 or self.disk_rows < 0:
            raise UserError("--rows takes a number above 0, --disk-rows one that is not below 0")
        if self.run and not Path(self.run, "completions").is_dir():
            raise UserError(f"--run {self.run} has no completions table: give the folder of a finished run")


def start_seconds(*words: str) -> float:
    """Best of five wall times of the command line with `words`, Python's own start included."""
    return min(_seconds([sys.executable, "-P", "-m", "halo_forge.cli", *words]) for _ in range(REPEATS))


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


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


def disk_stages(folder: str, rows: int) -> dict[str, float]:
    """Run verify, reward and filter over tables in `folder`, in this process: seconds, and MiB of memory held at
    most so far. Raises RuntimeError where rows are not as they must be."""
    from halo_forge import bench_rows
    from halo_forge.progress import Progress
    from halo_forge.stages import filter, reward, verify

    show, place = Progress(quiet=True), {name: f"{folder}/{name}" for name in ("completions", "prompts", "evidence")}
    numbers: dict[str, float] = {}
    if not Path(place["completions"]).exists():
        bench_rows.on_disk(Path(folder), rows)
    begin = time.perf_counter()
    verify.STAGE.run(verify.Config(**place, output=f"{folder}/scores"), progress=show)
    rewards = reward.STAGE.run(reward.Config(scores=f"{folder}/scores", output=f"{folder}/rewards"), progress=show)
    numbers["reward MiB"] = peak_mebibytes()
    tables = {name: place[name] for name in ("completions", "prompts")}
    sft = filter.run(filter.Config(rewards=rewards.path, **tables, output=f"{folder}/sft"), progress=show)
    numbers["filter MiB"] = peak_mebibytes()
    numbers["seconds"] = time.perf_counter() - begin
    kept = sft.read(["keep"])["keep"].to_pylist()
    if rewards.rows != rows or len(kept) != rows or sum(kept) != (rows + 1) // 2:
        raise RuntimeError("filter chose synthetic completions wrongly: its speed means nothing")
    return numbers


def peak_mebibytes() -> float:
    """The most memory that this process has held (maximum resident set size), in MiB."""
    import resource

    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / 2**20 if sys.platform == "darwin" else held / 2**10


DISK = """
import json, sys
from halo_forge.bench import disk_stages
print(json.dumps(disk_stages(sys.argv[1], int(sys.argv[2]))))
"""


def on_disk(rows: int) -> dict[str, float]:
    """Numbers of the stages over tables on disk: see the module's first lines."""
    with tempfile.TemporaryDirectory(prefix="halo_forge_bench_") as folder:
        command = [sys.executable, "-P", "-c", DISK, folder, str(rows)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found = json.loads(told)
        again = _seconds(command)
    return {
        "verify + reward + filter rows/s": rows / found["seconds"],
        f"peak MiB, prompts to rewards, {rows:,} completions": found["reward MiB"],
        f"peak MiB with filter, {rows:,} completions": found["filter MiB"],
        f"finished verify + reward + filter again, {rows:,} completions, seconds": again,
    }


AGAIN = """
import dataclasses, json, sys
from halo_forge import store
from halo_forge.vlm.config import VLMRAFTConfig
from halo_forge.vlm.run_dir import RunDir
from halo_forge.vlm.trainer import VLMRAFTTrainer

def refuse(*words, **named):
    raise SystemExit("the run is not finished: its vlm train would go on")

store.Writer.write, RunDir.record = refuse, lambda *words: None
with open(sys.argv[1] + "/run.json") as file:
    config = json.load(file)["config"]
config |= {"output_dir": sys.argv[1], "force_from": "", "start_from": "", "cycle": 0, "tag": "", "quiet": True}
config = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
known = {field.name for field in dataclasses.fields(VLMRAFTConfig)}
VLMRAFTTrainer(VLMRAFTConfig(**{k: v for k, v in config.items() if k in known})).train()
"""
"""The `vlm train` of a finished run once more, forbidden to write a row."""


def of_run(run: str) -> dict[str, float]:
    """Numbers of a finished run: see the module's first lines."""
    import pyarrow.compute as pc

    from halo_forge.store import Table

    completions = Table(f"{run}/completions", "completions")
    numbers = {"completions": float(completions.rows)}
    if completions.rows:
        numbers["bytes per completion"] = sum(file.stat().st_size for file in completions.files) / completions.rows
    if Path(run, "run.json").exists():
        try:
            numbers["finished vlm train again, seconds"] = _seconds([sys.executable, "-P", "-c", AGAIN, run])
        except subprocess.CalledProcessError as exc:
            raise UserError(f"--run {run} does not stand as its vlm train left it: run that command again") from exc
    if Path(run, "evidence").exists():
        seen = Table(f"{run}/evidence", "evidence").read(["image_id", "detector", "ocr"])
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
    numbers |= on_disk(config.disk_rows) if config.disk_rows else {}
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
