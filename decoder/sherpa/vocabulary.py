"""The tokens of a model and the pieces of its words: `tokens.txt`, `bpe.vocab` and `bpe.model`.

A line of `tokens.txt` is a symbol, white space, a number. sherpa-onnx reads a line that is a number
alone as the symbol of one space. Numbers past the model's vocabulary are allowed for `#0`, `#1`, …,
which lexicons use and models do not.

The pieces of a BPE model with their scores are what sherpa-onnx wants for hot words. `bpe.vocab` is
that table: a piece, white space, a score. `bpe.model` is sentencepiece's own file, a protocol
buffer (sentencepiece_model.proto): field 1, repeated, is a piece, with its text in field 1 and its
score, a float, in field 2. So much is read here; the package sentencepiece is not needed.
"""

from __future__ import annotations

import base64
import re
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from decoder.errors import EngineUnavailable

MARK = "▁"
"""Begins a piece that begins a word. In sherpa-onnx's results it is a space."""
_SPECIAL = re.compile(r"<(?!0x[0-9A-Fa-f]{2}>)[^<>]+>|\[[A-Z]+\]|#\d+")
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protocol buffers."""


class Style(StrEnum):
    """How tokens say where words begin."""

    MARKED = "marked"
    """Pieces of words; one that begins a word begins with a mark."""
    CONTINUED = "continued"
    """Pieces of words; one that does not end a word ends in @@."""
    SPACED = "spaced"
    """Letters, and a token for the space between words."""
    WHOLE = "whole"
    """Each token is a word or a character."""
    BYTES = "bytes"
    """Pieces of the bytes of the text, each byte written as a letter of its own."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What `tokens.txt` says."""

    symbols: Mapping[int, str]
    style: Style
    lower: bool
    """True if all Latin letters are capitals: case says nothing, and text is written small."""

    @property
    def digits(self) -> bool:
        """True if a model of these tokens can write 0 to 9. Bytes can be anything."""
        return any(
            "0" <= letter <= "9"
            for symbol in self.symbols.values()
            if not is_special(symbol) and byte_of(symbol) is None
            for letter in symbol
        )

    def fit(self, size: int, path: Path) -> None:
        """Refuse a table in which a token of the model has no symbol, or a symbol no token.

        Args:
            size: how many tokens the model tells apart.
            path: the table's file, for the sentence.

        Raises:
            EngineUnavailable: it is the table of another model.
        """
        missing = [number for number in range(size) if number not in self.symbols]
        beyond = [
            symbol
            for number, symbol in self.symbols.items()
            if number >= size and not symbol.startswith("#")
        ]
        if missing or beyond:
            raise EngineUnavailable(
                f"{path} has {len(self.symbols)} tokens, the model has {size}; they are of "
                "two models: pull the model again"
            )


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a `tokens.txt`.

    Raises:
        EngineUnavailable: the file is not such a table.
    """
    symbols: dict[int, str] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineUnavailable(f"{path} cannot be read ({error}); pull the model again") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.split()
        if len(columns) > 2 or not columns[-1].isdecimal():
            raise EngineUnavailable(
                f"{path}, line {number} is {line[:40]!r}; allowed: a symbol and its number; "
                "pull the model again"
            )
        identity = int(columns[-1])
        if identity in symbols:
            raise EngineUnavailable(
                f"{path} gives the number {identity} twice, again in line {number}; "
                "pull the model again"
            )
        symbols[identity] = columns[0] if len(columns) == 2 else " "
    letters = [letter for symbol in symbols.values() if not is_special(symbol) for letter in symbol]
    latin = [letter for letter in letters if is_latin(letter)]
    return Vocabulary(symbols, _style(symbols), bool(latin) and all(x.isupper() for x in latin))


def decoded_base64(vocabulary: Vocabulary, path: Path) -> Vocabulary:
    """The symbols of a table that has their bytes in base64, without those that are no letters.

    Args:
        path: the table's file, for the sentence.

    Raises:
        EngineUnavailable: the table has something else.
    """
    symbols: dict[int, str] = {}
    for number, symbol in vocabulary.symbols.items():
        try:
            symbols[number] = base64.b64decode(symbol, validate=True).decode("utf-8")
        except UnicodeDecodeError:
            # A part of a letter, which the tokens around it make whole.
            continue
        except ValueError as error:
            raise EngineUnavailable(
                f"{path} has {symbol[:40]!r}, which is no base64; pull the model again"
            ) from error
    return Vocabulary(symbols, Style.MARKED, lower=False)


def is_special(symbol: str) -> bool:
    """True for blank, unknown, ends of sentences and the like, which are no text."""
    return _SPECIAL.fullmatch(symbol) is not None


def byte_of(symbol: str) -> int | None:
    """The byte that a token of a model with byte fallback stands for."""
    found = _BYTE.fullmatch(symbol)
    return int(found[1], 16) if found else None


def is_latin(letter: str) -> bool:
    """True for the letters A to Z and a to z."""
    return "a" <= letter <= "z" or "A" <= letter <= "Z"


def _style(symbols: Mapping[int, str]) -> Style:
    text = [symbol for symbol in symbols.values() if not is_special(symbol)]
    letters = byte_letters()
    if any(symbol.startswith(MARK) and len(symbol) > 1 for symbol in text):
        written = [letter for symbol in text for letter in symbol.removeprefix(MARK)]
        beyond = [letter for letter in written if letter > "\x7f"]
        # All 256 bytes are among the tokens of a model of bytes, and nothing else is.
        if len(set(beyond)) > 64 and all(letter in letters for letter in beyond):
            return Style.BYTES
        return Style.MARKED
    if any(symbol.endswith("@@") for symbol in text):
        return Style.CONTINUED
    if any(symbol in (" ", MARK, "|") for symbol in text):
        return Style.SPACED
    return Style.WHOLE


@cache
def byte_letters() -> Mapping[str, int]:
    """The letter that stands for each byte in models of byte pieces (icefall's byte-level BPE).

    Printable ASCII stands for itself. The others follow from U+0100 on, without the letters that
    Unicode's compatibility normalisation (NFKC) would change.
    """
    others = [byte for byte in range(256) if not 0x20 <= byte <= 0x7E]
    stable = (chr(code) for code in range(0x100, 0x180 + len(others)))
    stable = (letter for letter in stable if unicodedata.normalize("NFKC", letter) == letter)
    table = dict(zip(stable, others, strict=False))
    table |= {chr(byte): byte for byte in range(0x20, 0x7F)}
    return table


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
