"""A model that comes as one release file: fetch or take it, verify it, unpack it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rasr.models.catalogue import Mirrors, Model
from rasr.models.download import Wanted
from rasr.models.errors import ArchiveRefused, FetchFailed
from rasr.models.record import FileRecord, Prepared
from rasr.models.store import Store
from rasr.models.unpack import unpack
from rasr.models.verified import Verified, fetch_verified, verify
from rasr.models.watcher import Watcher
from rasr.models.workplace import UNPACKED


def from_release(
    store: Store,
    model: Model,
    watcher: Watcher,
    workplace: Path,
    mirrors: Mirrors,
    by_hand: Sequence[Path],
) -> Prepared:
    """The files of a model that comes as an archive, unpacked in the workplace.

    Args:
        by_hand: the release file, fetched by hand; none to fetch it.

    Raises:
        FetchFailed: no address gives it.
        ArchiveRefused: it is not what was expected.
        OSError: the workplace cannot be written.
    """
    assert model.archive is not None
    addresses = store.catalogue.addresses(model, mirrors)
    wanted = Wanted(model.archive, addresses, model.bytes, model.sha256)
    if len(by_hand) > 1:
        raise ArchiveRefused(
            f"{len(by_hand)} files were given for {model.name}, which comes as one: {model.archive}"
        )
    if by_hand:
        watcher.stage("verifying")
        archive = verify(store, wanted, model.archive, by_hand[0], str(by_hand[0]))
    else:
        try:
            archive = fetch_verified(
                store, wanted, model.archive, workplace, watcher, watcher.progress
            )
        except FetchFailed as error:
            text = _advice(model, wanted, workplace / model.archive, str(error))
            raise FetchFailed(text, error.reason) from error
    return _unpacked(model, watcher, workplace, archive)


def _unpacked(model: Model, watcher: Watcher, workplace: Path, archive: Verified) -> Prepared:
    assert model.archive is not None
    watcher.stage("unpacking")
    unpacked = workplace / UNPACKED
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
    return Prepared(
        root,
        _inside(root.relative_to(unpacked), files),
        archive.source,
        archive.file.stat().st_size,
        {model.archive: archive.sha256},
    )


def _root(unpacked: Path) -> Path:
    """The folder that holds the model: release archives have one folder at their top."""
    found = list(unpacked.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else unpacked


def _inside(root: Path, files: dict[str, FileRecord]) -> dict[str, FileRecord]:
    return {str(Path(name).relative_to(root)): one for name, one in files.items()}


def _advice(model: Model, wanted: Wanted, file: Path, faults: str) -> str:
    """What to do where this machine cannot fetch it."""
    about = f" ({model.bytes} bytes)" if model.bytes is not None else ""
    digest_line = f"Its SHA-256 is {model.sha256}.\n" if model.sha256 is not None else ""
    return (
        f"the model {model.name} could not be fetched:\n{faults}\n"
        f"To go on where it stopped, give the same command again. Without a way to these "
        f"addresses, fetch {model.archive}{about} elsewhere, from\n"
        + "".join(f"  {address}\n" for address in wanted.addresses)
        + digest_line
        + f"and install it from wherever you put it: rasr models pull {model.name} --from FILE\n"
        f"(or put it at {file} and give the same command again)."
    )
