"""A file that was fetched, or put there by hand, is the one that is wanted: size and digest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

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
