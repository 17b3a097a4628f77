"""The models that can be had: what each is good for, and what its release file is.

Owns the shape of `catalogue.toml`; whether a model is on this machine is known to the store. Facts
that were never published are absent, not guessed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rasr.models.errors import UnknownModel

Kind = Literal["streaming", "offline"]
"""Streaming models recognise while speech goes on; offline ones need the whole segment."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorRate(_Entry):
    """A published error rate: of characters for Chinese tests, of words for English ones."""

    test: str
    percent: float
    source: str


class Model(_Entry):
    """One model of the catalogue."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    kind: Kind
    languages: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z]+$")], ...], Field(min_length=1)
    ]
    """As SIS properties begin: "english", "chinese", …"""
    family: str
    rate: Literal[8000, 16000]
    """Sample rate of the audio that it takes, in Hz."""
    licence: str
    good_for: str
    files: Annotated[tuple[str, ...], Field(min_length=1)]
    """Shell patterns of the files that must be in its folder."""
    bundled: bool = False
    """It comes with the package, and serves only where it is named."""
    archive: str | None = None
    """Name of the release file; None for a bundled model."""
    bytes: Annotated[int, Field(gt=0)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    weights: str | None = None
    speed: str | None = None
    homepage: str | None = None
    error_rates: tuple[ErrorRate, ...] = ()
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Options of its engine that suit it; those of the settings replace them."""

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Self:
        if self.bundled == (self.archive is not None):
            raise ValueError("a model is either bundled or has an archive")
        return self

    @property
    def stem(self) -> str:
        """The archive's name without its endings: the name of the folder that it unpacks to."""
        return (self.archive or self.name).split(".tar")[0]

    def missing(self, folder: Path) -> tuple[str, ...]:
        """The patterns of `files` to which no file in `folder` fits."""
        return tuple(
            pattern
            for pattern in self.files
            if not any(found.is_file() for found in folder.glob(pattern))
        )


class _Document(_Entry):
    release: str
    mirrors: tuple[str, ...]
    models: tuple[Model, ...]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [model.name for model in self.models]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"named twice: {', '.join(sorted(twice))}")
        return self


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All known models, the preferred ones first."""

    models: tuple[Model, ...]
    bases: tuple[str, ...]
    """Addresses under which the release files are found by their names, the first tried first."""

    def find(self, name: str) -> Model | None:
        """The model of this name, or with a release file of this name without its endings."""
        for model in self.models:
            if name in (model.name, model.stem):
                return model
        return None

    def get(self, name: str) -> Model:
        """As `find`.

        Raises:
            UnknownModel: there is none.
        """
        model = self.find(name)
        if model is None:
            known = ", ".join(one.name for one in self.models)
            raise UnknownModel(f"there is no model {name!r}; there are: {known}")
        return model

    def addresses(self, model: Model, mirror: str = "") -> tuple[str, ...]:
        """The addresses of the model's archive, in the order in which they are tried.

        Args:
            mirror: an address to which the archive's name is added, tried first; "" for none.
        """
        bases = (mirror, *self.bases) if mirror else self.bases
        return tuple(f"{base.rstrip('/')}/{model.archive}" for base in bases)


def parse(document: str) -> Catalogue:
    """Read a catalogue from a TOML document.

    Raises:
        ValueError: it is no TOML, or not of the form of a catalogue.
    """
    read = _Document.model_validate(tomllib.loads(document))
    return Catalogue(read.models, (read.release, *read.mirrors))


def load() -> Catalogue:
    """The catalogue of the package."""
    return parse((files("rasr.models") / "catalogue.toml").read_text("utf-8"))
