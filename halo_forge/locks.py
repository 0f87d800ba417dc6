"""One writer per table: a lock on the table's folder that goes with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

from halo_forge.errors import UserError
from halo_forge.files import reason


class Lock:
    """A held lock, let go of when the last reference to it goes."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        weakref.finalize(self, os.close, handle)

    def holds(self, file: Path) -> bool:
        """Whether the lock is on what now has the name `file`: the folder may have been replaced."""
        try:
            there = os.stat(file)
        except OSError:
            return False
        mine = os.fstat(self._handle)
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


_held: weakref.WeakValueDictionary[Path, Lock] = weakref.WeakValueDictionary()
"""Locks of this process by file: a stage that is run again after an exception must not wait for itself."""


def hold(folder: Path) -> Lock:
    """The lock of the table at `folder`. Raises UserError when another process has it."""
    file = folder.resolve() / ".lock"
    while True:
        mine = _held.get(file)
        if mine is not None and mine.holds(file):
            return mine
        lock = _take(folder, file)
        if lock.holds(file):  # else another process has just replaced the folder
            _held[file] = lock
            return lock


def _take(folder: Path, file: Path) -> Lock:
    try:
        lock = Lock(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
    except OSError as exc:
        raise UserError(f"cannot write to {folder}: {reason(exc)}") from exc
    try:
        fcntl.flock(lock._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise UserError(f"another process is writing {folder}: wait for it or give another --output") from exc
    except OSError:
        pass  # a file system without locks, such as some network mounts: there the user keeps to one writer
    return lock
