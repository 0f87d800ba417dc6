"""Sampling further, as a run sees it: what it cost a cycle and found, and a run that began without it or goes on so."""

from __future__ import annotations

from pathlib import Path

from halo_forge import sql
from halo_forge.files import read_json
from halo_forge.parts import BEGUN
from halo_forge.progress import Progress
from halo_forge.store import Table, discard
from halo_forge.vlm.recipes import Recipes
from halo_forge.vlm.run_dir import FURTHER, SAMPLED, Position, position
from halo_forge.vlm.steps import Step


def show(recipes: Recipes, cycle: int, progress: Progress) -> None:
    """Tell what sampling further cost in a cycle, and what it found."""
    place = recipes.dir.table
    tables: dict[str, sql.Source] = {name: Table(place(f"more/{name}", cycle), name) for name in SAMPLED[::2]}
    row = sql.query(sql.text("sft/budget"), {"more": Table(place("more", cycle), "more"), **tables}).to_pylist()[0]
    if not row["asked"]:
        progress.note(f"more: none of {row['prompts']} prompts is worth further samples")
        return
    progress.note(
        f"more: {row['each']} further samples of {row['asked']} of {row['prompts']} prompts: {row['completions']} "
        f"completions, {row['tokens']} tokens, {row['right_ones']} right; {row['solved']} of {row['unsolved']} prompts "
        "without a right completion have one now"
    )


def too_late(step: Step, recipes: Recipes) -> str:
    """What has changed where a cycle that was filtered without further samples is to get them; else nothing."""
    if step.name != "more" or (Path(recipes.dir.table("more", step.cycle)) / BEGUN).exists():
        return ""
    begun = read_json(Path(recipes.dir.table("sft", step.cycle)) / BEGUN)
    return f"samples_max: 0 -> {recipes.config.samples_max}" if begun else ""


def open_in(step: Step, recipes: Recipes) -> bool:
    """Whether a step depends on a choice that has not been made yet."""
    chosen = Table(recipes.dir.table("more", step.cycle), "more")
    return step.name in FURTHER[1:] and chosen.record is None


def asked(recipes: Recipes, cycle: int) -> int:
    """Prompts that are sampled further in a cycle whose choice is made."""
    rows = Table(recipes.dir.table("more", cycle), "more").read(["asked"])["asked"].to_pylist()
    return sum(count > 0 for count in rows)


def beside(step: Step, recipes: Recipes) -> Position:
    """Where a rerun that is kept beside the first one begins, when `step` is the first that differs: without further
    samples it shares none."""
    return position("more", step.cycle) if step.name == "filter" and not recipes.further else step.position


def throw_away(recipes: Recipes, cycle: int) -> None:
    """Remove what was sampled further in a cycle."""
    for name in (*(f"more/{table}" for table in SAMPLED), "more"):
        discard(recipes.dir.table(name, cycle))
