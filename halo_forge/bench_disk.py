"""What the stages verify, reward and filter cost over tables on disk, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(command: list[str]) -> float:
    """Wall time of a command, whose output is not shown."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


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
from halo_forge.bench_disk import disk_stages
print(json.dumps(disk_stages(sys.argv[1], int(sys.argv[2]))))
"""


def on_disk(rows: int) -> dict[str, float]:
    """Numbers of the stages over tables on disk: see the module's first lines."""
    with tempfile.TemporaryDirectory(prefix="halo_forge_bench_") as folder:
        command = [sys.executable, "-P", "-c", DISK, folder, str(rows)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found = json.loads(told)
        again = seconds(command)
    return {
        "verify + reward + filter rows/s": rows / found["seconds"],
        f"peak MiB, prompts to rewards, {rows:,} completions": found["reward MiB"],
        f"peak MiB with filter, {rows:,} completions": found["filter MiB"],
        f"finished verify + reward + filter again, {rows:,} completions, seconds": again,
    }
