"""vlm check and doctor."""

from __future__ import annotations

import sys

from halo_forge.cli.words import wants_help
from halo_forge.errors import UserError


def check(words: list[str]) -> int:
    """Digests and invariants of a run."""
    from halo_forge.vlm import check as checks

    if wants_help(words) or len(words) != 1 or words[0].startswith("--"):
        print("usage: halo-forge vlm check RUN", file=sys.stdout if wants_help(words) else sys.stderr)
        return 0 if wants_help(words) else 2
    for line in checks.check(words[0]):
        print(line)
    return 0


def doctor(words: list[str]) -> int:
    """What this machine has."""
    from halo_forge import doctor

    if wants_help(words):
        print("usage: halo-forge vlm doctor [--json]")
        return 0
    unknown = [word for word in words if word != "--json"]
    if unknown:
        raise UserError(f"vlm doctor takes --json only, not '{unknown[0]}'")
    return doctor.main("--json" in words)
