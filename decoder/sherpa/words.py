"""Tokens of a model to words.

A Chinese character is a word; pieces of other scripts are joined until the next one begins.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from decoder.joining import is_unspaced
from decoder.sherpa.vocabulary import (
    MARK,
    Style,
    Vocabulary,
    byte_letters,
    byte_of,
    is_special,
)

Part = tuple[str, int, int]
"""A space, a character that is a word, or letters; the tokens that it begins and ends in."""
_PARTS = re.compile(r" |[^ \u2e80-\uffef\U00020000-\U0003ffff]+|.")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word, and the tokens that made it: the first and the one after the last."""

    text: str
    first: int
    last: int


class WordMaker:
    """Words of the tokens of one vocabulary. Holds nothing of what was said; threads share it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._style = vocabulary.style
        self._lower = vocabulary.lower
        # As sherpa-onnx writes them in a result: the mark is a space, but in models of bytes.
        self._parts = {
            token: tuple(self._split(token))
            for symbol in vocabulary.symbols.values()
            for token in (symbol, symbol.replace(MARK, " ", 1))
        }

    def words(self, tokens: Sequence[str]) -> list[Spoken]:
        """The words that tokens make."""
        parts = self._byte_parts(tokens) if self.in_bytes(tokens) else self._token_parts(tokens)
        words: list[Spoken] = []
        text = ""
        first = last = 0
        for part, begins, ends in parts:
            alone = is_unspaced(part)
            if text and (alone or part == " "):
                words.append(Spoken(text, first, last + 1))
                text = ""
            if alone:
                words.append(Spoken(part, begins, ends + 1))
            elif part != " ":
                if not text:
                    first = begins
                text += part
                last = ends
        if text:
            words.append(Spoken(text, first, last + 1))
        return words

    def in_bytes(self, tokens: Sequence[str]) -> bool:
        """True if a letter may be made of several of these tokens."""
        return self._style is Style.BYTES or any(token[:3] == "<0x" for token in tokens)

    def _token_parts(self, tokens: Sequence[str]) -> Iterator[Part]:
        continues = False
        for index, token in enumerate(tokens):
            parts = self._parts.get(token, ())
            if self._style is Style.CONTINUED:
                if not continues:
                    yield " ", index, index
                continues = token.endswith("@@")
            for part in parts:
                yield part, index, index

    def _split(self, token: str) -> Iterator[str]:
        """A token's spaces, characters that are words, and what else there is."""
        if is_special(token):
            return
        text = token.removesuffix("@@") if self._style is Style.CONTINUED else token
        text = text.replace(MARK, " ").replace("|", " ")
        if self._style is Style.WHOLE:
            text = f" {text} "
        for part in _PARTS.findall(text):
            if part == " " or not is_unspaced(part):
                yield part.lower() if self._lower else part
            else:
                yield from part

    def _byte_parts(self, tokens: Sequence[str]) -> Iterator[Part]:
        """Each letter with the tokens that its first and its last byte came from."""
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        begins = 0
        for index, token in enumerate(tokens):
            for byte in self._bytes(token):
                if not decoder.getstate()[0]:
                    begins = index
                for letter in decoder.decode(bytes((byte,))):
                    yield letter.lower() if self._lower else letter, begins, index

    def _bytes(self, token: str) -> bytes:
        byte = byte_of(token)
        if byte is not None:
            return bytes((byte,))
        if self._style is Style.BYTES and not is_special(token):
            table = byte_letters()
            return bytes(32 if letter == MARK else table.get(letter, 32) for letter in token)
        return "".join(self._parts.get(token, ())).encode()
