"""Tokens of a model to the words of one utterance with their times, as its results come.

A Chinese character is a word; pieces of other scripts are joined until the next one begins. A mark
is the end of the word before it.

A transducer or CTC model says when a token came, to one of its frames, not how long it lasts: a
word ends where the next one begins, or `_LONGEST_MS` after its last token.

Paraformers say no times. Their words share the audio that was decoded, each by its number of
tokens; `Capabilities.word_times` is False.

Transducers say how likely each token was. CTC models and paraformers do not: the confidence of
their words is 0.0.

A result has all tokens of the utterance, and nearly always they are those of the last result and
some more. So words that nothing can change any more are kept, and only what follows them is read:
half a minute of speech costs no more a step than its first words.
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from decoder.engine import Hypothesis, Word
from decoder.joining import is_unspaced, join_words
from decoder.sherpa.recogniser import NativeResult
from decoder.sherpa.vocabulary import (
    MARK,
    Style,
    Vocabulary,
    byte_letters,
    byte_of,
    is_special,
)

_LONGEST_MS = 320
"""From a word's last token to its end where no word follows: a slow syllable."""

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
        return _words_of(parts)

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
            yield part.lower() if self._lower else part

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


def words_of_text(text: str) -> list[str]:
    """The words of a text that a model wrote, by the same rules as those of tokens."""
    parts = _PARTS.findall(" ".join(text.split()))
    return [word.text for word in _words_of((part, 0, 0) for part in parts)]


def _words_of(parts: Iterable[Part]) -> list[Spoken]:
    words: list[Spoken] = []
    text = ""
    first = last = 0
    for part, begins, ends in parts:
        alone = is_unspaced(part)
        if text and (alone or part == " "):
            _add(words, Spoken(text, first, last + 1))
            text = ""
        if alone:
            _add(words, Spoken(part, begins, ends + 1))
        elif part != " ":
            if not text:
                first = begins
            text += part
            last = ends
    if text:
        _add(words, Spoken(text, first, last + 1))
    return words


def _add(words: list[Spoken], word: Spoken) -> None:
    """Add a word; where it is nothing but marks, to the word before it."""
    if words and all(map(_closes, word.text)):
        before = words.pop()
        word = Spoken(before.text + word.text, before.first, word.last)
    words.append(word)


@cache
def _closes(letter: str) -> bool:
    """True for a mark that stands at the end of a word, as most do; not for one that opens."""
    kind = unicodedata.category(letter)
    return kind[0] == "P" and kind not in ("Ps", "Pi")


