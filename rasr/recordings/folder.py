"""Files of a folder by their keys, and no way out of it.

obstore's own store of a folder follows symbolic links wherever they lead. Here each part of a key
is opened within the one before, and no link is followed, so that nobody who writes into the folder
meanwhile gains anything either.
"""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from rasr.recordings.spool import RecordingFile

_READ_AT_ONCE = 256 << 10
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


async def copy_of(root: Path, parts: tuple[str, ...], into: RecordingFile) -> None:
    """Copy a file of the folder.

    Raises:
        OSError: there is none, or it is none that may be read.
        RecordingFault: it is too large.
    """
    # Whoever waits for a pipe or a device would wait for ever.
    handle = await asyncio.to_thread(_open, root, parts)
    with os.fdopen(handle, "rb", buffering=0) as file:
        into.expect(os.fstat(handle).st_size)
        while chunk := await asyncio.to_thread(file.read, _READ_AT_ONCE):
            await into.write(chunk)
    await into.flush()


def _open(root: Path, parts: tuple[str, ...]) -> int:
    *folders, name = parts
    within = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            below = os.open(folder, _FLAGS | os.O_DIRECTORY, dir_fd=within)
            os.close(within)
            within = below
        handle = os.open(name, _FLAGS | os.O_NONBLOCK, dir_fd=within)
    finally:
        os.close(within)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(name)
    return handle
