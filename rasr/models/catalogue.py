"""The models that can be had: what each is good for, what runs it, and where its files come from.

Owns the shape of `catalogue.toml`; whether a model is on this machine is known to the store. Facts
that were never published are absent, not guessed. A model comes with the package, as a release
file (an archive), inside packages of a package index, or file by file from a repository of the hub.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from rasr.models.errors import UnknownModel
from rasr.models.sources import Content, Entry, Package, Page, ReleaseFile, Repository, Sha256
from rasr.synthesis.voice import Age, Gender

Kind = Literal["streaming", "offline", "voice", "diarization"]
"""Streaming models recognise while speech goes on; offline ones need the whole segment. Voices
speak, and diarization tells who speaks: both recognise nothing."""


EngineName = Literal[
    "sherpa-onnx",
    "sherpa-onnx-offline",
    "moonshine",
    "whisper",
    "sherpa-onnx-tts",
    "kokoro",
    "sherpa-onnx-diarization",
]
"""Kinds of engines that run models of the catalogue: those of `decoder.registry`, those of
`rasr.synthesis.voice` for voices, and what tells who speaks."""

_SPEAKING: Final = frozenset({"sherpa-onnx-tts", "kokoro"})
_DIARIZATION: Final = "sherpa-onnx-diarization"
_HEARD_RATES: Final = frozenset({8000, 16000})


class ErrorRate(Entry):
    """A published error rate: of characters for Chinese tests, of words for English ones."""

    test: str
    percent: float
    source: str


class Speaker(Entry):
    """Somebody who speaks with a model of kind voice."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$")]
    """By which he is asked for."""
    variant: str
    """What the model's files call him."""
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    """The one that he speaks best first."""
    gender: Gender
    age: Age = Age.ADULT


class Model(Entry):
    """One model of the catalogue."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    kind: Kind
    engine: EngineName = "sherpa-onnx"
    languages: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z]+$")], ...], Field(min_length=1)
    ]
    """As SIS properties begin: "english", "chinese", …"""
    family: str
    rate: Literal[8000, 16000, 22050, 24000, 44100]
    """Sample rate of the audio that it takes, or of a voice's sound, in Hz."""
    licence: str
    good_for: str
    files: tuple[str, ...] = ()
    """Shell patterns of the files that must be in its folder. Those of `contents` must be there
    whatever is said here."""
    default: bool = False
    """`make setup` fetches it, and it serves its languages where nobody says otherwise."""
    bundled: bool = False
    """It comes with the package, and serves only where it is named."""
    archive: str | None = None
    """Name of the release file, where it comes as one."""
    page: Page = "asr-models"
    """The release page that it is on."""
    beside: tuple[ReleaseFile, ...] = ()
    """Release files that go into its folder as they are."""
    bytes: Annotated[int, Field(gt=0)] | None = None
    """Of the release file."""
    sha256: Sha256 | None = None
    """Of the release file."""
    packages: tuple[Package, ...] = ()
    """The packages whose files it is made of, where it comes in such."""
    repository: Repository | None = None
    """Where its files lie one by one, if they do."""
    contents: tuple[Content, ...] = ()
    """Its files, where it comes in packages or from a repository."""
    recommended: tuple[str, ...] = ()
    """The languages for which `rasr setup` takes it."""
    memory_mb: Annotated[int, Field(gt=0)] | None = None
    """What a server takes that serves it alone; the catalogue says how it is known."""
    weights: str | None = None
    speed: str | None = None
    homepage: str | None = None
    error_rates: tuple[ErrorRate, ...] = ()
    speakers: tuple[Speaker, ...] = ()
    """Who speaks with it, the preferred ones first; of a voice, and of nothing else."""
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Options of its engine that suit it; those of the settings replace them."""

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        ways = (self.bundled, self.archive is not None, bool(self.packages), bool(self.repository))
        if sum(ways) != 1:
            raise ValueError("a model has one of: bundled, archive, packages, repository")
        if self.beside and self.archive is None:
            raise ValueError("beside is for a model that comes as an archive")
        if bool(self.contents) != bool(self.packages or self.repository):
            raise ValueError("contents belong to packages or a repository, and those need contents")
        if not self.contents and not self.files:
            raise ValueError("nothing says which files it has: files is empty")
        return self

    @model_validator(mode="after")
    def _pieces_are_in_its_packages(self) -> Self:
        named = {package.name for package in self.packages}
        used = {piece.package for content in self.contents for piece in content.pieces}
        if named != used or len(named) != len(self.packages):
            raise ValueError("the packages are not those that the pieces of the contents name")
        for content in self.contents:
            if self.packages and not (content.pieces and content.sha256):
                raise ValueError(f"{content.name} has no pieces, or no sha256")
        return self

    @model_validator(mode="after")
    def _is_recommended_for_what_it_knows(self) -> Self:
        unknown = set(self.recommended) - set(self.languages)
        if unknown:
            raise ValueError(f"recommended for languages that it does not know: {unknown}")
        return self

    @model_validator(mode="after")
    def _speaks_or_hears(self) -> Self:
        speaks = self.speaks
        if speaks != bool(self.speakers) or speaks != (self.engine in _SPEAKING):
            raise ValueError("a voice has speakers and an engine that speaks; others have neither")
        if (self.kind == "diarization") != (self.engine == _DIARIZATION):
            raise ValueError("diarization has an engine of its own")
        if not self.recognises and (self.recommended or self.default):
            raise ValueError("what recognises nothing is no default and not recommended")
        if not speaks and self.rate not in _HEARD_RATES:
            raise ValueError(f"what recognises takes one of {sorted(_HEARD_RATES)} Hz")
        unknown = {one for speaker in self.speakers for one in speaker.languages}
        if unknown - set(self.languages):
            raise ValueError("a speaker speaks a language that the model does not know")
        return self

    @property
    def speaks(self) -> bool:
        """True for a voice."""
        return self.kind == "voice"

    @property
    def recognises(self) -> bool:
        """False for a voice, and for what tells who speaks."""
        return self.kind in ("streaming", "offline")

    @property
    def stem(self) -> str:
        """The archive's name without its endings: the name of the folder that it unpacks to."""
        return (self.archive or self.name).split(".tar")[0]

    @property
    def required(self) -> tuple[str, ...]:
        """Shell patterns of all files that must be in its folder."""
        return (
            *self.files,
            *(content.name for content in self.contents),
            *(file.name for file in self.beside),
        )

    @property
    def download_bytes(self) -> int | None:
        """Bytes to be fetched; None where that is not known."""
        if self.packages:
            return sum(package.bytes for package in self.packages)
        if self.contents:
            return sum(content.bytes for content in self.contents)
        sizes = [self.bytes, *(one.bytes for one in self.beside)]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    def missing(self, folder: Path) -> tuple[str, ...]:
        """The patterns of `required` to which no file in `folder` fits."""
        return tuple(
            pattern
            for pattern in self.required
            if not any(found.is_file() for found in folder.glob(pattern))
        )


