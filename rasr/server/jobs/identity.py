"""Which server this is, among those that work on jobs.

An id is a file that its process has locked (flock). The lock is gone with the process, however that
ends, so that the next one on this machine has the id again and goes on with what was left. Servers
on other machines notice that nothing is heard of it any more.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TRIES = 100


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """The id of this process, as long as it is held."""

    id: str
    _handle: int

    @classmethod
    def take(cls, folder: Path) -> Self:
        """An id that nobody holds: one that somebody has left, or a new one.

        Raises:
            OSError: there can be none.
        """
        for path in sorted(folder.iterdir()):
            taken = cls._locked(path)
            if taken is not None:
                return taken
        for _ in range(_TRIES):
            taken = cls._locked(folder / secrets.token_hex(16), os.O_CREAT)
            if taken is not None:
                return taken
        raise BlockingIOError("others take every new id")

    @classmethod
    def _locked(cls, path: Path, flags: int = 0) -> Self | None:
        try:
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | flags, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return cls(path.name, handle)

    def release(self) -> None:
        """Somebody else may have it."""
        os.close(self._handle)
