"""What is put on a server: which client says what, and when.

A load is planned beforehand, so that nothing that the server does changes it (open loop). Audio is
cut into chunks that all clients share, and a client says them in an order of its own, by seed; the
same seed is the same load. There are two kinds of corpus. Of the recordings whose words are known,
whole sentences are said, with pauses of known length between them. For words that only tell the
time (`bench.word_clock`) there is speech without a pause, of whatever language, in which no moment
is silent.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bench.recordings import (
    Recording,
    SpeechSpan,
    SpokenWord,
    human_recordings,
    load,
    names,
    recordings_in,
)
from bench.wire_clients import WireClient
from rasr.audio import SAMPLE_RATE, Samples
from vad import WebRtcClassifier, frame_levels

CHUNK_MS = 100
"""How much audio a client sends at a time, in every measurement; SIS recommends 50 to 1000 ms."""
CHUNK_S = CHUNK_MS / 1000
CHUNK_SAMPLES = SAMPLE_RATE * CHUNK_MS // 1000
SPEECH_SHARE = 0.4
"""Of a conversation, on average."""
DRAIN_S = 15.0
"""How long after its last audio a stream's end is waited for."""

_SILENCE_CHUNKS = 20
_SILENCE_RMS = 4.0
"""Of silence, int16: a line that is on."""
_FRAME = SAMPLE_RATE // 50
_QUIET = 0.02
"""Of the loudest frame's level, -34 dB: what is below it is silence."""
_SPEECH_RMS = 2000.0
"""Of every recording of the continuous corpus, int16: about -24 dB of full scale."""
_PAUSE_FRAMES = 5
"""Pauses of up to 100 ms stay: they are within words."""
_CONTINUOUS_SENTENCE_CHUNKS = (15, 45)
"""Speech of 1.5 to 4.5 s, then the pause that makes the share right, on average."""
_LEAST_PAUSE_CHUNKS = 12
"""Longer than any silence that may be within a sentence."""
_LEAST_PHASE_S = 1.0
_PHASE_SHARE = 0.8
"""Of the warm-up: streams begin at random within it. So they are in any phase of a chunk and of a
decoding step, and what a server does from time to time (20 s or 30 s of speech without a pause are
cut by force) does not come to all clients at once."""


class Talk(StrEnum):
    """How much of what a client says is speech."""

    SPEECH = "all speech"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class Script:
    """What one stream says."""

    chunks: tuple[int, ...]
    """Numbers of the chunks of a `Corpus`."""
    speech: tuple[SpeechSpan, ...]
    """Where it is speech, in ms from the start of the stream."""

    @property
    def length_ms(self) -> int:
        """How long it lasts."""
        return len(self.chunks) * CHUNK_MS

    @property
    def speech_share(self) -> float:
        """The share of its time that is speech, 0 to 1."""
        speech_ms = sum(one.end_ms - one.start_ms for one in self.speech)
        return speech_ms / max(self.length_ms, 1)

    def part(self, first: int, count: int) -> Script:
        """Return `count` chunks from chunk `first` on as a script of its own.

        A word that is cut belongs to neither side.
        """
        shift, length = first * CHUNK_MS, count * CHUNK_MS
        speech = []
        for one in self.speech:
            start, end = max(one.start_ms - shift, 0), min(one.end_ms - shift, length)
            if start >= end:
                continue
            words = tuple(
                SpokenWord(word.text, word.start_ms - shift, word.end_ms - shift)
                for word in one.words
                if word.start_ms >= shift and word.end_ms - shift <= length
            )
            speech.append(SpeechSpan(start, end, words))
        return Script(self.chunks[first : first + count], tuple(speech))


class Corpus(Protocol):
    """Chunks that all clients share, and who says which of them."""

    @property
    def chunks(self) -> tuple[Samples, ...]:
        """All chunks, each of shape (`CHUNK_SAMPLES`,), int16 at 16 kHz."""

    def script(self, talk: Talk, seed: int, chunks: int) -> Script:
        """Return so many chunks of one client's talk. The same seed gives the same script."""


