"""Lines of a process that outlive it: appended to a file at once, read and taken off it later.

A process has two files, each locked while it lives: lines are appended to one while those of the
other are taken to where they belong; then the two change places. Whoever finds a file that nobody
holds has found the lines of a process that is gone, and takes them up.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".journal"
_CHUNK_BYTES = 64 << 10
_TRIES = 8


class Segment:
    """One file, which is locked while it is open. A line of it is whole or was never appended."""

    def __init__(self, path: Path, handle: int) -> None:
        """
        Args:
            handle: of the open and locked file, whose owner this is from now on.
        """
        self.path = path
        self._handle = handle
        self.size = os.fstat(handle).st_size
        """Bytes of whole lines, and of what others have left."""
        self.taken = 0
        """Bytes whose lines are where they belong: for whoever takes them there."""

    def append(self, line: bytes) -> bool:
        """Add a line, if there is room for all of it. One call of the system, without a wait.

        Args:
            line: without an end of line in it.
        """
        # The end of line before it keeps it apart from what may be left of a line that is torn.
        data = b"\n" + line + b"\n"
        try:
            written = os.write(self._handle, data)
        except OSError:
            return False
        if written < len(data):
            with suppress(OSError):
                os.ftruncate(self._handle, self.size)
            return False
        self.size += written
        return True

    def sync(self) -> None:
        """Wait until what was appended is on the disk.

        Raises:
            OSError: the disk does not take it.
        """
        os.fdatasync(self._handle)

    def read(self) -> tuple[list[bytes], int]:
        """Some lines behind those that were taken, and how far they reach; no further at the end.

        A line that was torn is one too.

        Raises:
            OSError: the disk does not give them.
        """
        wanted = _CHUNK_BYTES
        while True:
            data = os.pread(self._handle, wanted, self.taken)
            whole = data.rfind(b"\n") + 1
            if whole or len(data) < wanted:
                # What has no end is the last line of a process that was killed.
                used = data[:whole] if whole else data
                return [line for line in used.split(b"\n") if line], self.taken + len(used)
            wanted *= 2

    def clear(self) -> None:
        """Take all lines off it.

        Raises:
            OSError: the file system refuses it.
        """
        os.ftruncate(self._handle, 0)
        self.size = self.taken = 0

    def close(self, *, remove: bool) -> None:
        """Let go of it.

        Args:
            remove: delete the file.
        """
        if remove:
            # Before the lock goes: nobody else can have taken it up.
            self.path.unlink(missing_ok=True)
        os.close(self._handle)


class Journal:
    """The lines of one process. `append` and `turn` are for its event loop; the rest does I/O that
    may take its time."""

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: of the journals of all processes that bring their lines to the same place; it is
                made when it is needed.
        """
        self.folder = folder
        self._current: Segment | None = None
        self._other: Segment | None = None

    def open(self) -> None:
        """Make the files, unless they are there.

        Raises:
            OSError: they cannot be made.
        """
        if self._current is not None:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._other = self._other or _make_segment(self.folder)
        self._current = _make_segment(self.folder)

    def append(self, line: bytes) -> bool:
        """Keep a line. False where it cannot be kept now: there is no room, or no file."""
        return self._current is not None and self._current.append(line)

    def sync(self) -> None:
        """Wait until the lines are on the disk.

        Raises:
            OSError: the disk does not take them.
        """
        # Meanwhile the two may change places.
        current = self._current
        if current is not None and current.size:
            current.sync()

    def turn(self) -> Segment | None:
        """The file with the lines so far, to be cleared; None where there are none. New ones go to
        the other file, so a second turn gives the same lines until that is done."""
        if self._other is not None and self._other.size:
            return self._other
        if self._current is None or not self._current.size:
            return None
        self._current, self._other = self._other, self._current
        return self._other

    def abandoned(self) -> list[Segment]:
        """The files of processes that are gone.

        Raises:
            OSError: the folder cannot be read.
        """
        if not self.folder.is_dir():
            return []
        found = (_take_up(path) for path in sorted(self.folder.glob(f"*{_SUFFIX}")))
        return [segment for segment in found if segment is not None]

    def close(self) -> None:
        """Let go of the files; those with lines stay for whoever comes next."""
        for segment in (self._current, self._other):
            if segment is not None:
                segment.close(remove=not segment.size)
        self._current = self._other = None


def _make_segment(folder: Path) -> Segment:
    for _ in range(_TRIES):
        path = folder / f"{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL
        handle = os.open(path, flags, 0o600)
        # Somebody may have taken it for abandoned before it was locked.
        if _is_locked_in_place(handle, path):
            return Segment(path, handle)
        os.close(handle)
    raise BlockingIOError(f"others take every file that is made in {folder}")


def _take_up(path: Path) -> Segment | None:
    """A file that nobody holds; None where somebody does, or it is gone."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND)
    except OSError:
        return None
    if _is_locked_in_place(handle, path):
        return Segment(path, handle)
    os.close(handle)
    return None


def _is_locked_in_place(handle: int, path: Path) -> bool:
    """Lock a file. False where another process holds it, or has deleted it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False
