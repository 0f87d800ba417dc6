"""A training in several processes of one machine, each with its share of the rows of every step.

Each runs accelerate's distributed mode as `accelerate launch` would start it, over NCCL on GPUs and gloo on CPUs.
The rows of a step are those that one process would take, in the same order; only their sums are rounded in
another order, and with dropout other entries are dropped.
"""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

from halo_forge.engines.process import Child, Gone
from halo_forge.errors import UserError
from halo_forge.training.session import Job, Learned, learn

Say = Callable[[str], None]


def learn_together(job: Job, tell: Say) -> Learned | None:
    """`learn` in `job.run.processes` processes; None where memory ran out in one. Raises UserError."""
    count = job.run.processes
    common = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    common |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    children: list[Child] = []
    try:
        for rank in range(count):
            env = {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)}
            children.append(Child("halo_forge.training.workers:serve", env=env))
        for child in children:
            child.send(job)
        return outcome(children, tell)
    except Gone as error:
        raise UserError(
            f"train: one of its {count} processes ended before it was done ({error}); if it was killed for memory, "
            "make --micro-batch-size smaller; the same command continues"
        ) from error
    finally:
        for child in children:  # the others may wait for one that is gone, where no signal reaches them
            child.stop(grace=0)


def outcome(children: list[Child], tell: Say) -> Learned | None:
    """What the first process learned, once all are done; None where memory ran out in one. Raises UserError, Gone for
    one that ended without a word, RuntimeError with the traceback of one that failed otherwise."""
    made: dict[int, Learned] = {}
    pipes = {child.pipe: rank for rank, child in enumerate(children)}
    while len(made) < len(children):
        failures: dict[str, str] = {}
        for pipe in wait([pipe for pipe, rank in pipes.items() if rank not in made]):
            assert isinstance(pipe, Connection)
            kind, value = children[pipes[pipe]].receive()
            if kind == "line":
                tell(value)
            elif kind == "made":
                made[pipes[pipe]] = value
            else:
                failures[kind] = value
        if "memory" in failures:  # what the others say then is that they lost each other
            return None
        if "refused" in failures:
            raise UserError(failures["refused"])
        if failures:
            raise RuntimeError(f"in one of the processes of training:\n{failures['raised']}")
    return made[0]


def serve(pipe: Connection) -> None:
    """What each process does."""
    from halo_forge.training.loop import out_of_memory

    job: Job = pipe.recv()
    rank = int(os.environ["RANK"])

    def tell(line: str) -> None:
        if rank == 0:
            pipe.send(("line", line))

    try:
        job = replace(job, run=replace(job.run, device=device_of(job.run.device, rank)))
        answer: tuple[str, Any] = ("made", learn(job, tell))
    except UserError as error:
        answer = ("refused", str(error))
    except Exception as error:
        answer = ("memory" if out_of_memory(error) else "raised", traceback.format_exc())
    pipe.send(answer)


def device_of(device: str, rank: int) -> str:
    """The device of one process: accelerators in order, or the CPU. Raises UserError where there are too few."""
    import torch

    from halo_forge.models.load import pick_device

    kind = pick_device(device)
    if kind == "cpu":
        return kind
    count = getattr(torch, kind).device_count()
    if rank >= count:
        raise UserError(f"--num-processes {rank + 1} or more, but there are {count} devices of kind {kind}")
    getattr(torch, kind).set_device(rank)
    return f"{kind}:{rank}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
