"""The models on this machine: which are here, in which folders, and whether they are whole.

Owns the layout of the models folder:

    NAME/                  an installed model, with its record
    downloads/NAME/        a pull in progress: the part of the archive, what is unpacked so far
    digests.json           the digest of everything that was ever fetched from an address

Never fetches and never unpacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from rasr.configuration.folders import data_folder
from rasr.configuration.locking import alone_in
from rasr.models.catalogue import Catalogue, Model, load
from rasr.models.errors import FolderFailed, ModelError, NotInstalled
from rasr.models.record import damage, read_record
from rasr.models.workplace import REPLACED, locked

DOWNLOADS = "downloads"
_DIGESTS = "digests.json"


class State(StrEnum):
    """How much of a model is on this machine."""

    INSTALLED = "installed"
    BUNDLED = "bundled"
    BROKEN = "broken"
    """Its folder is there, and files are missing."""
    ABSENT = "not installed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of an installed model found."""

    damage: tuple[str, ...]
    """A sentence for each fault; none if it is whole."""
    files: int
    """So many files were compared with recorded digests. 0 where nothing was recorded, as for a
    model that was put there by hand: then it was only checked that its files are there."""


@dataclass(frozen=True, slots=True)
class Store:
    """The models folder, and the models that came with the package."""

    folder: Path
    catalogue: Catalogue
    bundled_folder: Path

    def path(self, model: Model) -> Path:
        """Where the model's files are, or would be."""
        return (self.bundled_folder if model.bundled else self.folder) / model.name

    def state(self, model: Model) -> State:
        """How much of the model is here."""
        folder = self.path(model)
        if not folder.is_dir():
            return State.ABSENT
        if model.missing(folder):
            return State.BROKEN
        return State.BUNDLED if model.bundled else State.INSTALLED

    def installed(self) -> Iterator[Model]:
        """Models whose files are all here, preferred ones first; bundled ones too."""
        for model in self.catalogue.models:
            if self.state(model) in (State.INSTALLED, State.BUNDLED):
                yield model

    def require(self, model: Model) -> Path:
        """The folder of a model that can be used: its files are as they were installed.

        Reads all of them, at about a gigabyte in a second.

        Raises:
            NotInstalled: the text names the command that fetches it.
            FolderFailed: a file cannot be read.
        """
        match self.state(model):
            case State.INSTALLED | State.BUNDLED:
                folder = self.path(model)
                # Weights that have changed load, and recognise something else.
                faults = self.check(model).damage
                if faults:
                    raise NotInstalled(
                        f"the model {model.name} in {folder} is damaged: {'; '.join(faults)}; "
                        f"{_cure(model)}"
                    )
                return folder
            case State.ABSENT if model.bundled:
                raise NotInstalled(
                    f"the model {model.name} comes with rasr, and this installation lacks it; "
                    "install rasr anew"
                )
            case State.ABSENT:
                raise NotInstalled(
                    f"the model {model.name} is not installed; fetch it with: "
                    f"rasr models pull {model.name}"
                )
            case State.BROKEN:
                folder = self.path(model)
                raise NotInstalled(
                    f"the model {model.name} in {folder} lacks "
                    f"{', '.join(model.missing(folder))}; {_cure(model)}"
                )

    def check(self, model: Model) -> Verdict:
        """Compare an installed model with what was installed.

        Raises:
            NotInstalled: there is nothing to check.
            FolderFailed: a file cannot be read.
        """
        folder = self.path(model)
        if not folder.is_dir():
            self.require(model)
        missing = tuple(f"{pattern} is missing" for pattern in model.missing(folder))
        record = read_record(folder)
        if record is None:
            return Verdict(missing, 0)
        try:
            found = damage(folder, record)
        except OSError as error:
            raise FolderFailed(f"{error.filename}: {error.strerror}") from error
        # A file that is missing by both measures is named once, by its own name.
        return Verdict(found or missing, len(record.files))

    def remove(self, model: Model) -> Path:
        """Delete a model and what is left of pulls of it.

        Returns: the folder that was deleted: the model's, or where it was not installed the
            workplace of its pulls.

        Raises:
            NotInstalled: there is nothing to delete.
            ModelError: it came with the package, or is being pulled.
            FolderFailed: the operating system refuses.
        """
        if model.bundled:
            raise ModelError(f"the model {model.name} comes with rasr and cannot be removed")
        folder, rest = self.path(model), self.workplace(model)
        if not folder.exists() and not folder.is_symlink() and not rest.exists():
            raise NotInstalled(f"the model {model.name} is not installed: {folder} does not exist")
        deleted = folder if folder.exists() or folder.is_symlink() else rest
        try:
            with locked(rest, model.name):
                if folder.is_symlink():
                    folder.unlink()
                elif folder.exists():
                    # Renamed first: a model is there whole or not at all.
                    folder.rename(rest / REPLACED)
        except OSError as error:
            raise FolderFailed(f"{error.filename}: {error.strerror}") from error
        return deleted

    def workplace(self, model: Model) -> Path:
        """The folder where a pull of the model keeps what it has so far."""
        return self.folder / DOWNLOADS / model.name

    @property
    def digests_file(self) -> Path:
        """The file that holds the digest of everything that was ever fetched from an address."""
        return self.folder / _DIGESTS

    def known_digest(self, key: str) -> str | None:
        """SHA-256 of what is remembered by this key, when it was first installed here.

        Args:
            key: name of an archive, or MODEL/FILE.
        """
        return self._digests().get(key)

    def remember_digests(self, digests: Mapping[str, str]) -> None:
        """Write down the SHA-256 of what was installed, by its key.

        Raises:
            OSError: the file cannot be written.
        """
        # Pulls of two models may end at the same time, and each adds its own.
        with alone_in(self.folder):
            known = self._digests()
            both = {**known, **digests}
            if known != both:
                fresh = self.digests_file.with_suffix(".new")
                fresh.write_text(json.dumps(both, indent=2) + "\n", "utf-8")
                fresh.replace(self.digests_file)

    def _digests(self) -> dict[str, str]:
        try:
            found = json.loads(self.digests_file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise FolderFailed(f"{self.digests_file} is not JSON: delete it") from error
        if not isinstance(found, dict):
            raise FolderFailed(f"{self.digests_file} holds no digests: delete it")
        return {str(key): str(value) for key, value in found.items()}


def open_store(
    folder: str, environ: Mapping[str, str], catalogue: Catalogue | None = None
) -> Store:
    """The store of this machine.

    Args:
        folder: the setting `models.folder`; "" for the usual place.
        catalogue: the known models; None for those of the package.
    """
    return Store(
        Path(folder).expanduser().absolute() if folder else usual_folder(environ),
        load() if catalogue is None else catalogue,
        Path(str(files("rasr") / "data" / "models")),
    )


def usual_folder(environ: Mapping[str, str]) -> Path:
    """The folder `models` in the folder of the user's data."""
    return data_folder(environ) / "models"


def _cure(model: Model) -> str:
    if model.bundled:
        return "install rasr anew"
    return f"fetch it anew: rasr models remove {model.name}, rasr models pull {model.name}"