class _Document(Entry):
    release: str
    hub: str
    mirrors: tuple[str, ...]
    models: tuple[Model, ...]

    @model_validator(mode="after")
    def _nothing_is_told_twice(self) -> Self:
        for how, told in (
            ("named", [model.name for model in self.models]),
            ("recommended", [one for model in self.models for one in model.recommended]),
            ("speaking", [one.name for model in self.models for one in model.speakers]),
        ):
            twice = {one for one in told if told.count(one) > 1}
            if twice:
                raise ValueError(f"{how} twice: {', '.join(sorted(twice))}")
        return self


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Addresses of one's own that are tried before those of the catalogue; "" for none."""

    release: str = ""
    """Has the release files by their names."""
    hub: str = ""
    """Has the repositories of the hub."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All known models, the preferred ones first."""

    models: tuple[Model, ...]
    bases: tuple[str, ...]
    """Addresses under which the release files are found by their names, the first tried first;
    {page} stands for their release page."""
    hub: str = ""
    """Address under which the repositories of the hub are found."""

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
            raise UnknownModel(f"there is no model {name!r}; {self.instead_of(name)}")
        return model

    def instead_of(self, name: str) -> str:
        """What a person may have meant by a name that no model has."""
        for model in self.models:
            if name in model.recommended:
                return f"{name} is a language, and rasr setup {name} takes {model.name} for it"
        names = [one.name for one in self.models]
        near = [one for one in names if name and name in one]
        near = near or difflib.get_close_matches(name, names)
        if near:
            return f"did you mean {' or '.join(near)}?"
        return "rasr models list shows which there are"

    @property
    def default_english(self) -> Model | None:
        """The model that serves English where nobody says otherwise; None where none is to."""
        for model in self.models:
            if model.default and "english" in model.languages:
                return model
        return None

    def addresses(self, model: Model, mirrors: Mirrors) -> tuple[str, ...]:
        """The addresses of the model's archive, in the order in which they are tried."""
        return self._released(model.archive or "", model.page, mirrors)

    def addresses_beside(self, file: ReleaseFile, mirrors: Mirrors) -> tuple[str, ...]:
        """Those of a file beside an archive."""
        return self._released(file.name, file.page, mirrors)

    def _released(self, name: str, page: Page, mirrors: Mirrors) -> tuple[str, ...]:
        bases = (mirrors.release, *self.bases) if mirrors.release else self.bases
        return tuple(f"{base.replace('{page}', page).rstrip('/')}/{name}" for base in bases)

    def file_addresses(
        self, repository: Repository, name: str, mirrors: Mirrors
    ) -> tuple[str, ...]:
        """The addresses of a file of a repository, in the order in which they are tried."""
        bases = (mirrors.hub, self.hub) if mirrors.hub else (self.hub,)
        path = f"{repository.name}/resolve/{repository.revision}/{name}"
        return tuple(f"{base.rstrip('/')}/{path}" for base in bases)


def parse(document: str) -> Catalogue:
    """Read a catalogue from a TOML document.

    Raises:
        ValueError: it is no TOML, or not of the form of a catalogue.
    """
    read = _Document.model_validate(tomllib.loads(document))
    return Catalogue(read.models, (read.release, *read.mirrors), read.hub)


def load() -> Catalogue:
    """The catalogue of the package."""
    return parse((files("rasr.models") / "catalogue.toml").read_text("utf-8"))
