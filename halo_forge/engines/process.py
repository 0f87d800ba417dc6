"""A child process of our own, and a pipe to it.

The child is a fresh interpreter (never a fork: a fork of a process that has used CUDA is broken) in a session of
its own, so that one signal ends it with whatever it has started. It watches its parent and ends when that is gone,
also after kill -9, so no child is left holding an accelerator's memory.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any, NoReturn

_CODE = "import sys; sys.path[:] = {path!r}; from halo_forge.engines.process import serve; serve({fd}, {job!r}, {me})"
_WATCH_S = 0.5


class Gone(Exception):
    """The child ended, or was ended, before it had answered."""


class Child:
    """A process that runs `job` ("module:function", called with its end of the pipe)."""

    def __init__(self, job: str, log: IO[bytes] | None = None, env: Mapping[str, str] | None = None) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        code = _CODE.format(path=sys.path, fd=theirs.fileno(), job=job, me=os.getpid())
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            pass_fds=[theirs.fileno()],
            env=dict(os.environ if env is None else env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        theirs.close()

    @property
    def pid(self) -> int:
        """Process id, which is also that of its group."""
        return self.process.pid

    def send(self, message: Any) -> None:
        """Raises Gone when nobody is there to read."""
        try:
            self.pipe.send(message)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Gone(self._ended()) from error

    def receive(self, timeout: float | None = None) -> Any:
        """The next message. Raises Gone when the child ended, TimeoutError after `timeout` seconds without one."""
        try:
            if not self.pipe.poll(timeout):
                raise TimeoutError(f"no word from process {self.pid} for {timeout:.0f} s")
            return self.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise Gone(self._ended()) from error

    def _ended(self) -> str:
        """How the child ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        code = self.process.returncode
        if code is None:
            return "it closed its pipe"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def stop(self, grace: float = 20.0, rest: float = 8.0) -> None:
        """End it and all that it started: SIGTERM, and after `grace` seconds SIGKILL; the others of its group have
        `rest` seconds to notice and put away the memory that they share."""
        self.pipe.close()
        if self.process.poll() is None and grace:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)
        self.process.kill()
        self.process.wait()
        self._empty(rest)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._empty(5.0)  # the kernel takes a moment to give memory back

    def _empty(self, seconds: float) -> None:
        """Wait until nobody is left in its group, at most `seconds`."""
        end = time.monotonic() + seconds
        while members(self.pid) and time.monotonic() < end:
            time.sleep(0.02)


def members(group: int) -> list[int]:
    """Process ids of a process group that still run (Linux; elsewhere none)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        if int(fields[2]) == group and fields[0] not in "ZX":
            found.append(int(stat.parent.name))
    return found


def serve(fd: int, job: str, parent: int) -> NoReturn:
    """What the child runs: `job` with its end of the pipe. SIGTERM unwinds it like Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    module, _, name = job.partition(":")
    pipe = Connection(fd)
    code = 0
    try:
        getattr(importlib.import_module(module), name)(pipe)
    except (KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        code = 130  # the parent has had enough, or is gone
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking large libraries down piece by piece takes seconds and frees nothing that this does not


def _interrupt(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _follow(parent: int) -> None:
    """End this process and its group when `parent` is gone."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os.killpg(0, signal.SIGKILL)
