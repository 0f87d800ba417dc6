"""vlm export and push: what a run gives to others."""

from __future__ import annotations

from halo_forge.cli.words import configured


def export(words: list[str]) -> int:
    """Rows and images for another trainer."""
    from halo_forge.vlm.export import Config, run

    doc = "Kept rows, all rollouts, or right/wrong pairs of a cycle for another trainer, images included."
    return configured(words, Config, run, "export RUN", doc, "run")


def push(words: list[str]) -> int:
    """A model on the hub."""
    from halo_forge.vlm.push import Config, run

    doc = "The best model of a run, or that of a cycle, on the Hugging Face hub, with a card of the run's own numbers."
    return configured(words, Config, run, "push RUN --to OWNER/NAME", doc, "run")
