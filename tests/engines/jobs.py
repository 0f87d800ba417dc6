"""What the children of test_process do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from multiprocessing.connection import Connection


def echo(pipe: Connection) -> None:
    """Say back what is said, with where it was said."""
    while True:
        pipe.send((os.getpid(), pipe.recv()))


def leave_behind(pipe: Connection) -> None:
    """Start a process that would outlive this one, and say which."""
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pipe.send(started.pid)
    time.sleep(600)


def fail(pipe: Connection) -> None:
    """End with an exception."""
    raise ValueError("no more")


def tidy(pipe: Connection) -> None:
    """Write a file on the way out."""
    path = pipe.recv()
    try:
        pipe.send("here")
        time.sleep(600)
    finally:
        with open(path, "w") as file:
            file.write("tidy")