@dataclass(frozen=True, slots=True, eq=False)
class ContinuousCorpus:
    """Speech in which no moment is silent: its chunks in their order, then those of silence."""

    chunks: tuple[Samples, ...]
    speech_chunks: int
    """How many of the chunks are speech."""

    @classmethod
    def read(cls) -> Self:
        """Read the bundled English recordings and those of RASR_SPEECH_DIR."""
        recordings = [load(name).samples for name in names()]
        recordings += [one.samples for one in human_recordings()]
        joined = np.concatenate([_loud_frames(one) for one in recordings])
        while len(spoken := _voice_frames(joined)) < len(joined):
            joined = spoken
        count = joined.size // CHUNK_SAMPLES
        speech = joined.reshape(-1)[: count * CHUNK_SAMPLES].reshape(count, CHUNK_SAMPLES)
        return cls((*speech, *_silence()), count)

    def talk(self, kind: Talk, seed: int, chunks: int) -> list[int]:
        """Return the numbers of the chunks that one client says."""
        order = self._order(kind, random.Random(f"{kind} {seed}"))
        return [next(order) for _ in range(chunks)]

    def script(self, talk: Talk, seed: int, chunks: int) -> Script:
        """Return a client's chunks with where they are speech; its words are not known."""
        numbers = self.talk(talk, seed, chunks)
        speech, place = [], 0
        for is_speech, run in groupby(number < self.speech_chunks for number in numbers):
            count = sum(1 for _ in run)
            if is_speech:
                speech.append(SpeechSpan(place * CHUNK_MS, (place + count) * CHUNK_MS))
            place += count
        return Script(tuple(numbers), tuple(speech))

    def _order(self, kind: Talk, choice: random.Random) -> Iterator[int]:
        place = choice.randrange(self.speech_chunks)
        # Anywhere in a sentence or in the pause behind it: if all began with a sentence, all
        # clients would speak at once where two fifths of them do.
        passed = choice.random()
        while True:
            spoken = choice.randint(*_CONTINUOUS_SENTENCE_CHUNKS)
            silent = 0
            if kind is Talk.CONVERSATION:
                silent = round(
                    spoken * (1 - SPEECH_SHARE) / SPEECH_SHARE * choice.uniform(0.7, 1.3)
                )
            begins = round(passed * (spoken + silent))
            passed = 0.0
            for _ in range(begins, spoken):
                yield place
                place = (place + 1) % self.speech_chunks
            for _ in range(max(begins, spoken), spoken + silent):
                yield choice.randrange(self.speech_chunks, len(self.chunks))


@dataclass(frozen=True, slots=True)
class CorpusSentence:
    """One sentence of a `SentenceCorpus`."""

    first: int
    """Its first chunk."""
    count: int
    speech: SpeechSpan
    """From the start of that chunk."""


