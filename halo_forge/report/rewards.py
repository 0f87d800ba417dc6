"""Reward and verifiers by cycle, and what each verifier is worth."""

from __future__ import annotations

from halo_forge.report.charts import Chart, Section, cells, number, percent
from halo_forge.report.parts import few, part
from halo_forge.report.plots import GOOD_BAD, calibration, dots, histogram, line
from halo_forge.report.tables import Rows, Tables

MEASURES = ("perception", "reasoning", "output")


def rewards(tables: Tables) -> Section:
    """Reward, its parts and its distribution; pass@k; prompts solved and forgotten."""
    lead = "On the prompts it trains on, by cycle. Every completion that was sampled counts, kept or not."
    return part("reward", "Reward and verifiers", lead, "rewards", tables, _reward_charts)


def _reward_charts(tables: Tables) -> list[Chart]:
    rows = tables.ask("report/intervals")
    charts = [
        _measured(rows, ("reward", "right"), "Reward and share right", "They should rise together."),
        _measured(rows, MEASURES, "The reward's parts", "Mean of what each verifier judged."),
    ]
    found = tables.ask("reward/distribution")
    cycles = sorted({row["cycle"] for row in found})
    charts += [_distribution(found, cycle) for cycle in dict.fromkeys([*cycles[:1], *cycles[-1:]])]
    return [*charts, *_pass_at_k(tables), *_solved(tables)]


def _measured(rows: Rows, names: tuple[str, ...], title: str, note: str) -> Chart:
    order = {name: place for place, name in enumerate(names)}
    found = sorted((r for r in rows if r["measure"] in order), key=lambda r: (order[r["measure"]], r["cycle"]))
    drawn = [
        {
            "x": r["cycle"],
            "y": r["mean"],
            "low": r["low"],
            "high": r["high"],
            "series": r["measure"],
            "tip": f"cycle {r['cycle']}, {r['measure']}: {number(r['mean'])} "
            f"({number(r['low'])} to {number(r['high'])})",
        }
        for r in found
    ]
    shown = [(r["cycle"], r["measure"], r["n"], r["mean"], f"{number(r['low'])} to {number(r['high'])}") for r in found]
    head = ("cycle", "measure", "completions", "mean", "95 % interval")
    spec = line(drawn, "cycle", form=".1f", zero=True, top=1.0) if drawn else None
    return Chart(title, f"{note} Bars: 95 % intervals, clustered by image.", spec, head, cells(shown))


def _distribution(rows: Rows, cycle: int) -> Chart:
    kinds = (("right_ones", "right"), ("wrong_ones", "wrong"), ("unknown", "no ground truth"))
    drawn: Rows = []
    for key, name in kinds:
        for r in rows:
            if r["cycle"] == cycle and r[key]:
                tip = f"reward {r['low']:.2f} to {r['high']:.2f}: {r[key]:,} {name}"
                drawn.append({"x": r["low"], "x2": r["high"], "y": r[key], "series": name, "tip": tip})
    colours = [
        colour
        for (key, _), colour in zip(kinds, GOOD_BAD, strict=True)
        if any(r[key] for r in rows if r["cycle"] == cycle)
    ]
    shown = [
        (f"{r['low']:.2f} to {r['high']:.2f}", r["right_ones"], r["wrong_ones"], r["unknown"])
        for r in rows
        if r["cycle"] == cycle
    ]
    spec = histogram(drawn, colours) if drawn else None
    note = "Completions by reward. Right and wrong should not overlap."
    return Chart(f"Rewards in cycle {cycle}", note, spec, ("reward", "right", "wrong", "no ground truth"), cells(shown))


def _pass_at_k(tables: Tables) -> list[Chart]:
    rows = tables.ask("prompts/pass_at_k")
    if len({r["k"] for r in rows}) < 2:
        return []
    drawn = [
        {
            "x": r["k"],
            "y": r["pass_at_k"],
            "series": f"cycle {r['cycle']}",
            "tip": f"cycle {r['cycle']}, k = {r['k']}: {percent(r['pass_at_k'])}",
        }
        for r in rows
        if r["cycle"] in few(rows)
    ]
    shown = [(r["cycle"], r["k"], r["prompts"], percent(r["pass_at_k"])) for r in rows]
    note = "Chance that one of k completions is right: what there is to learn from."
    return [
        Chart(
            "pass@k", note, line(drawn, "k", log=True, ordinal=False), ("cycle", "k", "prompts", "pass@k"), cells(shown)
        )
    ]


