"""What is aligned and what comes of it, and a guess for words that cannot be aligned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from decoder.engine import Hypothesis, Samples
from decoder.loudness import spread_words

LANGUAGES: Final = ("english",)
"""Those whose words can be aligned, as in `Capabilities.languages`."""

Span = tuple[int, int]
"""Samples [start, end) of an utterance."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Recognised words that are said as one: mostly a single word."""

    texts: tuple[str, ...]
    """As they are written, none empty: "$5", "million"."""
    spoken: tuple[str, ...]
    """As they are said, in small letters, without marks or digits: "five", "million", "dollars".
    Empty where nothing is said."""


@dataclass(frozen=True, slots=True)
class WordTimes:
    """When a written word was said."""

    start_sample: int
    end_sample: int
    """First sample after the word."""
    aligned: bool
    """False for a guess: the word's share of the time in which it must have been said."""


def guess(phrases: Sequence[Phrase], samples: Samples) -> list[WordTimes]:
    """Times of words that cannot be aligned: spread over the voiced parts of the audio.

    Args:
        phrases: the words of the utterance.
        samples: all of its audio, shape (n,), int16, at 16 kHz.

    Returns:
        One for each written word, in order, none aligned.
    """
    texts = [text for phrase in phrases for text in phrase.texts]
    return list(_spread(texts, samples, (0, len(samples))))


def placed(
    phrases: Sequence[Phrase], spans: Sequence[Span | None], samples: Samples
) -> list[WordTimes]:
    """Times of words from those of their phrases.

    Words that share a phrase are spread over it, and words of phrases without a span over the time
    between their neighbours, which may be none: both are guesses.

    Args:
        phrases: the words of the utterance.
        spans: of each phrase, in order and disjoint; None where it is not known.
        samples: all of its audio, shape (n,), int16, at 16 kHz.

    Returns:
        One for each written word, in order.
    """
    times: list[WordTimes] = []
    lost: list[str] = []
    end = 0
    for phrase, span in zip(phrases, spans, strict=True):
        if span is None:
            lost += phrase.texts
            continue
        times += _spread(lost, samples, (end, span[0]))
        lost = []
        if len(phrase.texts) == 1:
            times.append(WordTimes(*span, aligned=True))
        else:
            times += _spread(phrase.texts, samples, span)
        end = span[1]
    times += _spread(lost, samples, (end, len(samples)))
    return times


def timed(hypothesis: Hypothesis, times: Sequence[WordTimes]) -> Hypothesis:
    """`hypothesis` with these times of its words, one for each."""
    words = tuple(
        replace(
            word,
            start_sample=one.start_sample,
            end_sample=one.end_sample,
            times_guessed=not one.aligned,
        )
        for word, one in zip(hypothesis.words, times, strict=True)
    )
    return replace(hypothesis, words=words)


def _spread(texts: Sequence[str], samples: Samples, span: Span) -> Iterator[WordTimes]:
    start, end = span
    for word in spread_words(texts, [0.0] * len(texts), samples[start:end]):
        yield WordTimes(start + word.start_sample, start + word.end_sample, aligned=False)
