"""vlm report: a run as a page."""

from __future__ import annotations

from halo_forge.cli.words import wants_help


def report(words: list[str]) -> int:
    """One run as one HTML file."""
    from halo_forge.cli import flags
    from halo_forge.cli.tables import named
    from halo_forge.report import page

    if wants_help(words):
        doc = "One run as one HTML file that needs no network: did it get better, why, and what it said."
        print(flags.usage(page.Config, "halo-forge vlm report RUN", doc))
        return 0
    return page.run(flags.parse(page.Config, named(words, ("run",))))
