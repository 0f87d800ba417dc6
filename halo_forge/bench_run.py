"""What a finished run tells about itself: how long a repeat takes, its bytes, its looks at images, and where the
seconds of a cycle went."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from halo_forge.errors import UserError
from halo_forge.files import read_json

CYCLE = ("evidence", "completions", "scores", "rewards", "sft", "training", "eval/completions", "eval/benchmark")
"""Tables of one cycle."""
FURTHER = ("more", "more/completions", "more/scores", "more/rewards")
"""Those that it has as well with --samples-max."""
MODEL_WORK = ("evidence", "completions", "training", "eval/completions", "more/completions")
"""Those that a detector, a reader or the policy makes; loading them and their libraries counts."""

AGAIN = """
import dataclasses, json, sys
from halo_forge import store
from halo_forge.cli import guard
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
config = VLMRAFTConfig(**{k: v for k, v in config.items() if k in known})
sys.exit(guard(lambda: VLMRAFTTrainer(config).train() and 0))
"""
"""The `vlm train` of a finished run once more, forbidden to write a row."""


def sizes(run: str) -> dict[str, float]:
    """Completions, and bytes on disk for each."""
    from halo_forge.store import Table

    completions = Table(f"{run}/completions", "completions")
    if not completions.rows:
        return {"completions": 0.0}
    size = sum(file.stat().st_size for file in completions.files)
    return {"completions": float(completions.rows), "bytes per completion": size / completions.rows}


def again(run: str) -> dict[str, float]:
    """Seconds that the `vlm train` of the run takes once more. Raises UserError where it is not finished."""
    if not Path(run, "run.json").exists():
        raise UserError(f"{run} has no run.json: no vlm train made it")
    begin = time.perf_counter()
    try:
        subprocess.run([sys.executable, "-P", "-c", AGAIN, run], check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError as exc:
        raise UserError(f"{run} does not stand as its vlm train left it: run that command again") from exc
    return {"finished vlm train again, seconds": time.perf_counter() - begin}


def looks(run: str) -> dict[str, float]:
    """Distinct images, and rows of detector and reader for each. Raises UserError where nothing was looked at."""
    import pyarrow.compute as pc

    from halo_forge.store import Table

    if not Path(run, "evidence").exists():
        raise UserError(f"{run} has no evidence table: it had neither detector nor reader")
    seen = Table(f"{run}/evidence", "evidence").read(["image_id", "detector", "ocr"])
    images = len(pc.unique(seen["image_id"]))
    found = {"images": float(images)}
    for part in ("detector", "ocr"):
        found[f"{part} rows per image"] = (seen.num_rows - seen[part].null_count) / max(images, 1)
    return found


def cycles(run: str) -> dict[str, float]:
    """Seconds of a cycle, by table and in all, and the share that is not model work; means over the cycles whose
    tables are all finished. Raises UserError where there is none."""
    found = [seconds for n in range(1, _last(Path(run)) + 1) if (seconds := cycle(Path(run), n))]
    if not found:
        raise UserError(f"{run} has no cycle that is finished")
    names = [name for name in (*CYCLE, *FURTHER, "all") if any(name in seconds for seconds in found)]
    mean = {name: sum(seconds.get(name, 0.0) for seconds in found) / len(found) for name in names}
    model = sum(mean.get(name, 0.0) for name in MODEL_WORK)
    by_table = {f"cycle, seconds in {name}": mean[name] for name in names if name != "all"}
    return by_table | {"cycle, seconds": mean["all"], "cycle, share not model work": 1 - model / mean["all"]}


def cycle(run: Path, number: int) -> dict[str, float]:
    """Seconds of one cycle by table, and in `all`; {} where a table is missing.

    Of a row stage of a model they are those of its parts, writing not counted; of training those of the stage. In
    all are those from the end of the cycle before to its own end, by the clock of the files, and never less than
    the tables' own: a run that was stopped in between counts the pause, a copied one only what its tables say.
    """
    seconds = {}
    for name in (*CYCLE, *FURTHER):
        folder = run / name / f"cycle={number}"
        record = read_json(folder / "_stage.json")
        if record is None and name in FURTHER:
            continue
        if record is None:
            return {}
        parts = [read_json(file) or {} for file in folder.glob("part-*.json")]
        timed = name in MODEL_WORK and name != "training"
        seconds[name] = float(sum(part.get("seconds", 0) for part in parts) if timed else record["seconds"])
    end, before = (run / f"eval/benchmark/cycle={n}/_stage.json" for n in (number, number - 1))
    clock = end.stat().st_mtime - before.stat().st_mtime if before.exists() else 0.0
    return seconds | {"all": max(clock, sum(seconds.values()))}


def _last(run: Path) -> int:
    """Number of the last cycle that left completions."""
    return max((int(path.name[6:]) for path in run.glob("completions/cycle=*") if path.name[6:].isdigit()), default=0)


PARTS = {"sizes": sizes, "cycles": cycles, "again": again, "looks": looks}
"""What is measured of a run, each on its own."""
