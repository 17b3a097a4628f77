"""Where recordings lie while they are needed: a folder for each, which nobody else may read.

A folder is locked (flock) by the process that needs it. The lock is gone with its process, however
that ends, and whoever comes next removes what nobody holds.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from rasr.configuration.folders import cache_folder
from rasr.configuration.locking import lock_in_place
from rasr.recordings.faults import RecordingFault
from rasr.wire.sis.errors import ErrorCode

_log = structlog.get_logger("rasr.recordings")

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_TRIES = 100
_WRITTEN_AT_ONCE = 256 << 10
"""Bytes that are kept until they are worth a turn of a thread."""
HEAD_BYTES = 512
"""So many from the start are remembered, to tell what this is."""


class SpoolRefused(Exception):
    """The folder cannot be used; the text is for whoever runs the server."""


class Spool:
    """The folder of all recordings."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            SpoolRefused: it cannot be made, or others may read or change it.
        """
        self.folder = folder
        try:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            found = folder.lstat()
        except OSError as error:
            raise SpoolRefused(
                f"recordings.folder: {folder} cannot be made: {error.strerror}"
            ) from error
        # In a place as /dev/shm others may have put it there before us.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise SpoolRefused(f"recordings.folder: {folder} is not a folder of this user")
        if found.st_mode & _OTHERS:
            raise SpoolRefused(
                f"recordings.folder: {folder} is open to other users (mode "
                f"{found.st_mode & 0o777:o}); chmod 700 {folder}, or name another one, which is "
                "then made"
            )

    @classmethod
    def of(cls, folder: str, environ: Mapping[str, str]) -> Self:
        """The folder of the setting `recordings.folder`, swept: for whoever begins to work.

        Raises:
            SpoolRefused: it cannot be used.
        """
        named = Path(folder) if folder else cache_folder(environ) / "recordings"
        if not named.is_absolute():
            raise SpoolRefused(f"recordings.folder is {folder!r}; needed: an absolute path")
        spool = cls(named)
        spool.sweep()
        return spool

    def sweep(self) -> int:
        """Remove what a process that is gone has left. Returns how many folders it were."""
        removed = 0
        for one in self.folder.iterdir():
            try:
                handle = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except OSError:
                continue  # nothing of ours, or just removed
            try:
                if lock_in_place(handle, one):
                    shutil.rmtree(one)
                    removed += 1
            except BlockingIOError:
                pass  # somebody needs it
            except OSError as error:
                _log.warning("recordings_not_removed", folder=one.name, reason=error.strerror)
            finally:
                os.close(handle)
        return removed

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Path]:
        """A folder of its own, mode 0700, gone with all in it at the end.

        Raises:
            RecordingFault: it cannot be made.
        """
        try:
            folder, handle = self._make()
        except OSError as error:
            raise _no_room(error) from error
        try:
            yield folder
        finally:
            # Gone also where the one who waits is cancelled once more.
            await asyncio.shield(asyncio.to_thread(_remove, folder, handle))

    def _make(self) -> tuple[Path, int]:
        for _ in range(_TRIES):
            folder = self.folder / secrets.token_hex(8)
            folder.mkdir(mode=_FOLDER_MODE)
            # Between these steps a sweep of another server may take it for one that nobody holds.
            try:
                handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except FileNotFoundError:
                continue
            try:
                if lock_in_place(handle, folder):
                    return folder, handle
            except BlockingIOError:
                pass
            os.close(handle)
        raise BlockingIOError(errno.EAGAIN, "others sweep it without end")


def _remove(folder: Path, handle: int) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        _log.warning("recordings_not_removed", folder=folder.name, reason=error.strerror)
    finally:
        os.close(handle)


class RecordingFile:
    """A recording that comes bit by bit, into a file of mode 0600 and of bounded size."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        self.most_bytes = most_bytes
        self.size = 0
        self.head = b""
        """Its first bytes."""
        self._waiting = bytearray()
        self._handle = -1

    async def __aenter__(self) -> Self:
        flags = os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_NOFOLLOW
        try:
            self._handle = os.open(self.path, flags, _FILE_MODE)
        except OSError as error:
            raise _no_room(error) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)

    def expect(self, size: int) -> None:
        """Refuse a recording of this size before it comes.

        Raises:
            RecordingFault: it is too large.
        """
        if size > self.most_bytes:
            raise RecordingFault(
                ErrorCode.FILE_TOO_LARGE,
                f"the recording has {size} bytes; allowed: {self.most_bytes} at most",
            )

    async def write(self, chunk: bytes) -> None:
        """Add what came.

        Raises:
            RecordingFault: it is more than allowed, or cannot be written.
        """
        if self.size + len(chunk) > self.most_bytes:
            raise RecordingFault(
                ErrorCode.FILE_TOO_LARGE,
                f"the recording has more than {self.most_bytes} bytes, which are allowed at most",
            )
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        self.size += len(chunk)
        self._waiting += chunk
        if len(self._waiting) >= _WRITTEN_AT_ONCE:
            await self.flush()

    async def flush(self) -> None:
        """Write what waits.

        Raises:
            RecordingFault: it cannot be written.
        """
        waiting, self._waiting = self._waiting, bytearray()
        if waiting:
            await self._in_thread(waiting, self.size - len(waiting))

    async def begin_anew(self) -> None:
        """Forget what came.

        Raises:
            RecordingFault: it cannot be done.
        """
        self._waiting = bytearray()
        self.size = 0
        self.head = b""
        try:
            os.ftruncate(self._handle, 0)
        except OSError as error:
            raise _no_room(error) from error

    async def _in_thread(self, content: bytearray, at: int) -> None:
        # The handle is another one, as a thread goes on when who waits for it is cancelled.
        handle = os.dup(self._handle)
        try:
            await asyncio.shield(asyncio.to_thread(_write, handle, content, at))
        except OSError as error:
            raise _no_room(error) from error


def _write(handle: int, content: bytearray, at: int) -> None:
    try:
        view = memoryview(content)
        while view:
            written = os.pwrite(handle, view, at)
            at += written
            view = view[written:]
    finally:
        os.close(handle)


def _no_room(error: OSError) -> RecordingFault:
    _log.error("recordings_folder_unusable", reason=error.strerror)
    return RecordingFault(
        ErrorCode.INTERNAL,
        "the server has no room for the recording now; whoever runs it finds the reason in its log",
        may_pass=True,
    )
