"""Install a model: fetch, verify, unpack, check, record, and only then rename into its place.

A model is there whole or not at all, whatever breaks on the way. One pull of a model at a time.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rasr.models.catalogue import Model
from rasr.models.download import Wanted, fetch
from rasr.models.errors import ArchiveRefused, FetchFailed, FolderFailed, ModelError
from rasr.models.record import FileRecord, Record, digest
from rasr.models.store import State, Store
from rasr.models.unpack import unpack
from rasr.models.workplace import REPLACED, UNPACKED, locked


@dataclass(frozen=True, slots=True)
class _Archive:
    """A release file that was found to be the right one."""

    file: Path
    source: str
    sha256: str


class Watcher(Protocol):
    """Is told how far an installation has got."""

    def stage(self, name: str) -> None:
        """A stage begins: "fetching", "verifying" or "unpacking"."""

    def progress(self, done: int, total: int | None) -> None:
        """So many bytes of this stage are done; `total` is None where it is not known."""


def install(
    store: Store, model: Model, watcher: Watcher, *, mirror: str = "", archive: Path | None = None
) -> Path:
    """Put a model into the store.

    Args:
        mirror: an address to which the archive's name is added, tried first; "" for none.
        archive: a release file that was fetched by hand; nothing is fetched then.

    Returns: the model's folder.

    Raises:
        ModelError: it is installed already, cannot be fetched, or is not what was expected.
    """
    if model.bundled:
        raise ModelError(f"the model {model.name} comes with rasr: there is nothing to pull")
    if store.state(model) is State.INSTALLED:
        raise ModelError(
            f"the model {model.name} is installed in {store.path(model)}; look for damage with: "
            f"rasr models check {model.name}"
        )
    try:
        with locked(store.workplace(model), model.name) as workplace:
            if archive is not None:
                found = _verified(store, model, watcher, archive, str(archive))
            else:
                found = _fetched(store, model, watcher, workplace, mirror)
            return _land(store, model, watcher, workplace, found)
    except OSError as error:
        where = error.filename or store.folder
        raise FolderFailed(
            f"{where}: {error.strerror}; {_free(store.folder)}; what was fetched is kept, and "
            f"continued by: rasr models pull {model.name}"
        ) from error


def _fetched(
    store: Store, model: Model, watcher: Watcher, workplace: Path, mirror: str
) -> _Archive:
    """The archive: put into the workplace by hand, left there by a pull that broke, or fetched."""
    assert model.archive is not None
    addresses = store.catalogue.addresses(model, mirror)
    whole = workplace / model.archive
    if whole.is_file():
        try:
            return _verified(store, model, watcher, whole, str(whole))
        except ArchiveRefused:
            # The next pull shall fetch it.
            whole.unlink()
            raise
    known = model.sha256 or store.known_digest(model.archive)
    wanted = Wanted(model.archive, addresses, model.bytes, known)
    for last in (False, True):
        watcher.stage("fetching")
        try:
            fetched = fetch(wanted, workplace, watcher.progress)
        except FetchFailed as error:
            raise FetchFailed(_by_hand(model, addresses, whole, str(error))) from error
        try:
            return _verified(store, model, watcher, fetched.file, fetched.source)
        except ArchiveRefused:
            fetched.file.unlink()
            # The fault may be in the part that was there before: that one is gone now.
            if last or not fetched.resumed:
                raise
    raise AssertionError("the second attempt returns or raises")


def _verified(store: Store, model: Model, watcher: Watcher, file: Path, source: str) -> _Archive:
    """The archive, if its size and digest are those that are expected."""
    assert model.archive is not None
    watcher.stage("verifying")
    size = file.stat().st_size
    if model.bytes is not None and size != model.bytes:
        raise ArchiveRefused(
            f"{source} has {size} bytes, {model.archive} has {model.bytes}; it is cut off or "
            "another file: fetch it anew"
        )
    sha256 = digest(file)
    known = store.known_digest(model.archive)
    if model.sha256 is not None and sha256 != model.sha256:
        raise ArchiveRefused(
            f"{source} is not {model.archive}: its SHA-256 is {sha256}, the catalogue has "
            f"{model.sha256}; fetch it anew, from another address if it happens again"
        )
    if model.sha256 is None and known is not None and sha256 != known:
        raise ArchiveRefused(
            f"{source} has changed since {model.archive} was first installed here: its SHA-256 is "
            f"{sha256}, it was {known}; if you know why, delete that line from "
            f"{store.digests_file}"
        )
    return _Archive(file, source, sha256)


def _land(store: Store, model: Model, watcher: Watcher, workplace: Path, archive: _Archive) -> Path:
    """Unpack the archive, check its files, record them, and rename the folder into its place."""
    watcher.stage("unpacking")
    unpacked, target = workplace / UNPACKED, store.path(model)
    unpacked.mkdir()
    try:
        files = unpack(archive.file, unpacked, watcher.progress)
        root = _root(unpacked)
        missing = model.missing(root)
        if missing:
            raise ArchiveRefused(f"it lacks {', '.join(missing)}, which {model.name} has")
    except ArchiveRefused as error:
        if archive.file.is_relative_to(workplace):
            # Else the next pull would find it whole.
            archive.file.unlink()
        raise ArchiveRefused(f"{archive.source} is refused: {error}") from error
    assert model.archive is not None
    record = Record(
        name=model.name,
        kind=model.kind,
        languages=model.languages,
        archive=model.archive,
        source=archive.source,
        bytes=archive.file.stat().st_size,
        sha256=archive.sha256,
        files=_inside(root.relative_to(unpacked), files),
    )
    record.write(root)
    if target.exists():
        # It lacks files, or it would count as installed.
        target.rename(workplace / REPLACED)
    root.rename(target)
    store.remember_digest(model.archive, archive.sha256)
    return target


def _root(unpacked: Path) -> Path:
    """The folder that holds the model: release archives have one folder at their top."""
    found = list(unpacked.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else unpacked


def _inside(root: Path, files: dict[str, FileRecord]) -> dict[str, FileRecord]:
    return {str(Path(name).relative_to(root)): one for name, one in files.items()}


def _free(folder: Path) -> str:
    while not folder.exists():
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free / 1e6:.0f} MB are free there"


def _by_hand(model: Model, addresses: tuple[str, ...], file: Path, faults: str) -> str:
    """What to do where this machine cannot fetch it."""
    about = f" ({model.bytes} bytes)" if model.bytes is not None else ""
    digest_line = f"Its SHA-256 is {model.sha256}.\n" if model.sha256 is not None else ""
    return (
        f"the model {model.name} could not be fetched:\n{faults}\n"
        f"To go on where it stopped, give the same command again. Without a way to these "
        f"addresses, fetch {model.archive}{about} elsewhere, from\n"
        + "".join(f"  {address}\n" for address in addresses)
        + digest_line
        + f"and install it from wherever you put it: rasr models pull {model.name} --from FILE\n"
        f"(or put it at {file} and give the same command again)."
    )
