"""The tokens of a Moonshine model and the words that they spell.

`tokenizer.bin` holds the pieces one after the other, each behind its length: one byte, or where
that is 128 or more two, which mean `second · 128 + first − 128`. A piece is UTF-8 with `▁` (U+2581)
for a space. Pieces `<0x00>` to `<0xFF>` stand for single bytes of characters that have no piece.
Other pieces in angle brackets are marks of the model and no text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from decoder.errors import EngineUnavailable

START: Final = 1
"""The token before the first one of a text."""
END: Final = 2
"""The token behind the last one of a text."""

_SPACE = "\u2581"
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_MARK = re.compile(r"<.*>")
_TWO_BYTES = 128


class Vocabulary:
    """The tokens, by number."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._bytes = [_text_of(piece) for piece in pieces]
        self.is_spoken = [
            any(map(str.isalnum, one.decode("utf-8", "replace"))) for one in self._bytes
        ]
        """For each token: it has letters or digits."""
        self.stops = frozenset(
            token for token, text in enumerate(self._bytes) if text in (b".", b"?", b"!")
        )
        """The tokens that end a sentence."""

    def __len__(self) -> int:
        return len(self._bytes)

    def text(self, token: int) -> str:
        """The text of a token alone; a part of a character is told as `U+FFFD`."""
        return self._bytes[token].decode("utf-8", "replace")

    def words(self, tokens: Sequence[int]) -> list[tuple[str, list[int]]]:
        """The words that tokens spell, each with the places of its tokens in the sequence.

        A word is what stands between spaces; tokens without text belong to no word.
        """
        words: list[tuple[bytes, list[int]]] = []
        for place, token in enumerate(tokens):
            spelt = self._bytes[token]
            if not spelt.strip():
                if spelt:
                    words.append((b"", []))
                continue
            if spelt.startswith(b" ") or not words:
                words.append((b"", []))
            before, places = words[-1]
            words[-1] = (before + spelt.lstrip(b" "), [*places, place])
        return [(text.decode("utf-8", "replace"), places) for text, places in words if text.strip()]


def read_vocabulary(file: Path) -> Vocabulary:
    """The tokens of a model.

    Raises:
        EngineUnavailable: the file cannot be read, or is no list of tokens.
    """
    return Vocabulary(read_pieces(file))


def read_pieces(file: Path) -> list[bytes]:
    """The pieces of a `tokenizer.bin`, by their numbers.

    Raises:
        EngineUnavailable: as `read_vocabulary`.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise EngineUnavailable(f"{file} cannot be read: {error.strerror}") from error
    pieces = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= _TWO_BYTES and at < len(data):
            length += (data[at] - 1) * _TWO_BYTES
            at += 1
        if at + length > len(data):
            raise EngineUnavailable(f"{file} ends in the middle of a token; pull the model again")
        pieces.append(data[at : at + length])
        at += length
    if len(pieces) <= END:
        raise EngineUnavailable(f"{file} holds no tokens; pull the model again")
    return pieces


def _text_of(piece: bytes) -> bytes:
    text = piece.decode("utf-8", "replace")
    byte = _BYTE.fullmatch(text)
    if byte is not None:
        return bytes([int(byte[1], 16)])
    if _MARK.fullmatch(text):
        return b""
    return piece.replace(_SPACE.encode(), b" ")
