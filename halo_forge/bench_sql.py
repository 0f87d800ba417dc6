"""What SQL over a large run costs: python -m halo_forge.bench_sql [--rows 10000000] [--memory-gib 4] [--threads 2]

Makes a synthetic run (completions, scores, rewards, sft of five cycles, four samples a prompt) in a temporary folder,
then answers every question of `sql/` that reads those tables, each in a process of its own, and lets the default
filter decide on all rows at once (a run's filter sees one cycle; sft is not written). Prints seconds and the most
memory a process held, slowest first.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from halo_forge import sql
from halo_forge.config import execution
from halo_forge.errors import UserError
from halo_forge.vlm import views
from halo_forge.vlm.questions import questions

CYCLES, SAMPLES = 5, 4
PART_PROMPTS = 50_000
TABLES = ("completions", "scores", "rewards", "sft")
QUERY_SECONDS, FILTER_SECONDS = 5.0, 20.0
"""What a question, and the default filter, may take at 10 million rows."""
SHARE = 0.75
"""Of the memory, DuckDB's part: it counts neither itself nor Python nor the answer."""
FILTER = "the default filter"
GOALS = {
    "sql, slowest question, seconds": f"<= {QUERY_SECONDS:g}, 10 million rows",
    "sql, default filter, seconds": f"<= {FILTER_SECONDS:g}, 10 million rows",
    "sql, peak MiB": "<= 4096",
}


@dataclass(frozen=True)
class Config:
    """How much, and with what."""

    rows: int = execution(10_000_000, "completions of the synthetic run, in five cycles")
    memory_gib: float = execution(4.0, "memory that each process may take, in GiB")
    threads: int = execution(2, "threads of each process")
    only: tuple[str, ...] = execution((), "questions to ask (none: all, and the default filter)")
    folder: str = execution("", "keep the synthetic run here, and use one that is there ('': a temporary folder)")
    json: str = execution("", "a file that gets the numbers")

    def __post_init__(self) -> None:
        if self.rows < CYCLES * SAMPLES or self.memory_gib <= 0 or self.threads < 1:
            raise UserError(f"--rows takes a number from {CYCLES * SAMPLES} up, --memory-gib and --threads above 0")


@dataclass(frozen=True)
class Cost:
    """Of one question: seconds, with the start of the process and without, most MiB held, rows of the answer."""

    name: str
    seconds: float
    wall: float
    mebibytes: float
    rows: int


def make(folder: Path, config: Config) -> None:
    """Write the tables of a synthetic run below `folder`, a part at a time."""
    import duckdb

    prompts = max(1, config.rows // (CYCLES * SAMPLES))
    connection = duckdb.connect()
    sql.limit(connection, sql.Limits(config.memory_gib, config.threads))
    for cycle in range(1, CYCLES + 1):
        for number, first in enumerate(range(0, prompts, PART_PROMPTS)):
            asked: dict[str, Any] = {
                "cycle": cycle,
                "first": first,
                "stop": min(prompts, first + PART_PROMPTS),
                "samples": SAMPLES,
            }
            connection.execute(sql.text("bench/rows"), asked)
            for table in TABLES:
                part = _part(folder / table / f"cycle={cycle}", number)
                connection.execute(sql.text(f"bench/{table}"), {"path": part})
    asked = {"prompts": prompts, "path": _part(folder / "prompts", 0)}
    connection.execute(sql.text("bench/prompts"), asked)
    connection.close()


def _part(folder: Path, number: int) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / f"part-{number:05d}.parquet")


def asked_of(folder: str | Path) -> list[str]:
    """The questions that read nothing but the synthetic tables, and the filter."""
    there = {*TABLES, "prompts"}
    return [*(name for name, one in questions().items() if there & set(one.tables)), FILTER]


