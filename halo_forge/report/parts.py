"""What every part of the page is made by: a section, or a line that says which table it lacks."""

from __future__ import annotations

from collections.abc import Callable

from halo_forge.report.charts import Chart, Section
from halo_forge.report.tables import Rows, Tables


def part(id: str, title: str, lead: str, needs: str, tables: Tables, make: Callable[[Tables], list[Chart]]) -> Section:
    """A section, or what it lacks. `needs`: the tables it reads, apart by spaces."""
    lacks = [name for name in needs.split() if not tables.has(name)]
    if lacks:
        return Section(id, title, missing=(f"The run has no table {' and no '.join(lacks)} (yet).",))
    return Section(id, title, lead, tuple(make(tables)))


def few(rows: Rows, most: int = 6) -> list[int]:
    """Cycles to draw: all, or as many as there are colours, spread from the first to the last."""
    cycles = sorted({r["cycle"] for r in rows})
    if len(cycles) <= most:
        return cycles
    return sorted({cycles[round(i * (len(cycles) - 1) / (most - 1))] for i in range(most)})
