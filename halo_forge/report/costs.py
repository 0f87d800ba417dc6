"""Learning curves, time and tokens."""

from __future__ import annotations

from typing import Any

from halo_forge.report import tables as asked
from halo_forge.report.charts import Chart, Section, cells, number, seconds
from halo_forge.report.parts import few, part
from halo_forge.report.plots import bars, line
from halo_forge.report.tables import Tables


def training(tables: Tables) -> Section:
    """Loss, gradient norm and learning rate by step."""
    return part(
        "training", "Learning curves", "The policy's training in each cycle.", "training", tables, _training_charts
    )


def _training_charts(tables: Tables) -> list[Chart]:
    rows = tables.ask("report/learning")
    drawn_cycles = few(rows)
    charts = []
    for key, title, form in (
        ("loss", "Loss", "~g"),
        ("grad_norm", "Gradient norm", "~g"),
        ("learning_rate", "Learning rate", "~e"),
    ):
        drawn = [
            {
                "x": r["step"],
                "y": r[key],
                "series": f"cycle {r['cycle']}",
                "tip": f"cycle {r['cycle']}, step {r['step']}: {number(r[key])}",
            }
            for r in rows
            if r[key] is not None and r["cycle"] in drawn_cycles
        ]
        if drawn:
            shown = [(r["cycle"], r["step"], r["steps"], r[key]) for r in rows]
            spec = line(drawn, "step", form=form, zero=True, ordinal=False, points=False)
            charts.append(
                Chart(
                    title,
                    "By step, each cycle from 0.",
                    spec,
                    ("cycle", "step", "steps in the point", title.lower()),
                    cells(shown),
                )
            )
    return charts


def cost(tables: Tables) -> Section:
    """Seconds, rows and tokens of each stage."""
    rows = asked.records(tables)
    if not rows:
        return Section("cost", "Time and tokens", missing=("No finished table of ours: nothing says what it cost.",))
    by_stage: dict[str, dict[str, Any]] = {}
    for r in rows:
        one = by_stage.setdefault(r["stage"], {"tables": 0, "rows": 0, "seconds": 0.0, "tokens": 0.0})
        one["tables"] += 1
        for key in ("rows", "seconds", "tokens"):
            one[key] += r[key]
    drawn = [
        {
            "y": r["stage"],
            "x": r["seconds"],
            "series": f"cycle {r['cycle']}" if r["cycle"] else "before",
            "tip": f"{r['stage']}, {'cycle ' + str(r['cycle']) if r['cycle'] else 'before'}: {seconds(r['seconds'])}",
        }
        for r in sorted(rows, key=lambda r: r["cycle"])
    ]
    spec = bars(drawn, form="~s")
    spec["encoding"]["y"]["sort"] = list(by_stage)
    shown = [
        (
            name,
            one["tables"],
            one["rows"],
            seconds(one["seconds"]),
            _rate(one["rows"], one["seconds"]),
            int(one["tokens"]) or None,
            _rate(one["tokens"], one["seconds"]),
        )
        for name, one in by_stage.items()
    ]
    head = ("stage", "tables", "rows", "time", "rows/s", "tokens", "tokens/s")
    total = sum(r["seconds"] for r in rows)
    chart = Chart(
        "Seconds by stage",
        "As the tables' records say, without loading libraries.",
        spec,
        head,
        cells(shown),
        open=True,
    )
    return Section("cost", "Time and tokens", f"{seconds(total)} in {len(rows)} tables.", (chart,))


def _rate(amount: float, time: float) -> str:
    return number(amount / time) if amount and time >= 0.05 else "–"
