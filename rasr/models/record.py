"""The record of an installed model: where it came from, and the digest of each file.

It lies in the model's folder as `rasr-model.json`, so that the folder says what it is wherever it
is moved, and damage can be found.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from rasr.models.catalogue import EngineName, Kind

RECORD_NAME = "rasr-model.json"
_BLOCK_BYTES = 1 << 20


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class FileRecord(_Part):
    """Size and digest of one file."""

    bytes: int
    sha256: str


class Record(_Part):
    """One installation."""

    name: str
    kind: Kind
    engine: EngineName = "sherpa-onnx"
    """Records of before there were others have none."""
    languages: tuple[str, ...]
    archive: str | None
    """Name of the release file; None where it came otherwise."""
    source: str
    """The address, the file or the packages that it came from."""
    bytes: int
    """Of what was fetched."""
    sha256: str | None
    """Digest of the archive, as hexadecimal digits."""
    files: Mapping[str, FileRecord]
    """By path inside the folder, with `/`."""

    def write(self, folder: Path) -> None:
        """Write the record into the model's folder."""
        (folder / RECORD_NAME).write_text(self.model_dump_json(indent=2) + "\n", "utf-8")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model that lies whole in the workplace, before it is renamed into its place."""

    folder: Path
    files: Mapping[str, FileRecord]
    """By path inside the folder, with `/`."""
    source: str
    bytes: int
    digests: Mapping[str, str]
    """What the store shall remember: SHA-256 of what was fetched, by what it is remembered by."""


def read_record(folder: Path) -> Record | None:
    """The record in `folder`; None where there is none, or none that can be read."""
    try:
        return Record.model_validate_json((folder / RECORD_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def blocks(opened: IO[bytes]) -> Iterator[bytes]:
    """What is left of an opened file, a block after the other."""
    while block := opened.read(_BLOCK_BYTES):
        yield block


def write(file: Path, content: Iterable[bytes]) -> FileRecord:
    """Write a new file down to the disk.

    Raises:
        OSError: it cannot be written, or is there already.
    """
    sha, size = hashlib.sha256(), 0
    with file.open("xb") as written:
        for block in content:
            written.write(block)
            sha.update(block)
            size += len(block)
        written.flush()
        os.fsync(written.fileno())
    return FileRecord(bytes=size, sha256=sha.hexdigest())


def digest(file: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    sha = hashlib.sha256()
    with file.open("rb") as opened:
        for block in blocks(opened):
            sha.update(block)
    return sha.hexdigest()


def damage(folder: Path, record: Record) -> tuple[str, ...]:
    """A sentence for each file of `record` that is not as it was installed."""
    found = []
    for name, one in record.files.items():
        file = folder / name
        if not file.is_file():
            found.append(f"{name} is missing")
        elif (size := file.stat().st_size) != one.bytes:
            found.append(f"{name} has {size} bytes, and had {one.bytes}")
        elif digest(file) != one.sha256:
            found.append(f"{name} has changed: its SHA-256 is another one")
    return tuple(found)