class Transcript:
    """Reads the results of one utterance, one after the other."""

    def __init__(
        self, maker: WordMaker, *, sample_rate: int, time_scale: float = 1.0, delay_ms: int = 0
    ) -> None:
        """
        Args:
            time_scale: factor from the seconds of a result to seconds.
            delay_ms: how long after a word begins its first token comes.
        """
        self._maker = maker
        self._rate = sample_rate
        self._scale = time_scale
        self._late = delay_ms * sample_rate // 1000
        self._longest = _LONGEST_MS * sample_rate // 1000
        self._words: list[Word] = []
        """Words that do not change any more."""
        self._text = ""
        self._confidence = 0.0
        """The sum of the confidences of `_words`."""
        self._first = 0
        """The first token after those of `_words`: the next word begins with it."""
        self._next_sample = 0
        """Where the next word was placed: the last one of `_words` ends there at the latest."""
        self._made_of: list[Sequence[object]] = []
        """What the recogniser said of the tokens of `_words`, and of the next one."""

    def read(self, result: NativeResult, samples: int) -> Hypothesis:
        """The words placed inside `samples` of audio, in order, 10 ms each where there is room."""
        tokens, seconds, likely = result.tokens, result.timestamps, result.ys_probs
        # A beam search may change its mind, and a stream may have begun anew.
        if self._words and _beginnings(self._first + 1, tokens, seconds, likely) != self._made_of:
            self._forget()
        spoken = self._maker.words(tokens[self._first :])
        if self._words and not self._words_hold(len(spoken), samples):
            self._forget()
            spoken = self._maker.words(tokens)
        count = len(self._words) + len(spoken)
        if not spoken or samples < count:
            return Hypothesis()
        least = min(self._least, samples // count)
        first = self._first
        timed = len(seconds) == len(tokens)
        if timed:
            starts = [self._sample(seconds[first + word.first]) for word in spoken]
            ends = [self._sample(seconds[first + word.last - 1]) + self._longest for word in spoken]
        else:
            starts = [word.first * samples // len(tokens) for word in spoken]
            ends = [samples] * len(spoken)
        lowest = self._words[-1].start_sample + least if self._words else 0
        borders = _placed(starts, lowest, least, samples)
        known = len(likely) == len(tokens)
        words = [
            Word(
                word.text,
                start,
                max(start + least, min(end, until)),
                confidence_of(likely[first + word.first : first + word.last]) if known else 0.0,
                times_guessed=not timed,
            )
            for word, start, end, until in zip(
                spoken, borders, ends, [*borders[1:], samples], strict=True
            )
        ]
        hypothesis = Hypothesis(
            (*self._words, *words),
            join_words((self._text, *(word.text for word in words))),
            _added(self._confidence, words) / count,
        )
        if timed and least == self._least and not self._maker.in_bytes(tokens[first:]):
            settled = _settled(spoken, starts, borders)
            if settled:
                self._keep(words[:settled])
                self._first += spoken[settled].first
                self._next_sample = borders[settled]
                self._made_of = _beginnings(self._first + 1, tokens, seconds, likely)
        return hypothesis

    def _forget(self) -> None:
        self._words.clear()
        self._text = ""
        self._confidence = 0.0
        self._first = 0

    def _keep(self, words: Sequence[Word]) -> None:
        self._words += words
        self._text = join_words((self._text, *(word.text for word in words)))
        self._confidence = _added(self._confidence, words)

    @property
    def _least(self) -> int:
        """Of a word where there is room."""
        return self._rate // 100

    def _words_hold(self, more: int, samples: int) -> bool:
        """Is there room for `more` words from where the next one began?"""
        return self._next_sample + more * self._least <= samples

    def _sample(self, seconds: float) -> int:
        return round(seconds * self._scale * self._rate) - self._late


def _settled(spoken: Sequence[Spoken], starts: Sequence[int], borders: Sequence[int]) -> int:
    """How many of the first words no further token can change.

    The last one may go on, and the one before it ends where that begins. A word that was moved
    forward, because the audio ended before its token came, will move back.
    """
    settled = 0
    for index in range(len(spoken) - 1):
        if borders[index] < starts[index] or borders[index + 1] < starts[index + 1]:
            break
        # Words that share a token are read together.
        if spoken[index].last <= spoken[index + 1].first:
            settled = index + 1
    return settled


def _added(confidence: float, words: Sequence[Word]) -> float:
    """One after the other, so that it does not matter when each was added."""
    for word in words:
        confidence += word.confidence
    return confidence


def _beginnings(count: int, *of: Sequence[object]) -> list[Sequence[object]]:
    return [one[:count] for one in of]


def _placed(starts: Sequence[int], lowest: int, least: int, samples: int) -> list[int]:
    """Starts inside the audio, in order, with `least` samples for each word before the next.

    Tokens may come after the end of the audio, or all at once: such words move together.
    """
    placed: list[int] = []
    for index, start in enumerate(starts):
        highest = samples - (len(starts) - index) * least
        placed.append(max(lowest, min(start, highest)))
        lowest = placed[-1] + least
    return placed


def confidence_of(log_probabilities: Sequence[float]) -> float:
    """How sure a word is: the geometric mean of its tokens' probabilities, 0 to 1.

    A word of many pieces is no less sure.

    Args:
        log_probabilities: natural logarithms, one or more.
    """
    return min(math.exp(sum(log_probabilities) / len(log_probabilities)), 1.0)
