"""Kills a shapes run at random instants, many times, and compares what is left with an unbroken run.

Not a test of the suite (100 kills take an hour); tests/test_store.py kills a table's writer between any two
steps, tests/vlm/test_trainer.py a short run.

    python tests/kill_sweep.py --kills 100 --limit 48

Half of the kills come at a random time, the other half at a random instant of a stage that was hit least, so that
the short stages are hit as well. Every second run also trains the controls. A run that ends is compared file by
file and row by row, and then the next one starts from nothing.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from halo_forge import keys, parts
from halo_forge.files import read_json
from halo_forge.store import Table

COMMAND = [
    sys.executable,
    "-P",
    "-m",
    "halo_forge.cli",
    "vlm",
    "train",
    "--dataset",
    "shapes",
    "--quiet",
    "--threads",
    "1",
]
KEYS = {
    "images": ["image_id"],
    "prompts": ["prompt_id"],
    "evidence": ["image_id", "cycle"],
    "training": ["cycle", "step"],
    "sft": ["prompt_id", "sample_index", "cycle", "origin", "from_cycle"],
}
ROW = ["prompt_id", "sample_index", "cycle"]
START, BETWEEN, END = "start", "between stages", "checks and figures"


def begin(run: Path, limit: int, controls: bool) -> subprocess.Popen[bytes]:
    """The run, in a process of its own."""
    words = ["--output", str(run), "--cycles", "2", "--limit", str(limit), "--eval-limit", "24", "--max-steps", "12"]
    words.append("--controls" if controls else "--no-controls")
    return subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL)


def digests(run: Path) -> dict[str, str]:
    """Every Parquet file and every adapter, by its bytes."""
    files = [*run.rglob("part-*.parquet"), *run.rglob("adapter_model.safetensors")]
    return {str(file.relative_to(run)): keys.sha256_file(file) for file in files}


def rows(run: Path) -> dict[str, list[tuple[object, ...]]]:
    """The keys of every row of every table. Raises AssertionError where one comes twice."""
    found = {}
    for folder in parts.tables(run):
        name = folder.parent.name if "=" in folder.name else folder.name
        table = Table(str(folder), name).open().read(KEYS.get(name, ROW))
        keyed = list(zip(*(table[c].to_pylist() for c in table.column_names), strict=True))
        found[str(folder.relative_to(run))] = keyed
        assert len(set(keyed)) == table.num_rows, f"{folder}: rows doubled"
        assert parts.verify(folder) == len(Table(str(folder), name).files)
    return found


def stage_of(folder: Path, run: Path) -> str:
    """The stage that makes a table, with "eval" or "control" before it where it is one of those."""
    payload = (read_json(folder / parts.BEGUN) or {}).get("payload", {})
    top = folder.relative_to(run).parts[0]
    part = {"eval": "eval ", "controls": "control "}.get(top, "")
    stage = str(payload.get("stage", "?"))
    return stage if stage == "prompts" else part + stage


def instant(run: Path, tables: int) -> str:
    """What the run was doing, by what it left: the table that was begun last and not finished."""
    made = parts.tables(run) if run.exists() else []
    open_ones = [folder for folder in made if not (folder / parts.FINISHED).exists()]
    if open_ones:
        return stage_of(max(open_ones, key=lambda folder: (folder / parts.BEGUN).stat().st_mtime_ns), run)
    return START if not made else END if len(made) == tables else BETWEEN


def spans(run: Path) -> dict[str, list[tuple[Path, float]]]:
    """The tables of each stage, relative to the run, and the seconds each took."""
    found: dict[str, list[tuple[Path, float]]] = {}
    for folder in parts.tables(run):
        seconds = float((read_json(folder / parts.FINISHED) or {})["seconds"])
        found.setdefault(stage_of(folder, run), []).append((folder.relative_to(run), seconds))
    return found


class Sweep:
    """Kills runs and keeps count."""

    def __init__(self, work: Path, limit: int, seed: int) -> None:
        self.work, self.limit, self.rng = work, limit, random.Random(seed)
        self.hits: Counter[str] = Counter()
        self.whole = work / "whole"
        began = time.time()
        assert begin(self.whole, limit, True).wait() == 0
        self.length = time.time() - began
        self.wanted, self.rows, self.spans = digests(self.whole), rows(self.whole), spans(self.whole)
        print(f"unbroken: {self.length:.0f} s, {len(self.wanted)} files, {len(self.rows)} tables", flush=True)

    def aim(self, run: Path, controls: bool) -> tuple[Path | None, float]:
        """Wait for this table to be begun (None: for nothing), then so many seconds."""
        open_stages = {
            stage: places
            for stage, all_places in self.spans.items()
            if (places := [p for p in all_places if not (run / p[0] / parts.FINISHED).exists()])
            and (controls or not stage.startswith("control"))
        }
        if self.rng.random() < 0.5 or not open_stages:
            return None, self.rng.uniform(1, self.length / 3)
        fewest = min(self.hits[stage] for stage in open_stages)
        stage = self.rng.choice([stage for stage in open_stages if self.hits[stage] <= fewest + 1])
        place, seconds = self.rng.choice(open_stages[stage])
        return run / place, self.rng.uniform(0, seconds)

    def life(self, run: Path, controls: bool) -> bool:
        """Start the run and kill it at some instant. False when it ended before."""
        place, seconds = self.aim(run, controls)
        process = begin(run, self.limit, controls)
        while place is not None and process.poll() is None and not (place / parts.BEGUN).exists():
            time.sleep(0.002)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            tables = len(self.rows) if controls else sum(not name.startswith("controls") for name in self.rows)
            self.hits[instant(run, tables)] += 1
            return True
        assert process.returncode == 0, f"exit code {process.returncode}"
        return False

    def same(self, run: Path, controls: bool) -> bool:
        """Whether a run that ended is the unbroken one: each file's bytes, each table's rows, the checks."""
        assert subprocess.run([*COMMAND[:5], "check", str(run)], stdout=subprocess.DEVNULL, check=False).returncode == 0
        left = [p for p in run.rglob(".*") if p.name.endswith((".tmp", ".old")) or ".training" in p.name]
        print(f"  leftovers: {[str(p.relative_to(run)) for p in left] or 'none'}", flush=True)
        wanted = {n: d for n, d in self.wanted.items() if controls or not n.startswith("controls")}
        listed = {n: r for n, r in self.rows.items() if controls or not n.startswith("controls")}
        return digests(run) == wanted and rows(run) == listed

    def go(self, kills: int) -> int:
        """Exit code: 0 when every run that was killed ended as the unbroken one did."""
        runs = 0
        while sum(self.hits.values()) < kills:
            runs += 1
            run, controls = self.work / f"broken_{runs}", runs % 2 == 1
            while sum(self.hits.values()) < kills and self.life(run, controls):
                pass
            assert begin(run, self.limit, controls).wait() == 0
            same = self.same(run, controls)
            done = sum(self.hits.values())
            print(f"run {runs}: {done} kills so far, {'the same' if same else f'DIFFERENT: {run}'}", flush=True)
            if not same:
                return 1
        for stage, count in self.hits.most_common():
            print(f"{count:5d}  {stage}")
        total = sum(len(found) for found in self.rows.values())
        print(
            f"{done} kills in {runs} runs: every table and adapter byte-identical; of {total} rows in {len(self.rows)} "
            "tables 0 lost, 0 doubled"
        )
        return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--limit", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        return Sweep(Path(work), options.limit, options.seed).go(options.kills)


if __name__ == "__main__":
    sys.exit(main())