def _solved(tables: Tables) -> list[Chart]:
    rows = tables.ask("prompts/solved")
    if not rows:
        return []
    kinds = (("newly solved", "newly_solved"), ("forgotten", "forgotten"), ("never solved yet", "never_yet"))
    drawn = [
        {"x": r["cycle"], "y": r[key], "series": name, "tip": f"cycle {r['cycle']}: {r[key]:,} {name}"}
        for name, key in kinds
        for r in rows
    ]
    shown = [(r["cycle"], r["prompts"], r["solved"], *(r[key] for _, key in kinds)) for r in rows]
    head = ("cycle", "prompts", "solved", *(name for name, _ in kinds))
    spec = line(drawn, "cycle", form="~s", zero=True, colours=("var(--good)", "var(--bad)", "var(--none)"))
    return [
        Chart(
            "Prompts solved and forgotten",
            "Prompts with a right completion, against the time before.",
            spec,
            head,
            cells(shown),
        )
    ]


def verifiers(tables: Tables) -> Section:
    """How well each verifier tells right from wrong, and its calibration."""
    lead = (
        "Does a score tell right answers from wrong ones? Output and reward know the reference answer, and perception "
        "and reasoning use it where there is one: high values are expected, a low one is news."
    )
    return part("verifiers", "Verifiers against correctness", lead, "scores rewards", tables, _verifier_charts)


def _verifier_charts(tables: Tables) -> list[Chart]:
    rows = tables.ask("reward/agreement")
    judged = [r for r in rows if r["auc"] is not None and r["verifier"] not in ("output", "output_exact")]
    cycles = [c for c in few(judged) if c in {r["cycle"] for r in judged}]
    ends = list(dict.fromkeys([*cycles[:1], *cycles[-1:]]))
    drawn = [
        {
            "y": r["verifier"].replace("_", ": ", 1),
            "x": r["auc"],
            "series": f"cycle {r['cycle']}",
            "tip": f"{r['verifier']}, cycle {r['cycle']}: {r['auc']:.3f}, no verdict on {percent(r['abstained'])}",
        }
        for r in sorted(judged, key=lambda r: (r["verifier"] != "reward", r["verifier"], r["cycle"]))
        if r["cycle"] in ends
    ]
    shown = [(r["cycle"], r["verifier"], r["judged"], percent(r["abstained"]), r["auc"], r["auc_within"]) for r in rows]
    head = ("cycle", "verifier", "judged", "no verdict", "AUC", "AUC within a prompt")
    note = "Area under the curve: the chance that a right completion scores above a wrong one. 0.5 is a coin."
    spec = dots(drawn, ".1f", domain=(min(0.4, *(r["x"] for r in drawn)), 1), line_at=0.5) if drawn else None
    return [Chart("Does it tell right from wrong?", note, spec, head, cells(shown)), *_calibration(tables)]


def _calibration(tables: Tables) -> list[Chart]:
    rows = [r for r in tables.ask("reward/calibration") if r["verifier"] in ("perception", "reasoning")]
    if not rows:
        return []
    right = {r["cycle"]: r["mean"] for r in tables.ask("report/intervals") if r["measure"] == "right"}
    cycle = min({r["cycle"] for r in rows}, key=lambda c: (abs(right.get(c, 1) - 0.5), c))
    drawn = [
        {
            "x": r["score"],
            "y": r["right_share"],
            "series": r["verifier"],
            "tip": f"{r['verifier']} {number(r['score'])}: {percent(r['right_share'])} right of {r['completions']:,}",
        }
        for r in rows
        if r["cycle"] == cycle
    ]
    shown = [
        (r["cycle"], r["verifier"], r["decile"], r["completions"], r["score"], percent(r["right_share"])) for r in rows
    ]
    head = ("cycle", "verifier", "tenth", "completions", "mean score", "right")
    note = f"Share right in each tenth by score, cycle {cycle} (nearest to half right). Dashed: score equals share."
    return [Chart("Calibration", note, calibration(drawn), head, cells(shown))]
