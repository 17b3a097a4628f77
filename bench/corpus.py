"""What clients say where words matter: whole sentences whose words and times are known.

Made of the bundled recordings, or of any folder with a transcripts.tsv, whose recordings are taken
as a sentence each and whose word times nobody knows. Sentences are cut into chunks of 100 ms that
all clients share; each client says them in an order of its own, with pauses of its own between
them, by seed. The pauses of a conversation make the stated share of speech on average.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np

from bench.recordings import Recording, SpokenWord, load, names, recordings_in
from bench.script import CHUNK_MS, Script, Sound, Spoken
from bench.sound import CHUNK_SAMPLES, SPEECH_SHARE, Samples, Talk, pool
from rasr.audio import SAMPLE_RATE
from rasr.wire.sis.properties import Property

_NOISE = 4.0
"""RMS of silence, int16: a line that is on."""
_NOISE_CHUNKS = 20
_LEAST_PAUSE_CHUNKS = 12
"""Longer than any silence that may be within a sentence."""
_QUIET = 0.02
"""Of the loudest frame's level: where a recording without times begins and ends."""
_FRAME = SAMPLE_RATE // 50


@dataclass(frozen=True, slots=True)
class Sentence:
    first: int
    """Its first chunk."""
    count: int
    spoken: Spoken
    """From the start of that chunk."""


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """First the chunks of the sentences, then those of silence."""

    chunks: tuple[Samples, ...]
    sentences: tuple[Sentence, ...]

    @classmethod
    def of(cls, sentences: Sequence[tuple[Samples, tuple[SpokenWord, ...]]]) -> Self:
        """Of sentences that begin and end with speech; times from the start of each.

        Raises:
            ValueError: there are none.
        """
        if not sentences:
            raise ValueError("no recording is in this language; at least one is needed")
        noise = np.random.default_rng(1).standard_normal((_NOISE_CHUNKS, CHUNK_SAMPLES)) * _NOISE
        silence = tuple(noise.astype(np.int16))
        chunks: list[Samples] = []
        placed = []
        for samples, words in sentences:
            count = -(-len(samples) // CHUNK_SAMPLES)
            padded = np.resize(np.concatenate(silence), count * CHUNK_SAMPLES)
            padded[: len(samples)] = samples
            spoken = Spoken(0, len(samples) * 1000 // SAMPLE_RATE, words)
            placed.append(Sentence(len(chunks), count, spoken))
            chunks += list(padded.reshape(count, CHUNK_SAMPLES))
        return cls((*chunks, *silence), tuple(placed))

    def script(self, talk: Talk, seed: int, chunks: int) -> Script:
        choice = random.Random(f"{talk} {seed}")
        numbers: list[int] = []
        spoken: list[Spoken] = []
        skipped = -1
        for sentence, pause in self._said(talk, choice):
            if skipped < 0:
                # Anywhere in the sentence or in the pause behind it: a crowd does not begin to
                # speak at once.
                skipped = choice.randrange(sentence.count + pause)
            spoken.append(_moved(sentence.spoken, len(numbers) * CHUNK_MS))
            numbers += range(sentence.first, sentence.first + sentence.count)
            silent = len(self.chunks) - _NOISE_CHUNKS
            numbers += [choice.randrange(silent, len(self.chunks)) for _ in range(pause)]
            if len(numbers) >= chunks + skipped:
                break
        if talk is Talk.SPEECH:
            # No pause in between: it is one stretch of speech.
            words = tuple(word for one in spoken for word in one.words)
            spoken = [Spoken(0, spoken[-1].end_ms, words)]
        return Script(tuple(numbers), tuple(spoken)).part(skipped, chunks)

    def _said(self, talk: Talk, choice: random.Random) -> Iterator[tuple[Sentence, int]]:
        """Sentences with the pause behind each, in chunks: all of them, then all again."""
        while True:
            for sentence in choice.sample(self.sentences, len(self.sentences)):
                pause = 0
                if talk is Talk.CONVERSATION:
                    speech = (sentence.spoken.end_ms - sentence.spoken.start_ms) / CHUNK_MS
                    silent = speech * (1 - SPEECH_SHARE) / SPEECH_SHARE
                    # What fills up the last chunk is silence, too.
                    silent -= sentence.count - speech
                    pause = max(round(silent * choice.uniform(0.7, 1.3)), _LEAST_PAUSE_CHUNKS)
                yield sentence, pause


def _moved(one: Spoken, by_ms: int) -> Spoken:
    words = tuple(
        SpokenWord(word.text, word.start_ms + by_ms, word.end_ms + by_ms) for word in one.words
    )
    return Spoken(one.start_ms + by_ms, one.end_ms + by_ms, words)


@dataclass(frozen=True, slots=True)
class Source:
    """Which sound a load is made of: small, so that it can be sent to another process."""

    language: str | None = None
    """"en" or "zh": sentences whose words are known. None: speech without a pause, of whatever
    language, in which not even a moment is silent (`bench.sound`)."""
    folder: Path | None = None
    """With a language: recordings of this folder instead of the bundled ones."""

    @property
    def knows_words(self) -> bool:
        return self.language is not None and self.folder is None

    @classmethod
    def of(cls, property_name: str, folder: Path | None) -> Self:
        """
        Raises:
            ValueError: it is no property, or of a language without recordings.
        """
        named = Property.parse(property_name)
        languages = {"english": "en", "chinese": "zh"}
        if named is None or named.language not in languages:
            raise ValueError(
                f"there are no recordings for {property_name!r}; allowed: properties that begin "
                f"with {' or '.join(languages)}, such as english_16k_common"
            )
        return cls(languages[named.language], folder)


WITHOUT_PAUSES = Source()


@cache
def sound_of(source: Source) -> Sound:
    """Read the recordings.

    Raises:
        OSError, ValueError: there are none.
    """
    if source.language is None:
        return pool()
    if source.folder is not None:
        return Corpus.of(
            [
                (_trimmed(one.samples), ())
                for one in recordings_in(source.folder)
                if one.language == source.language
            ]
        )
    whole = [load(name, source.language) for name in names(source.language)]
    return Corpus.of([cut for one in whole for cut in _sentences(one)])


def _sentences(recording: Recording) -> Iterator[tuple[Samples, tuple[SpokenWord, ...]]]:
    for one in recording.sentences:
        start, end = (ms * SAMPLE_RATE // 1000 for ms in (one.start_ms, one.end_ms))
        words = tuple(
            replace(word, start_ms=word.start_ms - one.start_ms, end_ms=word.end_ms - one.start_ms)
            for word in one.words
        )
        yield recording.samples[start:end], words


def _trimmed(samples: Samples) -> Samples:
    """Without the silence at both ends."""
    whole = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    levels = np.sqrt(np.mean(whole**2, axis=1))
    (loud,) = np.nonzero(levels > _QUIET * levels.max())
    return samples[loud[0] * _FRAME : (loud[-1] + 1) * _FRAME]
