"""What was kept and dropped, and whether the policy found a trick."""

from __future__ import annotations

from halo_forge.report.charts import Chart, Section, cells, number, percent, table
from halo_forge.report.clean import short
from halo_forge.report.parts import part
from halo_forge.report.plots import LONGEST, bars, line
from halo_forge.report.tables import Tables


def kept(tables: Tables) -> Section:
    """Reasons and yield of the filter."""
    lead = "What the filter made of the completions, and why the others were dropped."
    return part("kept", "Kept and dropped", lead, "sft", tables, _kept_charts)


def _kept_charts(tables: Tables) -> list[Chart]:
    rows = tables.ask("kept/drop_reasons")
    total: dict[tuple[bool, str], int] = {}
    for r in rows:
        key = (bool(r["keep"]), str(r["reason"]))
        total[key] = total.get(key, 0) + r["completions"]
    order = sorted(total, key=lambda key: (not key[0], -total[key], key[1]))[:10]
    drawn = [
        {
            "y": _fate(key),
            "x": r["completions"],
            "series": f"cycle {r['cycle']}",
            "tip": f"cycle {r['cycle']}, {_fate(key)}: {r['completions']:,} ({percent(r['share'])})",
        }
        for key in order
        for r in rows
        if (bool(r["keep"]), str(r["reason"])) == key
    ]
    drawn.sort(key=lambda row: int(str(row["series"]).split()[-1]))
    shown = [
        (
            r["cycle"],
            "kept" if r["keep"] else "dropped",
            r["origin"],
            r["reason"],
            r["completions"],
            percent(r["share"]),
            r["mean_reward"],
        )
        for r in rows
    ]
    head = ("cycle", "fate", "origin", "reason", "completions", "share", "mean reward")
    spec = bars(drawn) if drawn else None
    if spec is not None:
        spec["encoding"]["y"]["sort"] = [short(_fate(key), LONGEST) for key in order]
    charts = [Chart("Reasons", "Completions by what became of them, all cycles.", spec, head, cells(shown))]
    if tables.has("rewards"):
        yielded = tables.ask("kept/yield")
        counts = [
            (
                r["cycle"],
                r["prompts"],
                r["completions"],
                r["right_ones"],
                r["kept"],
                percent(r["kept_share"]),
                r["kept_prompts"],
                r["replayed"],
                r["transferred"],
                r["trained_on"],
            )
            for r in yielded
        ]
        names = (
            "cycle",
            "prompts",
            "completions",
            "right",
            "kept",
            "share",
            "prompts kept",
            "replayed",
            "transferred",
            "trained on",
        )
        charts.append(table("Yield", "How many completions became rows to train on.", names, counts))
    return charts


def _fate(key: tuple[bool, str]) -> str:
    return f"{'kept' if key[0] else 'dropped'}: {key[1]}"


def watch(tables: Tables) -> Section:
    """Signs of reward hacking: length, repetition, claims, diversity, phrases."""
    lead = "Is the reward going up because answers are better, or because the model found a trick?"
    made = part("watch", "Reward-hacking watch", lead, "completions scores rewards", tables, _watch_charts)
    if made.missing:
        return made
    warned = [f"Cycle {r['cycle']}: {r['warning']}." for r in tables.ask("hacking/watch") if r["warning"]]
    return Section(made.id, made.title, made.lead, made.charts, warnings=tuple(warned))


def _watch_charts(tables: Tables) -> list[Chart]:
    rows = tables.ask("hacking/watch")
    head = (
        "cycle",
        "right",
        "wrong but looks good",
        "tokens",
        "cut off",
        "repetition",
        "claims",
        "borne out",
        "contradicted",
    )
    shown = [
        (
            r["cycle"],
            percent(r["right_share"]),
            percent(r["wrong_but_high"]),
            r["tokens"],
            percent(r["truncated"]),
            percent(r["repetition"]),
            r["claims"],
            percent(r["supported"]),
            percent(r["contradicted"]),
        )
        for r in rows
    ]
    charts = [
        table(
            "Signs of a trick",
            "Wrong answers that perception and reasoning like, length, repetition, claims.",
            head,
            shown,
        )
    ]
    return [*charts, _length(tables), *_diversity(tables), *_phrases(tables)]


def _length(tables: Tables) -> Chart:
    lengths = tables.ask("hacking/length_drift")
    kinds = (("right answers", "tokens_right"), ("wrong answers", "tokens_wrong"), ("longest 5 %", "p95"))
    drawn = [
        {"x": r["cycle"], "y": r[key], "series": name, "tip": f"cycle {r['cycle']}, {name}: {number(r[key])} tokens"}
        for name, key in kinds
        for r in lengths
        if r[key] is not None
    ]
    shown = [
        (
            r["cycle"],
            r["tokens"],
            r["median"],
            r["p95"],
            r["tokens_right"],
            r["tokens_wrong"],
            percent(r["truncated"]),
            r["reward_correlation"],
        )
        for r in lengths
    ]
    head = ("cycle", "tokens", "median", "95th percentile", "right", "wrong", "cut off", "correlation with reward")
    colours = ("var(--good)", "var(--bad)", "var(--c1)")
    spec = line(drawn, "cycle", form="~s", zero=True, colours=colours) if drawn else None
    return Chart("Length", "Tokens of a completion.", spec, head, cells(shown))


def _diversity(tables: Tables) -> list[Chart]:
    rows = tables.ask("policy/diversity")
    kinds = (
        ("distinct answers", "distinct_answers"),
        ("distinct completions", "distinct_completions"),
        ("prompts with right and wrong", "mixed"),
    )
    drawn = [
        {"x": r["cycle"], "y": r[key], "series": name, "tip": f"cycle {r['cycle']}, {name}: {percent(r[key])}"}
        for name, key in kinds
        for r in rows
        if r[key] is not None
    ]
    if not drawn:
        return []
    shown = [(r["cycle"], r["prompts"], r["samples"], *(percent(r[key]) for _, key in kinds)) for r in rows]
    head = ("cycle", "prompts", "samples", *(name for name, _ in kinds))
    note = "Share of a prompt's completions. A policy that says one thing has nothing left to choose from."
    return [Chart("Diversity", note, line(drawn, "cycle", zero=True), head, cells(shown))]


def _phrases(tables: Tables) -> list[Chart]:
    rows = tables.ask("hacking/growing_phrases", most=12)
    if not rows:
        return []
    shown = [
        (
            f"“{r['phrase']}”",
            percent(r["first_share"]),
            percent(r["last_share"]),
            r["rises"],
            percent(r["right_with"]),
            percent(r["right_without"]),
        )
        for r in rows
    ]
    head = ("phrase", "first cycle", "last cycle", "cycles it grew", "right with it", "right without")
    return [
        table(
            "Phrases that grow",
            "A phrase that grows without going with right answers is said for the reward.",
            head,
            shown,
        )
    ]
