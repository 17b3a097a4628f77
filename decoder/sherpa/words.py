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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from decoder.engine import Hypothesis, Word
from decoder.joining import is_unspaced, join_words
from decoder.sherpa.vocabulary import MARK, Style, byte_letters, byte_of, is_special

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


def assemble(tokens: Sequence[str], style: Style, *, lower: bool) -> list[Spoken]:
    """The words that tokens make."""
    words: list[Spoken] = []
    letters: list[str] = []
    first = last = 0

    def end() -> None:
        if letters:
            text = "".join(letters)
            words.append(Spoken(text.lower() if lower else text, first, last + 1))
            letters.clear()

    for letter, begins, ends in _letters(tokens, style):
        if letter == " ":
            end()
            continue
        if is_unspaced(letter) or (letters and is_unspaced(letters[-1])):
            end()
        if not letters:
            first = begins
        letters.append(letter)
        last = ends
    end()
    return words


def _letters(tokens: Sequence[str], style: Style) -> Iterator[tuple[str, int, int]]:
    """Each letter with the tokens that its first and its last byte came from."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    begins = 0
    for index, data in enumerate(_bytes(tokens, style)):
        for byte in data:
            if not decoder.getstate()[0]:
                begins = index
            for letter in decoder.decode(bytes((byte,))):
                yield letter, begins, index


def _bytes(tokens: Sequence[str], style: Style) -> Iterator[bytes]:
    """What each token adds to the text, with a space where a word begins."""
    continues = False
    for token in tokens:
        byte = byte_of(token)
        if byte is not None:
            yield bytes((byte,))
        elif is_special(token):
            yield b""
        elif style is Style.BYTES:
            table = byte_letters()
            yield bytes(32 if letter == MARK else table.get(letter, 32) for letter in token)
        elif style is Style.CONTINUED:
            piece = token.removesuffix("@@")
            yield (piece if continues else " " + piece).encode()
            continues = piece != token
        elif style is Style.WHOLE:
            yield f" {token} ".encode()
        else:
            yield token.replace(MARK, " ").replace("|", " ").encode()


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
    mean = sum(log_probabilities) / len(log_probabilities)
    return min(max(math.exp(min(mean, 0.0)), 1e-6), 1.0)
