"""Archives of the layout of release files, honest and otherwise."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

STEM = "sherpa-onnx-streaming-test-zh-en-2026-01-01"
NAME = "test-zh-en"


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that no compressor shrinks, as weights are."""
    return random.Random(seed).randbytes(size)


def contents(weights_bytes: int = 200_000) -> dict[str, bytes]:
    """The files of a transducer, and what else lies in a release."""
    return {
        "encoder.int8.onnx": noise(weights_bytes, 1),
        "decoder.onnx": noise(3000, 2),
        "joiner.int8.onnx": noise(2000, 3),
        "tokens.txt": "<blk> 0\n你 1\n▁HELLO 2\n".encode(),
        "test_wavs/0.wav": noise(1000, 4),
        "README.md": b"a model for tests\n",
    }


def file(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def special(name: str, type: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A link, a device, a pipe."""
    member = tarfile.TarInfo(name)
    member.type = type
    member.linkname = target
    return member, b""


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return special(name, tarfile.DIRTYPE)


def tar(
    members: Iterable[tuple[tarfile.TarInfo, bytes]],
    packing: str = "bz2",
    pax_headers: Mapping[str, str] | None = None,
) -> bytes:
    packed = io.BytesIO()
    # The types of `tarfile` want to know how it is packed; here a test says it.
    open_any: Callable[..., tarfile.TarFile] = tarfile.open
    with open_any(
        fileobj=packed,
        mode=f"w:{packing}",
        format=tarfile.PAX_FORMAT,
        pax_headers=dict(pax_headers or {}),
    ) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def release(
    files: Mapping[str, bytes] | None = None,
    *more: tuple[tarfile.TarInfo, bytes],
    stem: str = STEM,
    packing: str = "bz2",
) -> bytes:
    """A release file: one folder, in it the files; `more` members behind them."""
    members = [folder(stem), folder(f"{stem}/test_wavs")]
    for name, content in (contents() if files is None else files).items():
        members.append(file(f"{stem}/{name}", content))
    return tar([*members, *more], packing)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
