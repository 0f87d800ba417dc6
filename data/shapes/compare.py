"""Which settings teach most: `shapes` runs with one setting changed each, several seeds, one table.

    python data/shapes/compare.py --output /tmp/compare --seeds 3 [--only filters,styles]

Two runs at a time, one thread each. A run that is there already is not made again. Scores are those
on the test half of the held-out rows, in points: mean over the seeds, and their standard deviation. The group `grpo`
shows what `grpo.py` left in the same folder.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from halo_forge import sql
from halo_forge.cards.shapes import grpo
from halo_forge.store import Table

CASES: dict[str, dict[str, list[str]]] = {
    "objectives": {
        "raft": [],
        "raft++": ["--objective", "raft++"],
        "dpo": ["--objective", "dpo"],
        "dpo, 2e-4": ["--objective", "dpo", "--learning-rate", "2e-4"],
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
    "kept": {
        "2 right ones of a prompt": [],
        "1": ["--max-per-prompt", "1"],
        "4": ["--max-per-prompt", "4"],
    },
    "samples": {
        "4": [],
        "2": ["--samples", "2"],
        "8": ["--samples", "8"],
        "4, up to 16": ["--samples-max", "16"],
    },
    "temperature": {
        "1.0": [],
        "0.7": ["--temperature", "0.7"],
        "1.3": ["--temperature", "1.3"],
    },
    "adapter": {
        "rank 16, alpha 32": [],
        "rank 4, alpha 8": ["--rank", "4", "--alpha", "8"],
        "all weights": ["--mode", "full", "--learning-rate", "5e-4"],
    },
    "length": {
        "60 steps": [],
        "30 steps": ["--max-steps", "30"],
        "120 steps": ["--max-steps", "120"],
    },
    "combine": {
        "gated": [],
        "mean": ["--combine", "mean"],
    },
    "decay": {
        "0.85": [],
        "1": ["--lr-decay", "1"],
    },
    "rates": {
        "2e-4": ["--learning-rate", "2e-4"],
        "2e-3": [],
        "1e-2": ["--learning-rate", "1e-2"],
    },
}
GRPO = "grpo"
Scores = dict[tuple[str, str], tuple[float, float | None, float]]
"""(style, decoding) to scores before, after the first cycle and after the last."""
COMMAND = [sys.executable, "-m", "halo_forge.cli", "vlm", "train", "--dataset", "shapes", "--no-controls", "--quiet"]
COMMAND += ["--report-to", "none"]


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


def scores(folder: Path) -> Scores:
    """Of a run: before, after the first cycle and after the last, in points."""
    cycles = sorted(int(p.name[6:]) for p in (folder / "eval/benchmark").glob("cycle=*"))
    if len(cycles) < 2:
        return {}
    table = Table(str(folder / "eval/benchmark/cycle=*/part-*.parquet"), "benchmark")
    found: Scores = {}
    for cycle in (1, cycles[-1]):
        rows = sql.query(sql.text("benchmark/gain"), {"benchmark": table}, cycle=cycle, baseline=0, split="test")
        for row in rows.to_pylist():
            before, first = found.get((row["style"], row["decoding"]), (100 * row["before"], 100 * row["after"]))[:2]
            found[row["style"], row["decoding"]] = (before, first, 100 * row["after"])
    return found


def table_of(root: Path, group: str, seeds: int) -> list[str]:
    """The lines of one group's table."""
    lines = [f"| {group} | style | greedy: base | 1 cycle | last | sampled: base | 1 cycle | last | runs |"]
    lines.append("|---" * 9 + "|")
    if group == GRPO:
        return [*lines, *(line for name, found in of_grpo(root).items() for line in rows_of(name, found))]
    for name, words in CASES[group].items():
        lines += rows_of(name, [scores(folder_of(root, words, seed)) for seed in range(seeds)])
    return lines


def of_grpo(root: Path) -> dict[str, list[Scores]]:
    """Scores of the runs of `grpo.py` by mode, seconds and rate; as those of `scores`, one for each seed."""
    found: dict[str, list[Scores]] = {}
    made = grpo.lines(root)
    for line in sorted(made, key=lambda one: (one["mode"], one["asked_seconds"], one["learning_rate"], one["seed"])):
        name = f"GRPO, {line['mode']}, {line['asked_seconds']:g} s, {line['learning_rate']:g}"
        before, after = line["before"], line["after"]
        found.setdefault(name, []).append({("grounded", how): (before[how], None, after[how]) for how in before})
    return found


def rows_of(name: str, found: list[Scores]) -> list[str]:
    """The lines of one setting, one for each style, from the scores of its seeds."""
    lines = []
    for style in sorted({style for one in found for style, _ in one}):
        runs = [one for one in found if (style, "greedy") in one]
        cells = [cell([one[style, how][at] for one in runs]) for how in ("greedy", "sampled") for at in range(3)]
        lines.append(f"| {name} | {style} | {' | '.join(cells)} | {len(runs)} |")
    return lines


def cell(values: list[float | None]) -> str:
    """Mean and standard deviation; nothing where there is no such score."""
    known = [value for value in values if value is not None]
    spread = f" ± {statistics.stdev(known):.1f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.1f}{spread}" if known else ""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join([*CASES, GRPO]))
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    groups = [name for name in options.only.split(",") if name]
    unknown = [name for name in groups if name not in (*CASES, GRPO)]
    if unknown:
        parser.error(f"no group {unknown[0]}: there are {', '.join([*CASES, GRPO])}")
    cases = [words for name in groups if name != GRPO for words in CASES[name].values()]
    wanted = {(tuple(words), seed) for words in cases for seed in range(options.seeds)}
    with ThreadPoolExecutor(options.at_once) as pool:
        list(pool.map(lambda one: run(options.output, list(one[0]), one[1]), sorted(wanted)))
    for name in groups:
        print("\n".join([*table_of(options.output, name, options.seeds), ""]))


if __name__ == "__main__":
    main()
