"""The tokens of a model: read from `tokens.txt`, and what their form says.

A line is a symbol, white space, a number. sherpa-onnx reads a line that is a number alone as the
symbol of one space. Numbers past the model's vocabulary are allowed for `#0`, `#1`, …, which
lexicons use and models do not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from decoder.errors import EngineUnavailable

MARK = "▁"
"""Begins a piece that begins a word. In sherpa-onnx's results it is a space."""
_SPECIAL = re.compile(r"<(?!0x[0-9A-Fa-f]{2}>)[^<>]+>|\[[A-Z]+\]|#\d+")
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


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


def read_vocabulary(path: Path) -> Vocabulary:
    """
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