@dataclass(frozen=True, slots=True, eq=False)
class SentenceCorpus:
    """Whole sentences: first the chunks of the sentences, then those of silence."""

    chunks: tuple[Samples, ...]
    sentences: tuple[CorpusSentence, ...]

    @classmethod
    def of(cls, sentences: Sequence[tuple[Samples, tuple[SpokenWord, ...]]]) -> Self:
        """Cut sentences that begin and end with speech; word times are from the start of each.

        Raises:
            ValueError: there are none.
        """
        if not sentences:
            raise ValueError("no recording is in this language; at least one is needed")
        silence = _silence()
        chunks: list[Samples] = []
        placed = []
        for samples, words in sentences:
            count = -(-len(samples) // CHUNK_SAMPLES)
            padded = np.resize(np.concatenate(silence), count * CHUNK_SAMPLES)
            padded[: len(samples)] = samples
            speech = SpeechSpan(0, len(samples) * 1000 // SAMPLE_RATE, words)
            placed.append(CorpusSentence(len(chunks), count, speech))
            chunks += list(padded.reshape(count, CHUNK_SAMPLES))
        return cls((*chunks, *silence), tuple(placed))

    def script(self, talk: Talk, seed: int, chunks: int) -> Script:
        """Return a client's chunks with where they are speech, and its words where known."""
        choice = random.Random(f"{talk} {seed}")
        numbers: list[int] = []
        speech: list[SpeechSpan] = []
        skipped = -1
        for sentence, pause in self._order(talk, choice):
            if skipped < 0:
                # Anywhere in the sentence or in the pause behind it: clients do not begin to
                # speak all at once.
                skipped = choice.randrange(sentence.count + pause)
            speech.append(_moved(sentence.speech, len(numbers) * CHUNK_MS))
            numbers += range(sentence.first, sentence.first + sentence.count)
            silent = len(self.chunks) - _SILENCE_CHUNKS
            numbers += [choice.randrange(silent, len(self.chunks)) for _ in range(pause)]
            if len(numbers) >= chunks + skipped:
                break
        if talk is Talk.SPEECH:
            # No pause in between: it is one stretch of speech.
            words = tuple(word for one in speech for word in one.words)
            speech = [SpeechSpan(0, speech[-1].end_ms, words)]
        return Script(tuple(numbers), tuple(speech)).part(skipped, chunks)

    def _order(self, talk: Talk, choice: random.Random) -> Iterator[tuple[CorpusSentence, int]]:
        """Yield sentences with the pause behind each, in chunks: all of them, then all again."""
        while True:
            for sentence in choice.sample(self.sentences, len(self.sentences)):
                pause = 0
                if talk is Talk.CONVERSATION:
                    speech = (sentence.speech.end_ms - sentence.speech.start_ms) / CHUNK_MS
                    silent = speech * (1 - SPEECH_SHARE) / SPEECH_SHARE
                    # What fills up the last chunk is silence, too.
                    silent -= sentence.count - speech
                    pause = max(round(silent * choice.uniform(0.7, 1.3)), _LEAST_PAUSE_CHUNKS)
                yield sentence, pause


@dataclass(frozen=True, slots=True)
class CorpusChoice:
    """Which audio a load is made of: small, so that it can be sent to another process."""

    language: str | None = None
    """"en" or "zh": sentences of that language. None: the continuous corpus."""
    folder: Path | None = None
    """With a language: recordings of this folder instead of the bundled ones."""

    @property
    def knows_words(self) -> bool:
        """Whether the words of what is said are known, and their times."""
        return self.language is not None and self.folder is None

    @classmethod
    def of(cls, property_name: str, folder: Path | None) -> Self:
        """Choose sentences of the language of a SIS property.

        Raises:
            ValueError: there are no recordings in its language.
        """
        languages = {"english": "en", "chinese": "zh"}
        language = languages.get(property_name.partition("_")[0])
        if language is None:
            raise ValueError(
                f"there are no recordings for {property_name!r}; allowed: properties that begin "
                f"with {' or '.join(languages)}, such as english_16k_common"
            )
        return cls(language, folder)


CONTINUOUS = CorpusChoice()


@cache
def read_corpus(choice: CorpusChoice) -> Corpus:
    """Read the recordings of a corpus, once in each process.

    Raises:
        OSError, ValueError: there are none.
    """
    if choice.language is None:
        return ContinuousCorpus.read()
    if choice.folder is not None:
        return SentenceCorpus.of(
            [
                (trimmed(one.samples), ())
                for one in recordings_in(choice.folder)
                if one.language == choice.language
            ]
        )
    whole = [load(name, choice.language) for name in names(choice.language)]
    return SentenceCorpus.of([cut for one in whole for cut in _sentences(one)])


@dataclass(frozen=True, slots=True)
class Load:
    """What is put on a server."""

    wire: WireClient
    talk: Talk
    clients: int
    warm_s: float
    window_s: float
    turn_s: tuple[float, float] | None = None
    """Each client's streams are so long, one right after the other; None: one for all the time."""
    seed: int = 1
    corpus: CorpusChoice = CONTINUOUS
    tells_steps: bool = False
    """Whether the server runs the measured model, whose words say which step they are of."""

    @property
    def whole_s(self) -> float:
        """How long each client speaks: warm-up and window."""
        return self.warm_s + self.window_s


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a load that one process puts on: each `of`-th client from `number` on."""

    number: int = 0
    of: int = 1


WHOLE = Share()


@dataclass(frozen=True, slots=True)
class Stream:
    """One connection of a load."""

    client: int
    start_s: float
    """Since the load began."""
    script: Script


def plan(load: Load, corpus: Corpus, share: Share = WHOLE) -> list[Stream]:
    """Plan every stream of a share of a load. The same load gives the same plan."""
    streams = []
    for client in range(share.number, load.clients, share.of):
        choice = random.Random(f"{load.seed} {client}")
        start_s = choice.uniform(0, max(_LEAST_PHASE_S, _PHASE_SHARE * load.warm_s))
        chunks = round(load.whole_s / CHUNK_S)
        whole = corpus.script(load.talk, load.seed * 1000 + client, chunks)
        lengths = [chunks]
        if load.turn_s is not None:
            lengths = _turns(load.turn_s, chunks, choice)
        place = 0
        for length in lengths:
            streams.append(Stream(client, start_s + place * CHUNK_S, whole.part(place, length)))
            place += length
    return streams


def _turns(turn_s: tuple[float, float], chunks: int, choice: random.Random) -> list[int]:
    """The lengths of a client's streams, in chunks."""
    lengths: list[int] = []
    # The first is cut short at random, so that clients that begin together do not end together.
    longest = choice.uniform(0.2, 1.0)
    while chunks:
        length = min(max(1, round(choice.uniform(*turn_s) * longest / CHUNK_S)), chunks)
        lengths.append(length)
        chunks -= length
        longest = 1.0
    return lengths


def _moved(one: SpeechSpan, by_ms: int) -> SpeechSpan:
    words = tuple(
        SpokenWord(word.text, word.start_ms + by_ms, word.end_ms + by_ms) for word in one.words
    )
    return SpeechSpan(one.start_ms + by_ms, one.end_ms + by_ms, words)


def _silence() -> tuple[Samples, ...]:
    """The chunks of silence, always the same."""
    shape = (_SILENCE_CHUNKS, CHUNK_SAMPLES)
    noise = np.random.default_rng(1).standard_normal(shape) * _SILENCE_RMS
    return tuple(noise.astype(np.int16))


def _sentences(recording: Recording) -> Iterator[tuple[Samples, tuple[SpokenWord, ...]]]:
    for one in recording.sentences:
        start, end = (ms * SAMPLE_RATE // 1000 for ms in (one.start_ms, one.end_ms))
        words = tuple(
            replace(word, start_ms=word.start_ms - one.start_ms, end_ms=word.end_ms - one.start_ms)
            for word in one.words
        )
        yield recording.samples[start:end], words


def _frames(samples: Samples) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Whole frames of 20 ms, shape (n, 320), and which of them are louder than silence."""
    whole = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    levels = np.sqrt(np.mean(whole**2, axis=1))
    return whole, levels > _QUIET * levels.max()


def trimmed(samples: Samples) -> Samples:
    """Return them without the silence at both ends."""
    _, loud = _frames(samples)
    (places,) = np.nonzero(loud)
    return samples[places[0] * _FRAME : (places[-1] + 1) * _FRAME]


def _loud_frames(samples: Samples) -> Samples:
    """The frames, shape (n, 320), that are loud or close behind a loud one, at one level."""
    whole, loud = _frames(samples)
    kept = whole[_near(loud)]
    scaled = kept * (_SPEECH_RMS / np.sqrt(np.mean(kept**2)))
    level: Samples = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
    return level


def _voice_frames(frames: Samples) -> Samples:
    """Those that the server's voice activity detection calls speech, or close behind such.

    It adapts to what it hears, so it may call others silence next time.
    """
    classifier = WebRtcClassifier()
    samples = frames.reshape(-1)
    levels = frame_levels(samples, _FRAME)
    # The first time it only gets used to the audio.
    classifier.judge(samples, levels)
    kept: Samples = frames[_near(np.array(classifier.judge(samples, levels)))]
    return kept


def _near(yes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True, or true a short while ago."""
    return np.convolve(yes, np.ones(_PAUSE_FRAMES + 1))[: len(yes)] > 0
