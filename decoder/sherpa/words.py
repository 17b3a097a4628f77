"""Tokens of a model to words with times.

A Chinese character is a word; pieces of other scripts are joined until the next one begins. A
transducer or CTC model says when a token came, to one of its frames, not how long it lasts: a word
ends where the next one begins, or `_LONGEST_MS` after its last token.

Paraformers say no times. Their words share the sound that was decoded, each by its number of
tokens; `Capabilities.word_times` is False.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from decoder.engine import Hypothesis, Word
from decoder.joining import is_unspaced, join_words
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
_LONGEST_MS = 320
"""From a word's last token to its end where no word follows: a slow syllable."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word, and the tokens that made it: the first and the one after the last."""

    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TokenTimes:
    """What a recogniser says of its tokens."""

    tokens: Sequence[str]
    seconds: Sequence[float]
    """When each came; empty where the model says no times."""
    log_probabilities: Sequence[float]
    """Of each; empty where the model says none."""


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
        if self._style is Style.BYTES or any(token[:3] == "<0x" for token in tokens):
            parts = self._byte_parts(tokens)
        else:
            parts = self._token_parts(tokens)
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


def timed(
    spoken: Sequence[Spoken], said: TokenTimes, *, sample_rate: int, delay_ms: int, samples: int
) -> Hypothesis:
    """The words placed inside `samples` of sound, in order, 10 ms each where there is room."""
    if not spoken or samples < len(spoken):
        return Hypothesis()
    least = min(sample_rate // 100, samples // len(spoken))
    if len(said.seconds) == len(said.tokens):
        starts = [round(said.seconds[word.first] * sample_rate) for word in spoken]
        lasts = [round(said.seconds[word.last - 1] * sample_rate) for word in spoken]
        late = delay_ms * sample_rate // 1000
        longest = _LONGEST_MS * sample_rate // 1000
        borders = _placed([start - late for start in starts], least, samples)
        ends = [last - late + longest for last in lasts]
    else:
        total = max(len(said.tokens), 1)
        borders = _placed([word.first * samples // total for word in spoken], least, samples)
        ends = [samples] * len(spoken)
    known = len(said.log_probabilities) == len(said.tokens)
    words = tuple(
        Word(
            word.text,
            start,
            max(start + least, min(end, until)),
            _confidence(said.log_probabilities[word.first : word.last]) if known else 0.0,
        )
        for word, start, end, until in zip(
            spoken, borders, ends, [*borders[1:], samples], strict=True
        )
    )
    text = join_words(word.text for word in words)
    return Hypothesis(words, text, sum(word.confidence for word in words) / len(words))


def _placed(starts: Sequence[int], least: int, samples: int) -> list[int]:
    """Starts inside the sound, in order, with `least` samples for each word before the next.

    Tokens may come after the end of the sound, or all at once: such words move together.
    """
    placed: list[int] = []
    for index, start in enumerate(starts):
        lowest = placed[-1] + least if placed else 0
        highest = samples - (len(starts) - index) * least
        placed.append(max(lowest, min(start, highest)))
    return placed


def _confidence(log_probabilities: Sequence[float]) -> float:
    """The geometric mean of the tokens' probabilities: a word of many pieces is no less sure."""
    return min(math.exp(sum(log_probabilities) / len(log_probabilities)), 1.0)