def ask(folder: str, name: str, memory_gib: float, threads: int) -> dict[str, float]:
    """Answer one question in this process: seconds, most MiB held so far, rows."""
    from halo_forge.bench_disk import peak_mebibytes

    limits = sql.Limits(SHARE * memory_gib, threads)
    begin = time.perf_counter()
    if name == FILTER:
        rows = _filtered(folder, limits)
    else:
        one = questions()[name]
        tables = {**views.empty(), **views.of_run(folder)}
        found = sql.query(one.text, {view: tables[view] for view in one.tables}, limits, **one.values({}))
        rows = found.num_rows
    return {"seconds": time.perf_counter() - begin, "mebibytes": peak_mebibytes(), "rows": rows}


def _filtered(folder: str, limits: sql.Limits) -> int:
    """What the default filter decides on the rollouts of all cycles at once; the number kept."""
    from halo_forge.stages.filter import Config as Filter

    places = {name: f"{folder}/{name}" for name in ("rewards", "completions", "prompts")}
    config = Filter(**places, output="")
    chosen = {name: getattr(config, name) for name in ("max_per_prompt", "all_right_share", "cycle", "seed")}
    tables = views.of_run(folder)
    with contextlib.closing(sql.connect({name: tables[name] for name in places}, limits=limits)) as connection:
        sql.keep(connection, "candidates", sql.text("sft/candidates"), chosen)
        sql.keep(connection, "decided", sql.text("filters/default"), chosen)
        return int(sql.fetch(connection, sql.text("bench/kept"), {})["kept"][0].as_py())


CHILD = """
import json, sys
from halo_forge.bench_sql import ask
print(json.dumps(ask(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))))
"""


def cost(folder: str, name: str, config: Config) -> Cost:
    """Answer one question in a process of its own."""
    command = [sys.executable, "-P", "-c", CHILD, folder, name, str(config.memory_gib), str(config.threads)]
    begin = time.perf_counter()
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    wall = time.perf_counter() - begin
    found = json.loads(told)
    return Cost(name, found["seconds"], wall, found["mebibytes"], int(found["rows"]))


def measure(config: Config) -> list[Cost]:
    """What each question costs, the slowest first."""
    with tempfile.TemporaryDirectory(prefix="halo_forge_bench_sql_") as temporary:
        folder = Path(config.folder or temporary)
        if not (folder / "prompts").exists():
            make(folder, config)
        names = config.only or asked_of(folder)
        costs = [cost(str(folder), name, config) for name in names]
    return sorted(costs, key=lambda one: -one.seconds)


def numbers(rows: int) -> dict[str, float]:
    """What `bin/bench` shows: see `GOALS`."""
    costs = measure(Config(rows=rows))
    asked, chosen = ([one.seconds for one in costs if (one.name == FILTER) is filtered] for filtered in (False, True))
    return dict(zip(GOALS, (max(asked), max(chosen), max(one.mebibytes for one in costs)), strict=True))


def run(config: Config) -> int:
    """Measure and print; 1 when a question or the filter took longer than it may at 10 million rows."""
    costs = measure(config)
    late = 0
    print(f"{config.rows:,} completions, {config.threads} threads, {config.memory_gib:g} GiB")
    for one in costs:
        most = FILTER_SECONDS if one.name == FILTER else QUERY_SECONDS
        late += one.seconds > most
        print(
            f"{one.seconds:8.2f} s  {one.mebibytes:6.0f} MiB  {one.rows:10,} rows  {one.name}"
            f"{f'  over {most:g} s' if one.seconds > most else ''}"
        )
    if config.json:
        Path(config.json).write_text(json.dumps([asdict(one) for one in costs], indent=1) + "\n", encoding="utf-8")
    return int(late > 0)


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    from halo_forge.cli import flags, guard

    words = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(words):
        print(flags.usage(Config, "python -m halo_forge.bench_sql", "What SQL over a large run costs."))
        return 0
    return guard(lambda: run(flags.parse(Config, words)))


if __name__ == "__main__":
    sys.exit(main())
