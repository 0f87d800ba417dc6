"""The command line. Only routing and flags here: what a command needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from halo_forge.errors import UserError


def guard(fn: Callable[[], int]) -> int:
    """Run `fn`; a UserError is one line and exit code 2, Ctrl-C one line and 130."""
    try:
        return fn()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped: run the same command again to continue where it was", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0  # the reader of a pipe left early, as `head` does
    except OSError as error:
        from halo_forge.files import CLOSED, FULL, reason

        if error.errno not in FULL | CLOSED:
            raise
        print(f"error: {error.filename or 'cannot write'}: {reason(error)}", file=sys.stderr)
        return 2


def stage_main(config: type, run: Callable[[Any], Any], argv: list[str] | None, prog: str, doc: str = "") -> int:
    """The command line of one stage: flags from its config, then `run`."""
    from halo_forge.cli import flags

    words = sys.argv[1:] if argv is None else argv

    def go() -> int:
        if {"-h", "--help"} & set(words):
            print(flags.usage(config, prog, doc))
            return 0
        made = run(flags.parse(config, words))
        print(f"{made.path}: {made.rows} rows")
        return 0

    return guard(go)


def main(argv: list[str] | None = None) -> int:
    """Entry point of `halo-forge`."""
    from halo_forge.cli import commands

    words = sys.argv[1:] if argv is None else argv
    return guard(lambda: commands.dispatch(words))
