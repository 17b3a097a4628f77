"""A model that comes as a release file: fetch or take it, verify it, unpack it.

A few need other release files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rasr.models.catalogue import Mirrors, Model
from rasr.models.download import Wanted
from rasr.models.errors import ArchiveRefused, FetchFailed
from rasr.models.record import FileRecord, Prepared, blocks, write
from rasr.models.store import Store
from rasr.models.unpack import unpack
from rasr.models.verified import Verified, fetch_verified, sorted_out, verify
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
    wanted = [Wanted(model.archive, addresses, model.bytes, model.sha256)]
    for beside in model.beside:
        addresses = store.catalogue.addresses_beside(beside, mirrors)
        wanted.append(Wanted(beside.name, addresses, beside.bytes, beside.sha256))
    given = _given(model, by_hand)
    found = []
    for one in wanted:
        if given:
            watcher.stage("verifying")
            file = given[one.archive]
            found.append(verify(store, one, one.archive, file, str(file)))
            continue
        try:
            found.append(
                fetch_verified(store, one, one.archive, workplace, watcher, watcher.progress)
            )
        except FetchFailed as error:
            text = _advice(model, one, workplace / one.archive, str(error))
            raise FetchFailed(text, error.reason) from error
    return _unpacked(model, watcher, workplace, found[0], found[1:])


def _given(model: Model, by_hand: Sequence[Path]) -> dict[str, Path]:
    """The files given, by what they are; a model's only file may have any name."""
    assert model.archive is not None
    if model.beside:
        names = (model.archive, *(one.name for one in model.beside))
        return sorted_out(model, by_hand, {name: name for name in names})
    if len(by_hand) > 1:
        raise ArchiveRefused(
            f"{len(by_hand)} files were given for {model.name}, which comes as one: {model.archive}"
        )
    return {model.archive: by_hand[0]} if by_hand else {}


def _unpacked(
    model: Model, watcher: Watcher, workplace: Path, archive: Verified, beside: Sequence[Verified]
) -> Prepared:
    assert model.archive is not None
    watcher.stage("unpacking")
    unpacked = workplace / UNPACKED
    unpacked.mkdir()
    try:
        files = unpack(archive.file, unpacked, watcher.progress)
        root = _root(unpacked)
        for one, verified in zip(model.beside, beside, strict=True):
            target = root / one.name
            target.unlink(missing_ok=True)
            with verified.file.open("rb") as opened:
                files[str(target.relative_to(unpacked))] = write(target, blocks(opened))
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
        sum(one.file.stat().st_size for one in (archive, *beside)),
        {model.archive: archive.sha256}
        | {one.name: found.sha256 for one, found in zip(model.beside, beside, strict=True)},
    )


def _root(unpacked: Path) -> Path:
    """The folder that holds the model: release archives have one folder at their top."""
    found = list(unpacked.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else unpacked


def _inside(root: Path, files: dict[str, FileRecord]) -> dict[str, FileRecord]:
    return {str(Path(name).relative_to(root)): one for name, one in files.items()}


def _advice(model: Model, wanted: Wanted, file: Path, faults: str) -> str:
    """What to do where this machine cannot fetch it."""
    about = f" ({wanted.bytes} bytes)" if wanted.bytes is not None else ""
    digest_line = f"Its SHA-256 is {wanted.sha256}.\n" if wanted.sha256 is not None else ""
    names = " and ".join((str(model.archive), *(one.name for one in model.beside)))
    each = f" for each of {names}" if model.beside else ""
    return (
        f"the model {model.name} could not be fetched:\n{faults}\n"
        f"To go on where it stopped, give the same command again. Without a way to these "
        f"addresses, fetch {wanted.archive}{about} elsewhere, from\n"
        + "".join(f"  {address}\n" for address in wanted.addresses)
        + digest_line
        + f"and install it from wherever you put it: rasr models pull {model.name} --from FILE"
        f"{each}\n"
        f"(or put it at {file} and give the same command again)."
    )
