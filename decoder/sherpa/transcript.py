"""The words of one utterance with their times, as its results come.

A transducer or CTC model says when a token came, to one of its frames, not how long it lasts: a
word ends where the next one begins, or `_LONGEST_MS` after its last token.

Paraformers say no times. Their words share the sound that was decoded, each by its number of
tokens; `Capabilities.word_times` is False.

A result has all tokens of the utterance, and nearly always they are those of the last result and
some more. So words that nothing can change any more are kept, and only what follows them is read:
half a minute of speech costs no more a step than its first words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from decoder.engine import Hypothesis, Word
from decoder.joining import join_words
from decoder.sherpa.recogniser import NativeResult
from decoder.sherpa.words import Spoken, WordMaker

_LONGEST_MS = 320
"""From a word's last token to its end where no word follows: a slow syllable."""


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
        """Those that stay as they are."""
        self._text = ""
        self._confidence = 0.0
        """Theirs, added up."""
        self._first = 0
        """The first token that is none of theirs: the next word begins with it."""
        self._next_sample = 0
        """Where that word was placed: the last one of ours ends there at the latest."""
        self._made_of: list[Sequence[object]] = []
        """What was said of their tokens, and of the next one."""

    def read(self, result: NativeResult, samples: int) -> Hypothesis:
        """The words placed inside `samples` of sound, in order, 10 ms each where there is room."""
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
                _confidence(likely[first + word.first : first + word.last]) if known else 0.0,
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
    forward, because the sound ended before its token came, will move back.
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
    """Starts inside the sound, in order, with `least` samples for each word before the next.

    Tokens may come after the end of the sound, or all at once: such words move together.
    """
    placed: list[int] = []
    for index, start in enumerate(starts):
        highest = samples - (len(starts) - index) * least
        placed.append(max(lowest, min(start, highest)))
        lowest = placed[-1] + least
    return placed


def _confidence(log_probabilities: Sequence[float]) -> float:
    """The geometric mean of the tokens' probabilities: a word of many pieces is no less sure."""
    return min(math.exp(sum(log_probabilities) / len(log_probabilities)), 1.0)
