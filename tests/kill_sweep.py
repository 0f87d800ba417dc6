"""Kills a shapes run at random instants, many times, and compares what is left with an unbroken run.

Not a test of the suite (it takes an hour at 100 kills); a short version is tests/vlm/test_trainer.py.

    python tests/kill_sweep.py --kills 100 --limit 48
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from halo_forge import keys
from halo_forge.store import Table

COMMAND = [sys.executable, "-m", "halo_forge.cli", "vlm", "train", "--dataset", "shapes", "--quiet", "--no-controls"]


def start(run: Path, limit: int) -> subprocess.Popen[bytes]:
    """The run, in a process of its own."""
    words = ["--output", str(run), "--cycles", "2", "--limit", str(limit), "--eval-limit", "24", "--max-steps", "12"]
    return subprocess.Popen([*COMMAND, *words, "--threads", "1"], stdout=subprocess.DEVNULL)


def digests(run: Path) -> dict[str, str]:
    """Every Parquet file and every adapter, by its bytes."""
    files = [*run.rglob("part-*.parquet"), *run.rglob("adapter_model.safetensors")]
    return {str(file.relative_to(run)): keys.sha256_file(file) for file in files}


def rows(run: Path) -> dict[str, int]:
    """Rows and distinct keys of every table of completions."""
    found = {}
    for folder in sorted(run.rglob("completions/cycle=*")):
        table = Table(str(folder), "completions").read(["prompt_id", "sample_index"])
        found[str(folder.relative_to(run))] = table.num_rows
        distinct = len(set(zip(*(table[c].to_pylist() for c in table.column_names), strict=True)))
        assert distinct == table.num_rows, f"{folder}: rows doubled"
    return found


def sweep(kills: int, limit: int, seed: int) -> int:
    """Exit code: 0 when every run that was killed ended as the unbroken one did."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        whole = Path(name) / "whole"
        began = time.time()
        assert start(whole, limit).wait() == 0
        length = time.time() - began
        wanted, wanted_rows, done, runs = digests(whole), rows(whole), 0, 0
        print(f"unbroken: {length:.0f} s, {len(wanted)} files", flush=True)
        while done < kills:
            runs += 1
            broken = Path(name) / f"broken_{runs}"
            while True:
                process = start(broken, limit)
                try:
                    # one life in three is long, so that late stages are reached and hit as well
                    process.wait(rng.uniform(3, length if rng.random() < 0.3 else length / 3))
                    assert process.returncode == 0, f"exit code {process.returncode}"
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    done += 1
                    if done >= kills:
                        assert start(broken, limit).wait() == 0
                        break
            same = digests(broken) == wanted and rows(broken) == wanted_rows
            print(f"run {runs}: {done} kills so far, {'the same' if same else 'DIFFERENT'}", flush=True)
            if not same:
                return 1
    print(f"{done} kills in {runs} runs: every table and adapter byte-identical, 0 rows lost, 0 doubled")
    return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--limit", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    return sweep(options.kills, options.limit, options.seed)


if __name__ == "__main__":
    sys.exit(main())
