"""The figures of `vlm benchmark`, and the page that says them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_forge import sql
from halo_forge.datasets.card import Card
from halo_forge.files import read_json
from halo_forge.store import Table
from halo_forge.vlm.intervals import Interval, bootstrap, smallest_difference

FAR = 0.015
"""A score that differs by more from what the model's authors print deserves a warning: 1.5 points."""


@dataclass(frozen=True)
class Scored:
    """One model on one dataset. `base`: the word its base is known by; `total`: rows of the whole eval split."""

    dataset: str
    model: str
    base: str
    blind: bool
    table: Table
    completions: str
    card: Card
    total: int | None
    folder: str


def figures(found: list[Scored], baseline: str) -> dict[str, Any]:
    """Everything that is shown, as plain data; scores are shares in [0, 1]."""
    rows = {id(one): sql.query(sql.text("benchmark/rows"), {"benchmark": one.table}).to_pylist() for one in found}
    return {
        "scores": [line for one in found for line in _scores(one, rows[id(one)])],
        "categories": [line for one in found if one.card.breakdown for line in _categories(one, rows[id(one)])],
        "differences": [line for one in found for line in _differences(one, found, rows, baseline)],
    }


def _of_style(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    styles = sorted({row["style"] for row in rows})
    return {style: [row for row in rows if row["style"] == style] for style in styles}


def _interval(rows: list[dict[str, Any]]) -> Interval:
    return bootstrap([row["score"] for row in rows], [row["image_id"] for row in rows])


def _scores(one: Scored, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines = []
    for style, part in _of_style(rows).items():
        interval, published = _interval(part), one.card.published_score(one.base)
        plain = not one.blind and one.base == one.model
        lines.append(
            {
                "dataset": one.dataset,
                "model": one.model,
                "blind": one.blind,
                "style": style,
                "decides": style == one.card.style,
                "metric": part[0]["metric"],
                "n": len(part),
                "of": one.total,
                "score": interval.mean,
                "low": interval.low,
                "high": interval.high,
                "smallest_difference": smallest_difference(interval, len(part)),
                **{name: sum(row[name] for row in part) for name in ("unextracted", "truncated", "failed")},
                "tokens_per_second": _speed(one.completions),
                "published": published.score / 100 if published and plain else None,
                "published_source": f"{published.source}, {published.split}" if published and plain else None,
                "tables": one.folder,
            }
        )
    return lines


def _speed(completions: str) -> float | None:
    """Tokens for each second of work, loading left out."""
    records = [read_json(file) or {} for file in Path(completions).glob("part-*.json")]
    seconds = sum(record.get("seconds", 0.0) for record in records)
    return sum(record.get("tokens", 0) for record in records) / seconds if seconds else None


def _categories(one: Scored, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines = []
    for style, part in _of_style(rows).items():
        for category in sorted({row["category"] for row in part}):
            inside = [row for row in part if row["category"] == category]
            interval = _interval(inside)
            about = {"dataset": one.dataset, "model": one.model, "blind": one.blind, "style": style}
            figure = {"category": category, "n": len(inside), "score": interval.mean}
            lines.append({**about, **figure, "low": interval.low, "high": interval.high})
    return lines


def _differences(one: Scored, found: list[Scored], rows: dict[int, Any], baseline: str) -> list[dict[str, Any]]:
    """Paired by prompt: over the baseline, and of a blind model under itself with eyes."""
    lines = []
    for other in found:
        against = other.model == baseline and one.model != baseline and other.blind == one.blind
        blind = one.blind and not other.blind and other.model == one.model
        if other.dataset != one.dataset or not (against or blind):
            continue
        before = {row["prompt_id"]: row["score"] for row in rows[id(other)]}
        for style, part in _of_style([row for row in rows[id(one)] if row["prompt_id"] in before]).items():
            gains = [row["score"] - before[row["prompt_id"]] for row in part]
            interval = bootstrap(gains, [row["image_id"] for row in part])
            names = {"model": _name(one), "over": _name(other), "dataset": one.dataset, "style": style}
            lines.append({**names, "n": len(part), "gain": interval.mean, "low": interval.low, "high": interval.high})
    return lines


def _name(one: Scored) -> str:
    return f"{one.model}{' (blind)' if one.blind else ''}"


def page(found: dict[str, Any]) -> list[str]:
    """The figures as lines, scores in points."""
    lines = []
    for row in found["scores"]:
        blind = ", blind" if row["blind"] else ""
        lines.append(
            f"{row['dataset']} {row['style']}{blind}: {row['model']}: {row['metric']} {_range(row)}, n = {row['n']}, "
            f"{row['unextracted']} without an answer, {row['truncated']} truncated, {row['failed']} errors"
            + (f", {row['tokens_per_second']:,.0f} tokens/s" if row["tokens_per_second"] else "")
        )
        lines += _remarks(row)
    for row in found["categories"]:
        blind = ", blind" if row["blind"] else ""
        lines.append(f"  {row['dataset']} {row['style']}{blind}: {row['model']}: {row['category']} {_range(row)}, "
                     f"n = {row['n']}")  # fmt: skip
    for row in found["differences"]:
        gain = f"{100 * row['gain']:+.1f} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f}, 95 %, paired)"
        lines.append(f"{row['dataset']} {row['style']}: {row['model']} over {row['over']}: {gain}, n = {row['n']}")
    tables = dict.fromkeys(row["tables"] for row in found["scores"])
    return [*lines, f"tables: {', '.join(tables)}"]


def _remarks(row: dict[str, Any]) -> list[str]:
    sample = f"a sample of {row['n']} of {row['of']} rows" if row["of"] and row["n"] < row["of"] else "these rows"
    lines = [
        f"  {sample} cannot show a difference below {100 * row['smallest_difference']:.1f} points between two models"
    ]
    if row["published"] is not None:
        off = row["score"] - row["published"]
        lines.append(f"  published: {100 * row['published']:.1f} ({row['published_source']}), ours {100 * off:+.1f}")
        if abs(off) > FAR and row["decides"]:
            lines.append("  warning: more than 1.5 points from the published score: other rows, prompt or image size?")
    return lines


def _range(row: dict[str, Any]) -> str:
    return f"{100 * row['score']:.1f} ({100 * row['low']:.1f} – {100 * row['high']:.1f}, 95 %)"
