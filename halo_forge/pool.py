"""Parts of a row stage, made here or in several processes; whoever writes them gets them in order either way.

A worker is a fresh interpreter, never a fork. It loads its own state, because what a stage loads need not pickle
(a verifier of the user's own), and finds the stage's functions by their names. Ctrl-C reaches the parent alone,
which ends its workers; they also end when it is killed.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

import pyarrow as pa

from halo_forge.errors import UserError
from halo_forge.stage import Stage, Tables
from halo_forge.table import Table

MOST = 16
"""Workers where nobody asks for more: a part is some thousand rows, and each worker takes 150 MB."""
POOL_ROWS = 16_384
"""With fewer rows nobody gets workers unasked: they take a second to start."""
Part = tuple[int, int, int]
"""Number, first row and last row (exclusive) of a part."""


@dataclass(frozen=True)
class Rows:
    """The input rows of a stage: a table, or those at `chosen` positions of it."""

    table: Table
    chosen: Any = None

    @property
    def count(self) -> int:
        """How many there are."""
        return self.table.rows if self.chosen is None else len(self.chosen)

    def slice(self, start: int, stop: int) -> pa.Table:
        """Rows `start` to `stop` (exclusive) of them."""
        return self.table.slice(start, stop) if self.chosen is None else self.table.take(self.chosen[start:stop])


@dataclass
class Work:
    """What it takes to make any part of a stage's result. `loaded` is the stage's state, None before it is made."""

    name: str
    fn: Callable[..., pa.Table]
    load: Callable[[Any], Any]
    gather: Callable[[pa.Table, Tables], dict[str, pa.Table]]
    config: Any
    rows: Rows
    inputs: Tables
    loaded: Any = None

    def state(self) -> Any:
        """What the stage's `load` makes, made once."""
        self.loaded = self.load(self.config) if self.loaded is None else self.loaded
        return self.loaded

    def of(self, batch: pa.Table) -> pa.Table:
        """What the stage makes of a batch of its rows. Loads nothing for no rows."""
        state = self.state() if batch.num_rows else self.loaded
        return self.fn(batch, self.config, state, **self.gather(batch, self.inputs))

    def part(self, start: int, stop: int) -> pa.Table:
        """What the stage makes of rows `start` to `stop` (exclusive)."""
        return self.of(self.rows.slice(start, stop))

    def each(self, wanted: Sequence[Part], processes: int) -> Generator[pa.Table, None, None]:
        """The parts `wanted`, in order. Close it when leaving early: that ends its workers.

        Raises UserError when a worker ends before it is done.
        """
        if processes < 2:
            return (self.part(start, stop) for _, start, stop in wanted)
        return _spread(self, wanted, processes)


def processes(stage: Stage, config: Any, rows: int, parts: int) -> int:
    """In how many processes `parts` parts with `rows` rows are made: as many as the stage asks for, or where it
    leaves that open (0) one for each core once there are rows enough; one where a fresh interpreter cannot find
    the stage's functions."""
    asked = stage.processes(config)
    if asked < 0:
        raise UserError(f"--processes takes a number from 0 (one per core) up, not {asked}")
    if any(fn.__module__ == "__main__" or "<" in fn.__qualname__ for fn in (stage.fn, stage.load, stage.gather)):
        return 1
    if not asked:
        asked = min(_cores(), MOST) if rows >= POOL_ROWS else 1
    return min(asked, parts)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _spread(work: Work, wanted: Sequence[Part], processes: int) -> Generator[pa.Table, None, None]:
    """The parts from `processes` workers, in order."""
    from halo_forge.engines.process import Child, Gone

    children: list[Child] = []
    try:
        for _ in range(processes):
            children.append(Child("halo_forge.pool:serve"))
            children[-1].send(work)
        yield from _in_order(children, wanted)
    except Gone as error:
        raise UserError(
            f"{work.name}: one of its {processes} processes ended before it was done ({error}); if it was killed "
            f"for memory, give --processes 1 to stages/{work.name}.py; the same command continues"
        ) from error
    finally:
        for child in children:
            child.stop(grace=0)


def _in_order(children: Sequence[Any], wanted: Sequence[Part]) -> Generator[pa.Table, None, None]:
    """Hand out the parts as children get free, at most two for each beyond the one that is waited for."""
    idle, busy = list(children), {}
    made: dict[int, pa.Table] = {}
    sent = 0
    for place in range(len(wanted)):
        while True:
            while idle and sent < min(len(wanted), place + 2 * len(children)):
                child = idle.pop(0)
                child.send((sent, *wanted[sent][1:]))
                busy[child.pipe] = child
                sent += 1
            if place in made:
                break
            for pipe in wait(list(busy)):
                child = busy.pop(pipe)
                done, table = _answer(child.receive())
                made[done] = table
                idle.append(child)
        yield made.pop(place)


def _answer(message: tuple[str, Any, Any]) -> tuple[int, pa.Table]:
    """(place, part) of a worker's message. Raises what it met instead."""
    kind, place, value = message
    if kind == "made":
        return place, value
    raise UserError(value) if kind == "refused" else RuntimeError(f"in a process of its own:\n{value}")


def serve(pipe: Connection) -> None:
    """What a worker does: parts, until nobody asks for more."""
    work: Work = pipe.recv()
    while True:
        place, start, stop = pipe.recv()
        try:
            pipe.send(("made", place, work.part(start, stop)))
        except UserError as error:
            pipe.send(("refused", place, str(error)))
        except Exception:
            pipe.send(("failed", place, traceback.format_exc()))
