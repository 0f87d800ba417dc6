"""What the page opens with: did it get better, by how much, and how sure is that?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from halo_forge.report.charts import Chart, Section, cells, percent, points, span
from halo_forge.report.plots import dots, line
from halo_forge.report.tables import Rows, Tables
from halo_forge.sql import Marked, pieces
from halo_forge.store import Table
from halo_forge.vlm import summary


@dataclass(frozen=True)
class Answer:
    """The headline with its figures, and the section that shows them."""

    verdict: str
    """better, worse, unclear, or none."""
    headline: str
    detail: str
    figures: tuple[tuple[str, str, str], ...]
    """(name, value, what it is)."""
    best: int | None
    """The cycle that is compared with the base."""
    section: Section


def answer(tables: Tables) -> Answer:
    """The answer of a run; says what is missing where there is no evaluation."""
    cycles = sorted({row["cycle"] for row in tables.ask("benchmark/accuracy")}) if tables.has("benchmark") else []
    if len(cycles) < 2 or cycles[0] != 0:
        return _without_gain(tables, cycles)
    best = best_cycle(tables, cycles)
    split = next((s for s in ("test", "dev") if tables.ask("benchmark/gain", cycle=best, split=s)), "test")
    gains = tables.ask("benchmark/gain", cycle=best, split=split)
    if not gains:
        return _without_gain(tables, cycles)
    style = tables.settings.get("style") or ""
    first = min(gains, key=lambda row: (row["style"] != style, row["decoding"] != "greedy", row["style"]))
    verdict = "better" if first["low"] > 0 else "worse" if first["high"] < 0 else "unclear"
    told = {
        "better": f"It got better: {points(first['gain'])} points.",
        "worse": f"It got worse: {points(first['gain'])} points.",
        "unclear": f"No clear difference: {points(first['gain'])} points.",
    }[verdict]
    rows = f"{first['n']} held-out prompts of the {split} half" if split == "test" else f"{first['n']} dev prompts"
    detail = (
        f"Accuracy went from {percent(first['before'])} to {percent(first['after'])} on {rows} "
        f"({first['decoding']}, cycle {best} against the base). The paired 95 % interval of the gain is "
        f"{span(first['low'], first['high'], signed=True)} points, errors clustered by image."
    )
    if not tables.place.best.exists():
        detail += " The run is not finished: this is the best cycle evaluated so far."
    figures = (
        ("before", percent(first["before"]), "the base"),
        ("after", percent(first["after"]), f"cycle {best}"),
        ("gain", points(first["gain"]), f"{span(first['low'], first['high'], signed=True)} points"),
    )
    charts = [_gain(tables, best, split, gains), _by_cycle(tables, split), *_categories(tables, best, split)]
    section = Section("answer", "Before and after", charts=tuple(c for c in charts if c is not None))
    return Answer(verdict, told, detail, figures, best, section)


def best_cycle(tables: Tables, cycles: list[int]) -> int:
    """The cycle that the link `best` names, else the best on the dev half, else the last one evaluated."""
    link = tables.place.best
    if link.is_symlink():
        digits = link.readlink().name.removeprefix("cycle_").split("_")[0]
        if digits.isdigit() and int(digits) in cycles:
            return int(digits)
    rows = tables.ask("benchmark/best", style=tables.settings.get("style") or "grounded", cycles=cycles[-1])
    return int(rows[0]["cycle"]) if rows else cycles[-1]


def _without_gain(tables: Tables, cycles: list[int]) -> Answer:
    if not tables.has("benchmark"):
        section = Section(
            "answer", "Before and after", missing=("No held-out evaluation: the run has no benchmark table (yet).",)
        )
        headline = "No held-out evaluation yet."
        detail = "Whether the model got better cannot be said from the rows it was trained on; what they show is below."
        return Answer("none", headline, detail, _rewards(tables), None, section)
    rows = tables.ask("benchmark/overall")
    shown = [
        (
            r["style"],
            r["metric"],
            r["n"],
            percent(r["score"]),
            span(r["low"], r["high"]),
            r["unextracted"],
            r["truncated"],
            r["errors"],
        )
        for r in rows
    ]
    head = ("style", "metric", "completions", "score", "95 % interval", "no answer", "cut off", "errors")
    chart = Chart(
        "Score", "On the rows of this benchmark, with a 95 % interval.", None, head, cells(shown), wide=True, open=True
    )
    missing = "One policy only: there is nothing to compare it with."
    section = Section("answer", "Score", charts=(chart,), missing=(missing,))
    if not rows:
        return Answer("none", "No row was scored.", "", (), None, section)
    top = rows[0]
    figures = (("score", percent(top["score"]), f"{span(top['low'], top['high'])} (95 %)"),)
    headline = f"{percent(top['score'])} on {top['n']:,} held-out completions."
    detail = (
        f"{_policy(tables, cycles)}{top['metric']}, 95 % interval {span(top['low'], top['high'])}, clustered by image."
    )
    return Answer("none", headline, detail, figures, cycles[-1] if cycles else None, section)


def _policy(tables: Tables, cycles: list[int]) -> str:
    return f"Cycle {cycles[0]} alone; " if tables.has("rewards") and cycles else ""


def _rewards(tables: Tables) -> tuple[tuple[str, str, str], ...]:
    rows = tables.ask("reward/by_cycle") if tables.has("rewards") else []
    if not rows:
        return ()
    last = rows[-1]
    return (
        ("right", percent(last["correct"]), f"of sampled completions, cycle {last['cycle']}"),
        ("reward", f"{last['reward']:.3f}", f"mean, cycle {last['cycle']}"),
    )


def _gain(tables: Tables, best: int, split: str, gains: Rows) -> Chart:
    """The gain of the best cycle and of the controls."""
    named = {f"cycle {best}": gains} | {f"control: {name}": rows for name, rows in controls(tables, split).items()}
    several = len({row["style"] for row in gains}) > 1
    drawn, shown = [], []
    for policy, rows in named.items():
        for row in rows:
            how = f"{row['style']}, {row['decoding']}" if several else str(row["decoding"])
            interval = span(row["low"], row["high"], signed=True)
            ends = f"{percent(row['before'])} to {percent(row['after'])}"
            tip = f"{policy}, {how}: {points(row['gain'])} points ({interval}), {ends}"
            bounds = {"low": 100 * row["low"], "high": 100 * row["high"]}
            drawn.append({"y": policy, "x": 100 * row["gain"], "series": how, "tip": tip, **bounds})
            ends_of = (percent(row["before"]), percent(row["after"]), row["n"], row["style"])
            shown.append((policy, row["decoding"], points(row["gain"]), interval, *ends_of))
    head = ("policy", "decoding", "gain", "95 % interval", "before", "after", "prompts", "style")
    note = f"Points over the base on the {split} half, paired by prompt. Bars: 95 % intervals, clustered by image."
    return Chart("Gain over the base", note, dots(drawn, "+.0f", line_at=0), head, cells(shown), open=True)


def controls(tables: Tables, split: str) -> dict[str, Rows]:
    """Gain over the base of each control training, by its name."""
    found = tables.there.get("control_benchmark")
    if not isinstance(found, Marked) or not tables.has("benchmark"):
        return {}
    gained: dict[str, Rows] = {}
    base = [_read(piece, 0) for _, piece in pieces(tables.there["benchmark"])]
    for marks, piece in found.tables:
        rows = piece.read()
        last = max((c for c in rows["cycle"].to_pylist() if c), default=0)
        if last:
            gained[marks["control"]] = summary.gain(pa.concat_tables([*base, rows]), last, split=split)
    return {name: rows for name, rows in gained.items() if rows}


def _read(table: Table, cycle: int) -> pa.Table:
    import pyarrow.compute as pc

    rows = table.read()
    return rows.filter(pc.equal(rows["cycle"], cycle))


def _by_cycle(tables: Tables, split: str) -> Chart:
    rows = tables.ask("benchmark/accuracy")
    several = len({row["style"] for row in rows}) > 1
    drawn = [
        {
            "x": row["cycle"],
            "y": row["score"],
            "low": row["low"],
            "high": row["high"],
            "series": f"{row['style']}, {row['decoding']}" if several else row["decoding"],
            "tip": f"cycle {row['cycle']}, {row['decoding']}: {percent(row['score'])} "
            f"({span(row['low'], row['high'])})",
        }
        for row in rows
        if row["split"] == split
    ]
    shown = [
        (r["cycle"], r["split"], r["style"], r["decoding"], r["n"], percent(r["score"]), span(r["low"], r["high"]))
        for r in rows
    ]
    head = ("cycle", "split", "style", "decoding", "completions", "accuracy", "95 % interval")
    note = f"Held-out rows, {split} half; cycle 0 is the base. Bars: 95 % intervals, clustered by image."
    return Chart("Accuracy by cycle", note, line(drawn, "cycle"), head, cells(shown))


def _categories(tables: Tables, best: int, split: str) -> list[Chart]:
    """Before and after by the dataset's own categories, where it has any."""
    rows = [r for r in tables.ask("benchmark/by_category", split=split) if r["decoding"] == "greedy"]
    scores: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        if row["cycle"] in (0, best):
            scores.setdefault(row["category"], {})[row["cycle"]] = row
    both = {name: one for name, one in scores.items() if len(one) == 2}
    if len(both) < 2:
        return []
    ordered = sorted(both.items(), key=lambda item: (-item[1][0]["n"], item[0]))
    drawn = [
        {"y": name, "x": one[cycle]["score"], "series": what, "tip": f"{name}, {what}: {percent(one[cycle]['score'])}"}
        for name, one in ordered[:14]
        for cycle, what in ((0, "base"), (best, f"cycle {best}"))
    ]
    shown = [
        (
            name,
            one[0]["n"],
            percent(one[0]["score"]),
            percent(one[best]["score"]),
            points(one[best]["score"] - one[0]["score"]),
        )
        for name, one in ordered
    ]
    note = f"Accuracy on the {split} half, greedy, before and after" + (
        ", the 14 largest." if len(ordered) > 14 else "."
    )
    spec = dots(drawn, ".0%", domain=(0, 1), colours=("var(--c2)", "var(--c1)"))
    return [Chart("By kind of question", note, spec, ("kind", "prompts", "before", "after", "change"), cells(shown))]
