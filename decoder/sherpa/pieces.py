"""The pieces of a BPE model with their scores, as sherpa-onnx wants them for hot words.

`bpe.vocab` is that table: a piece, white space, a score. `bpe.model` is sentencepiece's own file, a
protocol buffer (sentencepiece_model.proto): field 1, repeated, is a piece, with its text in field 1
and its score, a float, in field 2. So much is read here; the package sentencepiece is not needed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from decoder.errors import EngineUnavailable

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_pieces(path: Path) -> Mapping[str, float]:
    """Pieces and scores of a `bpe.vocab` or `bpe.model`.

    Raises:
        EngineUnavailable: the file is neither.
    """
    try:
        if path.suffix == ".model":
            pieces = dict(_of_model(path.read_bytes()))
        else:
            lines = (line.split() for line in path.read_text("utf-8").splitlines())
            pieces = {columns[0]: float(columns[1]) for columns in lines if columns}
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise EngineUnavailable(f"{path} cannot be read ({error}); pull the model again") from error
    if not pieces:
        raise EngineUnavailable(f"{path} holds no pieces; pull the model again")
    return pieces


def write_pieces(pieces: Mapping[str, float], path: Path) -> None:
    """Write a `bpe.vocab`."""
    path.write_text("".join(f"{piece}\t{score}\n" for piece, score in pieces.items()), "utf-8")


def _of_model(data: bytes) -> Iterator[tuple[str, float]]:
    for number, value in _fields(data):
        if number == 1:
            assert isinstance(value, bytes)
            piece = dict(_fields(value))
            text, score = piece.get(1, b""), piece.get(2, b"\0\0\0\0")
            yield text.decode("utf-8"), struct.unpack("<f", score)[0]


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Field numbers and values of a message; numbers that are not fixed come as no bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            _, at = _varint(data, at)
            yield key >> 3, b""
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"a field of kind {kind}")
        if at + length > len(data):
            raise ValueError("it was cut off")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a place, and the place after it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
