"""Progress of a run in plain lines: one when a stage starts, one now and then, one when it ends."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

EVERY_SECONDS = 15.0


@dataclass
class Progress:
    """Writes progress lines to standard error, or nothing when `quiet`."""

    quiet: bool = False
    prefix: str = ""

    def note(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            print(f"{self.prefix}{text}", file=sys.stderr, flush=True)

    def under(self, prefix: str) -> Progress:
        """The same progress with every line marked, for example with the cycle."""
        return Progress(self.quiet, prefix)

    @contextlib.contextmanager
    def stage(self, name: str, total: int, unit: str = "rows") -> Iterator[Callable[[int, int], None]]:
        """Report a stage of `total` rows; call the yielded function with rows and tokens just done."""
        began = last = time.time()
        done = tokens = 0

        def rate(seconds: float) -> str:
            text = f"{done / max(seconds, 1e-6):.0f} {unit}/s"
            return text + (f", {tokens / max(seconds, 1e-6):.0f} tokens/s" if tokens else "")

        def tick(rows: int, more_tokens: int = 0) -> None:
            nonlocal done, tokens, last
            done, tokens = done + rows, tokens + more_tokens
            now = time.time()
            if now - last >= EVERY_SECONDS and done < total:
                last = now
                left = (now - began) / max(done, 1) * (total - done)
                self.note(f"{name}: {done}/{total} {unit}, {rate(now - began)}, {left:.0f} s left")

        yield tick
        self.note(f"{name}: {done} {unit} in {time.time() - began:.1f} s ({rate(time.time() - began)})")
