"""Locks of files and folders (flock): each is gone with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process or thread is in here for the same folder, which exists.

    For work that takes a moment.

    Raises:
        OSError: the folder cannot be opened.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def lock_in_place(handle: int, path: Path) -> bool:
    """Lock what is open, without waiting, until it is closed. False where it is not at its path any
    more: between open and lock whoever held it may have deleted it, and then the lock is worthless.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be locked.
    """
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
