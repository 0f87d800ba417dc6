"""What the run warned of while it went on, by cycle."""

from __future__ import annotations

from halo_forge.files import read_json
from halo_forge.report.charts import Chart, Section, cells
from halo_forge.report.tables import Tables
from halo_forge.vlm.watch import kept_in

LONGEST = 600
"""Characters of a line, at most."""


def warned(tables: Tables) -> Section:
    """The lines of warnings.json."""
    kept = read_json(kept_in(tables.place))
    if kept is None:
        return Section("warnings", "Warnings", missing=("No warnings.json: nobody watched the cycles of this run.",))
    listed = kept.get("warnings")
    found = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]
    if not found:
        return Section("warnings", "Warnings", "No cycle gave cause for a warning.")
    names = ("cycle", "warning", "line")
    rows = sorted(([one.get(name) for name in names] for one in found), key=lambda row: str(row[0]).zfill(9))
    head = ("cycle", "warning", "what it means, and what to do")
    note = "As they were shown when the cycle ended, and still hold."
    chart = Chart("By cycle", note, None, head, cells(rows, LONGEST), wide=True)
    return Section("warnings", "Warnings", f"{len(found)} in {len({str(row[0]) for row in rows})} cycles.", (chart,))
