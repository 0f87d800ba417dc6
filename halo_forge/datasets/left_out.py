"""What became of a dataset's rows, for a person: counts in a line or two, and a list of the rows left out."""

from __future__ import annotations

import json
import os
from pathlib import Path

from halo_forge.datasets.build import Built
from halo_forge.errors import UserError
from halo_forge.files import reason


def told(built: Built, out: Path) -> list[str]:
    """What happened, in one or two lines."""
    counts = [f"{count} {name}" for name, count in built.summary().items() if count]
    lines = [f"prompts: {', '.join(counts) or 'none'} ({built.card.name})"]
    if built.evaluation is not None and not built.evaluation.num_rows:
        lines.append("prompts: no image fell into the held-out share: nothing to evaluate on; raise --hold-out")
    if built.reasons:
        left = ", ".join(f"{count} x {why}" for why, count in sorted(built.reasons.items()))
        lines.append(f"prompts: left out: {left}" + (f" (see {out / 'skipped.jsonl'})" if built.skipped else ""))
    if passing := sum(row.kind == "transient" for row in built.skipped):
        lines.append(f"prompts: {passing} of these may work another time: --force-from prompts tries again")
    return lines


def list_skipped(built: Built, out: Path) -> None:
    """`skipped.jsonl`: origin and reason of every row left out, or no file when there is none."""
    path = out / "skipped.jsonl"
    if not built.skipped:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    lines = (json.dumps({"row": row.origin, "reason": row.reason, "error_kind": row.kind}) for row in built.skipped)
    try:
        temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {reason(error)}") from None
