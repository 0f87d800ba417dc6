"""Which settings teach most: `shapes` runs with one setting changed each, several seeds, one table.

    python data/shapes/compare.py --output /tmp/compare --seeds 3 [--only filters,styles]

Two runs at a time, one thread each. A run that is there already is not made again. Scores are those of the last cycle
on the test half of the held-out rows, in points: mean over the seeds, and their standard deviation.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from halo_forge import sql
from halo_forge.store import Table

CASES: dict[str, dict[str, list[str]]] = {
    "objectives": {
        "raft": [],
        "raft++": ["--objective", "raft++"],
        "dpo": ["--objective", "dpo"],
    },
    "styles": {
        "grounded": [],
        "direct": ["--style", "direct"],
        "mixed, transfer": ["--style", "mixed"],
        "mixed, no transfer": ["--style", "mixed", "--no-transfer"],
    },
    "filters": {
        "default": [],
        "default, no replay": ["--replay", "0"],
        "default, all all-right prompts": ["--all-right-share", "1"],
        "rest_em": ["--filter", "rest_em"],
        "easy_medium": ["--filter", "easy_medium"],
        "threshold_top_half": ["--filter", "threshold_top_half"],
    },
    "start": {
        "continue": [],
        "base": ["--start", "base"],
    },
    "rates": {
        "2e-4": ["--learning-rate", "2e-4"],
        "2e-3": [],
        "1e-2": ["--learning-rate", "1e-2"],
    },
}
COMMAND = [sys.executable, "-m", "halo_forge.cli", "vlm", "train", "--dataset", "shapes", "--no-controls", "--quiet"]


def folder_of(root: Path, words: list[str], seed: int) -> Path:
    """Where a run goes: equal settings in two groups are one run."""
    name = "_".join(word.removeprefix("--").replace(" ", "") for word in words) or "default"
    return root / f"{name}__{seed}"


def run(root: Path, words: list[str], seed: int) -> None:
    """One run, to its end."""
    output = folder_of(root, words, seed)
    command = [*COMMAND, "--threads", "1", "--output", str(output), "--seed", str(seed), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{output.name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)


def scores(folder: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """(style, decoding) to (before, after), in points."""
    cycles = sorted(int(p.name[6:]) for p in (folder / "eval/benchmark").glob("cycle=*"))
    if len(cycles) < 2:
        return {}
    table = Table(str(folder / "eval/benchmark/cycle=*/part-*.parquet"), "benchmark")
    rows = sql.query(sql.text("benchmark/gain"), {"benchmark": table}, cycle=cycles[-1], baseline=0, split="test")
    return {(r["style"], r["decoding"]): (100 * r["before"], 100 * r["after"]) for r in rows.to_pylist()}


def table_of(root: Path, group: str, seeds: int) -> list[str]:
    """The lines of one group's table."""
    lines = [f"| {group} | style | decoding | before | after | runs |", "|---|---|---|---|---|---|"]
    for name, words in CASES[group].items():
        found = [scores(folder_of(root, words, seed)) for seed in range(seeds)]
        for key in sorted({key for one in found for key in one}):
            pairs = [one[key] for one in found if key in one]
            after = [pair[1] for pair in pairs]
            spread = statistics.stdev(after) if len(after) > 1 else 0.0
            before = statistics.mean(pair[0] for pair in pairs)
            lines.append(
                f"| {name} | {key[0]} | {key[1]} | {before:.1f} | {statistics.mean(after):.1f} ± {spread:.1f} "
                f"| {len(pairs)} |"
            )
    return lines


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    groups = [name for name in options.only.split(",") if name]
    unknown = [name for name in groups if name not in CASES]
    if unknown:
        parser.error(f"no group {unknown[0]}: there are {', '.join(CASES)}")
    wanted = {
        (tuple(words), seed) for name in groups for words in CASES[name].values() for seed in range(options.seeds)
    }
    with ThreadPoolExecutor(options.at_once) as pool:
        list(pool.map(lambda one: run(options.output, list(one[0]), one[1]), sorted(wanted)))
    for name in groups:
        print("\n".join([*table_of(options.output, name, options.seeds), ""]))


if __name__ == "__main__":
    main()
