"""vlm export: rows of a run for other programs."""

from __future__ import annotations

from halo_forge.cli.words import wants_help


def export(words: list[str]) -> int:
    """Rows and images for another trainer."""
    from halo_forge.cli import flags
    from halo_forge.cli.tables import named
    from halo_forge.vlm import export as exporting

    if wants_help(words):
        doc = "Kept rows, all rollouts, or right/wrong pairs of a cycle for another trainer, images included."
        print(flags.usage(exporting.Config, "halo-forge vlm export RUN", doc))
        return 0
    return exporting.run(flags.parse(exporting.Config, named(words, ("run",))))
