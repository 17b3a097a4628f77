"""Unpack a release archive that may be malicious.

Takes tar in bzip2, gzip or xz, and of it regular files and folders only. Refused whole: paths that
leave the folder or name a place outside of it, links, devices, pipes, sparse files, the same path
twice, too many files, too many bytes, and archives that grow too much. Growth is bounded while
bytes come out of the decompressor, so neither a bomb in a file nor one in a header gets far.
Leaves nothing behind but what is in the folder that it was given; its caller deletes that.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from rasr.models.download import Progress
from rasr.models.errors import ArchiveRefused
from rasr.models.record import FileRecord, blocks, write


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a model may be. The largest of the catalogue is far below each bound."""

    files: int = 1000
    bytes: int = 8 << 30
    """Unpacked, headers and all."""
    growth: int = 25
    """Unpacked over packed bytes; weights hardly shrink, and lists of words a few times."""
    growth_free_bytes: int = 4 << 20
    """So much may be unpacked whatever its growth."""
    header_bytes: int = 1 << 17
    """Bytes of headers between two files."""
    path_characters: int = 240


_TAR_BLOCK_BYTES = 1 << 16
"""tarfile takes its stream in such blocks, and so beyond the end of a file."""


def unpack(
    archive: Path,
    folder: Path,
    progress: Progress,
    bounds: Bounds | None = None,
    only: Container[str] | None = None,
) -> dict[str, FileRecord]:
    """Unpack `archive` into `folder`, which exists and is empty.

    Args:
        only: paths of the files that are written; None for all.

    Returns: size and digest of each file, by its path inside `folder`.

    Raises:
        ArchiveRefused: with what is wrong with the archive.
        OSError: `archive` cannot be opened, or `folder` not written.
    """
    bounds = bounds or Bounds()
    with archive.open("rb") as packed:
        stream = _Stream(packed, archive, bounds, progress)
        try:
            with tarfile.open(
                fileobj=cast(IO[bytes], stream), mode="r|", bufsize=_TAR_BLOCK_BYTES
            ) as tar:
                return _take(tar, stream, folder, bounds, only)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ArchiveRefused(f"it has {Path(error.filename).name!r} twice") from error
        # ValueError: numbers and texts in headers that are none.
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise ArchiveRefused(f"it is not a whole tar archive: {error}") from error


def _take(
    tar: tarfile.TarFile,
    stream: _Stream,
    folder: Path,
    bounds: Bounds,
    only: Container[str] | None,
) -> dict[str, FileRecord]:
    files: dict[str, FileRecord] = {}
    members = 0
    while (member := tar.next()) is not None:
        members += 1
        if members > bounds.files:
            raise ArchiveRefused(f"it has more than {bounds.files} entries")
        path = _path(member, bounds)
        stream.allow(member.size + bounds.header_bytes)
        if member.isdir():
            (folder / path).mkdir(parents=True, exist_ok=True)
        elif _is_litter(path) or (only is not None and str(path) not in only):
            _drain(tar, member)
        else:
            files[str(path)] = _write(tar, member, folder / path)
        stream.allow(bounds.header_bytes)
    return files


def _path(member: tarfile.TarInfo, bounds: Bounds) -> PurePosixPath:
    """The member's path, if it is one that may be written."""
    name = member.name
    if member.issym() or member.islnk():
        raise ArchiveRefused(f"{name!r} is a link; only files and folders are taken")
    if not (member.isdir() or member.isreg()) or member.issparse():
        raise ArchiveRefused(f"{name!r} is neither a file nor a folder")
    if len(name) > bounds.path_characters:
        raise ArchiveRefused(f"the path {name[:60]!r}… is longer than {bounds.path_characters}")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveRefused(f"the path {name!r} leaves the model's folder")
    if "\\" in name or ":" in name or any(ord(character) < 32 for character in name):
        raise ArchiveRefused(f"the path {name!r} has characters that no model needs")
    return path


def _is_litter(path: PurePosixPath) -> bool:
    """True for files that macOS adds to an archive."""
    return path.name.startswith("._") or path.name == ".DS_Store"


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> FileRecord:
    content = tar.extractfile(member)
    assert content is not None, "a regular file has content"
    target.parent.mkdir(parents=True, exist_ok=True)
    return write(target, blocks(content))


def _drain(tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    content = tar.extractfile(member)
    if content is not None:
        for _ in blocks(content):
            pass


class _Stream:
    """The unpacked bytes, counted. Faults of the packed ones become `ArchiveRefused` here, so that
    no OSError of a decompressor is taken for one of the disk."""

    def __init__(self, packed: BinaryIO, archive: Path, bounds: Bounds, progress: Progress) -> None:
        self._packed = packed
        self._packed_bytes = archive.stat().st_size
        self._bounds = bounds
        self._progress = progress
        self._plain = _decompressor(packed)
        self._read_bytes = 0
        self._allowed_bytes = 0
        self.allow(bounds.header_bytes)

    def allow(self, more_bytes: int) -> None:
        """So many bytes may be unpacked before the next call."""
        self._allowed_bytes = self._read_bytes + more_bytes + _TAR_BLOCK_BYTES

    def read(self, size: int) -> bytes:
        try:
            block = self._plain.read(size)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise ArchiveRefused(f"it is damaged or cut off: {error}") from error
        self._read_bytes += len(block)
        if self._read_bytes > self._allowed_bytes:
            raise ArchiveRefused("it has a header too large to be honest")
        if self._read_bytes > self._bounds.bytes:
            raise ArchiveRefused(f"it unpacks to more than {self._bounds.bytes} bytes")
        taken = self._packed.tell()
        if self._read_bytes > self._bounds.growth_free_bytes + self._bounds.growth * taken:
            raise ArchiveRefused(
                f"it unpacks to more than {self._bounds.growth} times its size: no model does"
            )
        self._progress(taken, self._packed_bytes)
        return block


def _decompressor(packed: BinaryIO) -> IO[bytes]:
    head = packed.read(6)
    packed.seek(0)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=packed))
    if head == b"\xfd7zXZ\0":
        return lzma.LZMAFile(packed)
    raise ArchiveRefused(f"it is not a tar.bz2, tar.gz or tar.xz: it begins with {head!r}")
