"""vlm export: rows of a run for other programs."""

from __future__ import annotations

from halo_forge.cli.words import configured


def export(words: list[str]) -> int:
    """Rows and images for another trainer."""
    from halo_forge.vlm.export import Config, run

    doc = "Kept rows, all rollouts, or right/wrong pairs of a cycle for another trainer, images included."
    return configured(words, Config, run, "export RUN", doc, "run")
