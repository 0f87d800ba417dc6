"""vlm report: a run as a page."""

from __future__ import annotations

from halo_forge.cli.words import configured


def report(words: list[str]) -> int:
    """One run as one HTML file."""
    from halo_forge.report.page import Config, run

    doc = "One run as one HTML file that needs no network: did it get better, why, and what it said."
    return configured(words, Config, run, "report RUN", doc, "run")
