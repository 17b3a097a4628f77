"""A file that was fetched, or put there by hand, is the one that is wanted: size and digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from rasr.models.catalogue import Model
from rasr.models.download import Progress, Wanted, fetch
from rasr.models.errors import ArchiveRefused
from rasr.models.record import digest
from rasr.models.store import Store
from rasr.models.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Verified:
    """A file that was found to be the right one."""

    file: Path
    source: str
    """The address or the file that it came from."""
    sha256: str


def verify(store: Store, wanted: Wanted, key: str, file: Path, source: str) -> Verified:
    """The file, if its size and digest are those that are expected.

    Args:
        key: what the store remembers the digest of this file by, where none was known beforehand.

    Raises:
        ArchiveRefused: it is another one.
        OSError: it cannot be read.
    """
    size = file.stat().st_size
    if wanted.bytes is not None and size != wanted.bytes:
        raise ArchiveRefused(
            f"{source} has {size} bytes, {wanted.archive} has {wanted.bytes}; it is cut off or "
            "another file: fetch it anew"
        )
    sha256 = digest(file)
    known = store.known_digest(key)
    if wanted.sha256 is not None and sha256 != wanted.sha256:
        raise ArchiveRefused(
            f"{source} is not {wanted.archive}: its SHA-256 is {sha256}, the catalogue has "
            f"{wanted.sha256}; fetch it anew, from another address if it happens again"
        )
    if wanted.sha256 is None and known is not None and sha256 != known:
        raise ArchiveRefused(
            f"{source} has changed since {wanted.archive} was first installed here: its SHA-256 is "
            f"{sha256}, it was {known}; if you know why, delete that line from "
            f"{store.digests_file}"
        )
    return Verified(file, source, sha256)


def fetch_verified(
    store: Store, wanted: Wanted, key: str, workplace: Path, watcher: Watcher, progress: Progress
) -> Verified:
    """A file: put into the workplace by hand, left there by a pull that broke, or fetched.

    Args:
        key: as for `verify`.
        progress: is told of what is fetched.

    Raises:
        FetchFailed: with a line for each address.
        ArchiveRefused: what came is another file; it is deleted.
        OSError: the workplace cannot be written.
    """
    whole = workplace / wanted.archive
    if whole.is_file():
        watcher.stage("verifying")
        try:
            return verify(store, wanted, key, whole, str(whole))
        except ArchiveRefused:
            # The next pull shall fetch it.
            whole.unlink()
            raise
    # What is known of the whole vouches for the rest of a part.
    vouched = replace(wanted, sha256=wanted.sha256 or store.known_digest(key))
    for last in (False, True):
        watcher.stage("fetching")
        fetched = fetch(vouched, workplace, progress)
        watcher.stage("verifying")
        try:
            return verify(store, wanted, key, fetched.file, fetched.source)
        except ArchiveRefused:
            fetched.file.unlink()
            # The fault may be in the part that was there before: that one is gone now.
            if last or not fetched.resumed:
                raise
    raise AssertionError("the second attempt returns or raises")


def sorted_out(model: Model, by_hand: Sequence[Path], patterns: dict[str, str]) -> dict[str, Path]:
    """Which of the files given is what, by their names; empty if none are given.

    Args:
        patterns: shell patterns of the names, by what the files are.

    Raises:
        ArchiveRefused: one is none of them, or one of them lacks.
    """
    files: dict[str, Path] = {}
    wanted = ", ".join(patterns.values())
    for file in by_hand:
        fits = [key for key, pattern in patterns.items() if fnmatchcase(file.name, pattern)]
        if not fits:
            raise ArchiveRefused(
                f"{file} is no file of {model.name}, or of another version; its files are: {wanted}"
            )
        files[fits[0]] = file
    lacking = [pattern for key, pattern in patterns.items() if key not in files]
    if by_hand and lacking:
        raise ArchiveRefused(
            f"{', '.join(lacking)} was not given, and {model.name} needs it; give all of its "
            f"files, each with --from: {wanted}"
        )
    return files
