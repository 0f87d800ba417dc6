"""Progress of a run: a line when a stage ends, one now and then before, or all of it as JSON events.

On a terminal the line of a running stage is written over itself; elsewhere lines are plain and rare. As events each
thing that happens is one JSON object on a line of standard output: `event` (note, begin, progress, end, cycle,
warning, error, outcome), `text`, and the numbers that belong to it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

SELDOM, OFTEN = 15.0, 1.0
"""Seconds between two lines of a running stage: plain ones, and ones that are written over or read by a program."""
Tick = Callable[..., None]


@dataclass
class Progress:
    """Writes lines to standard error, nothing when `quiet`, or with `events` JSON to standard output."""

    quiet: bool = False
    prefix: str = ""
    events: bool = False
    live: bool = field(default_factory=lambda: sys.stderr.isatty())
    """Whether the lines go to a terminal."""
    heard: Callable[[], None] | None = None
    """Called after each event, also a quiet one: for who looks at a stage while it runs."""

    def note(self, text: str) -> None:
        """One line."""
        self.tell("note", text)

    def tell(self, event: str, text: str, **more: Any) -> None:
        """One event: `text` for a person, with `more` for a program."""
        text = f"{self.prefix}{text}"
        if self.events:
            print(json.dumps({"event": event, "text": text, **more}, ensure_ascii=False, default=str), flush=True)
        elif not self.quiet:
            self._write(text, over=event == "progress")
        if self.heard:
            self.heard()

    def _write(self, text: str, over: bool) -> None:
        if not self.live:
            print(text, file=sys.stderr, flush=True)
        elif over:
            print(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}", end="", file=sys.stderr, flush=True)
        else:
            print(f"\r\x1b[K{text}", file=sys.stderr, flush=True)

    def under(self, prefix: str) -> Progress:
        """The same progress with every line marked, for example with the cycle."""
        return Progress(self.quiet, prefix, self.events, self.live, self.heard)

    @contextlib.contextmanager
    def stage(self, name: str, total: int, unit: str = "rows") -> Iterator[Tick]:
        """Report a stage of `total` rows; call the yielded function with what was just done: rows, tokens, and of
        how many judged rows how many are right."""
        done = Done(name, total, unit)
        last = done.began
        if self.events:
            self.tell("begin", f"{name}: {total} {unit}", stage=name, total=total)

        def tick(rows: int, tokens: int = 0, right: int = 0, judged: int = 0) -> None:
            nonlocal last
            done.add(rows, tokens, right, judged)
            now = time.time()
            if now - last >= (OFTEN if self.live or self.events else SELDOM) and done.rows < total:
                last = now
                self.tell("progress", f"{done.so_far()}, {done.left():.0f} s left", **done.numbers(), left=done.left())

        yield tick
        self.tell("end", done.at_the_end(), **done.numbers())


@dataclass
class Done:
    """What a stage has done so far."""

    name: str
    total: int
    unit: str
    began: float = field(default_factory=time.time)
    rows: int = 0
    tokens: int = 0
    right: int = 0
    judged: int = 0

    def add(self, rows: int, tokens: int, right: int, judged: int) -> None:
        """Count a part."""
        self.rows, self.tokens = self.rows + rows, self.tokens + tokens
        self.right, self.judged = self.right + right, self.judged + judged

    @property
    def seconds(self) -> float:
        """Since the stage began."""
        return max(time.time() - self.began, 1e-6)

    def left(self) -> float:
        """Seconds to the end at this rate."""
        return self.seconds / max(self.rows, 1) * (self.total - self.rows)

    def rate(self) -> str:
        """Rows and tokens a second, and the share that is right."""
        text = f"{self.rows / self.seconds:.0f} {self.unit}/s"
        text += f", {self.tokens / self.seconds:.0f} tokens/s" if self.tokens else ""
        return text + (f", {100 * self.right / self.judged:.0f} % right" if self.judged else "")

    def so_far(self) -> str:
        """The line of a running stage."""
        return f"{self.name}: {self.rows}/{self.total} {self.unit}, {self.rate()}"

    def at_the_end(self) -> str:
        """Its last line."""
        return f"{self.name}: {self.rows} {self.unit} in {self.seconds:.1f} s ({self.rate()})"

    def numbers(self) -> dict[str, Any]:
        """The same for a program; `pass_rate` is null where nothing was judged."""
        return {
            "stage": self.name,
            "rows": self.rows,
            "total": self.total,
            "tokens": self.tokens,
            "seconds": round(self.seconds, 3),
            "pass_rate": self.right / self.judged if self.judged else None,
        }
