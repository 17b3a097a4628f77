"""The engine boundary: what every recogniser offers and what it may assume.

The interface is synchronous and knows no clock. Whoever schedules the calls guarantees that one
stream is used by one thread at a time. Where an engine's kind is placed in threads
(`decoder.registry.Placement`), `open`, `decode` and the streams of one engine are used by several
threads at once, each stream by one.

Audio at this border is mono int16, one-dimensional and C-contiguous, at `Capabilities.sample_rate`.
Positions are whole samples since the start of the stream, at that same rate. It is 16 kHz for every
engine that `decoder.registry.load` returns: an engine of another rate is adapted there
(`decoder.resampling`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
"""Hz of the audio that whoever schedules engines counts in."""

Samples = NDArray[np.int16]
"""Mono audio, shape (n,), dtype int16, at the engine's rate."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word (one character for Chinese), placed on its stream's own clock."""

    text: str
    start_sample: int
    end_sample: int
    """First sample after the word."""
    confidence: float
    """Posterior probability, 0 to 1; 0.0 where the engine has none. PocketSphinx has one for finals
    and with its lattice search alone; of sherpa-onnx's models transducers have one, CTC models and
    paraformers have none."""
    times_guessed: bool = False
    """Nobody has heard when it was said: its times are its share of the utterance's."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The best words so far. The next one replaces it whole."""

    words: tuple[Word, ...] = ()
    text: str = ""
    confidence: float = 0.0
    """Of the whole text, the mean of its words', 0 to 1; 0.0 where the engine has none."""
    findings: Findings | None = None
    """What the engine says of the audio besides its words; None where it says nothing."""
    second_pass: bool = False
    """It is of another engine than the live one, and may write marks, case and digits otherwise.
    Engines leave it as it is; who asks a second one sets it."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What some engines say of an utterance besides its words. Empty: not said."""

    language: str = ""
    """Its English name in small letters, as in `Capabilities.languages`."""
    emotion: str = ""
    """In small letters: "happy", "sad", "angry", "neutral", …"""
    event: str = ""
    """What is heard, in small letters: "speech", "music", "applause", "laughter", …"""


@dataclass(frozen=True, slots=True)
class HotWord:
    """A word or phrase to be preferred, as people write it."""

    text: str
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Writing:
    """What an engine writes by itself, as people do."""

    punctuation: bool = False
    """Punctuation marks, each as the end of the word before it."""
    case: bool = False
    """Capital letters where people write them."""
    digits: bool = False
    """Numbers in digits where people write them so."""


AS_PEOPLE_DO = Writing(punctuation=True, case=True, digits=True)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, known once its model is loaded."""

    name: str
    languages: tuple[str, ...]
    """As they begin a SIS property: "english", "chinese", … Empty where nobody has said it, and
    where the engine finds out by itself what is spoken (`detects_language`)."""
    sample_rate: int
    """Hz that `Stream.accept` expects."""
    partials: bool
    """False if it has a hypothesis only after `Stream.finish`."""
    word_times: bool
    hot_words: bool
    max_batch: int
    """Most streams that one `Engine.decode` call takes."""
    first_step_samples: int = 1
    """So much audio makes a fresh stream `ready`."""
    step_samples: int = 1
    """So much more, each time, makes it ready again. Handing on less is only overhead."""
    lookahead_samples: int = 0
    """Audio after a word without which the engine cannot recognise it, unless `Stream.finish` says
    that no more comes."""
    rereads: bool = False
    """It decodes an utterance anew as it grows: what a step costs grows with the utterance, and
    `Stream.pause` is of use."""
    detects_language: bool = False
    """It knows many languages and finds out which one is spoken."""
    writing: Writing = Writing()
    """What it writes besides bare words."""
    longest_samples: int | None = None
    """The longest utterance that it reads well; None: any."""


class Stream(Protocol):
    """One utterance being decoded."""

    @property
    def refused_hot_words(self) -> tuple[HotWord, ...]:
        """Those asked of `Engine.open` that cannot be preferred: no way to say or spell them."""

    def accept(self, samples: Samples) -> None:
        """Take the next samples, shape (n,), int16, n ≥ 0. The array is not kept.

        Cutting the same samples differently gives the same hypotheses after `finish`.
        """

    @property
    def ready(self) -> bool:
        """True if `Engine.decode` has something to do for this stream."""

    def pause(self) -> None:
        """Nobody speaks just now: what was accepted may be the whole utterance.

        It is a hint that costs nothing to ignore. An engine that decodes the utterance anew as it
        grows does so now, and so has its final at hand if `finish` follows.
        """

    def finish(self, silence: int = 0) -> None:
        """No more samples will come: what is left becomes decodable, then `hypothesis` final.

        Args:
            silence: so many samples at the end hold no speech, as far as is known. Engines that
                need silence behind the last word may ask for less of their own.
        """

    def hypothesis(self) -> Hypothesis:
        """The best words for what has been decoded so far. Cheap, may be asked at any time."""

    def close(self) -> None:
        """Give back what the stream holds. Allowed at any time and more than once."""


class Engine(Protocol):
    """One loaded model."""

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do. They do not change."""

    def open(self, hot_words: Sequence[HotWord] = ()) -> Stream:
        """Start an utterance.

        Raises:
            DecodeFailed: no stream can be opened now, or hot words were asked of an engine
                whose capabilities exclude them.
        """

    def decode(self, streams: Sequence[Stream]) -> None:
        """Work on streams that are `ready`, at most `max_batch` of them, until none is.

        Raises:
            DecodeFailed: at least one of the streams is beyond help.
        """
