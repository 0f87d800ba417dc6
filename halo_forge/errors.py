"""Errors meant for a person: one line that says what happened, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can mend. Printed as one line, exit code 2, never with a traceback."""


def nearest(word: str, options: Iterable[str]) -> str:
    """A clause naming the option nearest to `word`, or all of them when none is near.

    Returns text to put behind an error, such as "did you mean 'textvqa'?".
    """
    known = sorted(options)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.55)
    return f"did you mean '{near[0]}'?" if near else f"choose from: {', '.join(known)}"
