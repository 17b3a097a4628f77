"""Files and folders that nobody else on the machine may read."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from rasr.store.errors import StoreRefused

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private_folder(folder: Path) -> None:
    """Make a folder of mode 0700, or see that the one that is there is for its owner only.

    Raises:
        StoreRefused: it is not, or cannot be made.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise StoreRefused(f"the folder {folder} cannot be made: {error.strerror}") from error
    if mode & _OTHERS:
        raise StoreRefused(
            f"the folder {folder} of the store is open to other users (mode {mode & 0o777:o}); "
            f"chmod 700 {folder}, or name a file in a folder of its own in store.url, which is "
            "then made"
        )


def check_private(file: Path) -> None:
    """See that a file is for its owner only.

    Raises:
        StoreRefused: it is not.
        OSError: it is not there.
    """
    mode = file.stat().st_mode
    if mode & _OTHERS:
        raise StoreRefused(
            f"{file} is open to other users (mode {mode & 0o777:o}); chmod 600 {file}"
        )


def write_private(file: Path, content: bytes, *, replace: bool = True) -> None:
    """Put a whole file of mode 0600 in its place at once.

    Args:
        replace: False to leave one that is there already as it is.

    Raises:
        OSError: it cannot be written.
    """
    fresh = make_private_file(new_name(file))
    try:
        fresh.write_bytes(content)
        put_in_place(fresh, file, replace=replace)
    finally:
        fresh.unlink(missing_ok=True)


def put_in_place(fresh: Path, file: Path, *, replace: bool) -> None:
    """Let a file that is written take the place of `file`, once it is on the disk.

    Args:
        replace: False to leave one that is there already as it is.

    Raises:
        OSError: it cannot be done.
    """
    with fresh.open("rb") as written:
        os.fsync(written.fileno())
    if replace:
        fresh.replace(file)
    else:
        with suppress(FileExistsError):
            os.link(fresh, file)


def make_private_file(file: Path) -> Path:
    """Make an empty file of mode 0600.

    Raises:
        FileExistsError: it is there.
    """
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _FILE_MODE))
    return file


def new_name(file: Path) -> Path:
    """The name of a file beside `file`, for what is to take its place."""
    return file.with_name(f"{file.name}.{secrets.token_hex(4)}.new")
