"""Is a run whole? Every part against its record, every finished table against its digest, every invariant."""

from __future__ import annotations

from pathlib import Path

from halo_forge import keys
from halo_forge.errors import UserError
from halo_forge.files import read_json
from halo_forge.vlm import summary
from halo_forge.vlm.run_dir import RunDir


def check(run: str) -> list[str]:
    """What was checked, line by line. Raises UserError naming the first part that is not what its record says."""
    root = Path(run)
    if not (root / "run.json").exists():
        raise UserError(f"{run} is no run directory: it has no run.json")
    records = sorted(root.rglob("part-*.json"))
    for record in records:
        _part(record)
    unfinished = [b.parent for b in sorted(root.rglob("_begin.json")) if not (b.parent / "_stage.json").exists()]
    lines = [f"{len(records)} parts are what their records say"]
    lines += [
        f"{folder.relative_to(root)} is unfinished: the same vlm train command completes it" for folder in unfinished
    ]
    if not unfinished:
        summary.check(RunDir(root))
        lines.append(f"{len(summary.CHECKS)} invariants hold: {', '.join(summary.CHECKS)}")
    return lines


def _part(record: Path) -> None:
    facts, file = read_json(record) or {}, record.with_suffix(".parquet")
    stage = record.parent.name if "=" not in record.parent.name else record.parent.parent.name
    repair = f"move it away and rebuild with --force-from {_STAGE.get(stage, stage)}"
    if not file.exists():
        raise UserError(f"{file} is missing; {repair}")
    if keys.sha256_file(file) != facts.get("sha256"):
        raise UserError(f"{file} is not what was written (its digest differs from {record.name}); {repair}")


_STAGE = {
    "images": "prompts",
    "evidence": "perceive",
    "completions": "generate",
    "scores": "verify",
    "rewards": "reward",
    "sft": "filter",
    "training": "train",
}
"""Table to the stage that makes it, where the two have different names."""
