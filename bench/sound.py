"""What the clients of a load say: speech without pauses, or two fifths speech.

Made of the recordings that the tests know, and of those in RASR_SPEECH_DIR if it is set, cut into
chunks of 100 ms that all clients share; each client has its own order of them, by seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from bench.recordings import human_recordings, load, names
from bench.script import CHUNK_MS, Script, Spoken
from rasr.audio import SAMPLE_RATE
from vad import WebRtcClassifier, frame_levels

Samples = NDArray[np.int16]

CHUNK_SAMPLES = SAMPLE_RATE // 10
SPEECH_SHARE = 0.4
_FRAME = SAMPLE_RATE // 50
_PAUSE_FRAMES = 5
"""Pauses of up to 100 ms stay: they are within words."""
_QUIET = 0.02
"""Of the loudest frame's level: -34 dB."""
_LEVEL = 2000.0
"""RMS of every recording, int16: about -24 dB of full scale."""
_NOISE = 4.0
"""RMS of silence, int16: a line that is on."""
_SENTENCE_CHUNKS = (15, 45)
"""Speech of 1.5 to 4.5 s, then the pause that makes the share right, on average."""


class Talk(StrEnum):
    SPEECH = "all speech"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Chunks of 1,600 samples: first those of speech in their order, then those of silence."""

    chunks: tuple[Samples, ...]
    speech: int

    def talk(self, kind: Talk, seed: int, chunks: int) -> list[int]:
        """The numbers of the chunks that one client says."""
        order = self._said(kind, random.Random(f"{kind} {seed}"))
        return [next(order) for _ in range(chunks)]

    def script(self, talk: Talk, seed: int, chunks: int) -> Script:
        """The same with where it is speech: nobody knows the words."""
        numbers = self.talk(talk, seed, chunks)
        spoken, place = [], 0
        for is_speech, run in groupby(number < self.speech for number in numbers):
            count = sum(1 for _ in run)
            if is_speech:
                spoken.append(Spoken(place * CHUNK_MS, (place + count) * CHUNK_MS))
            place += count
        return Script(tuple(numbers), tuple(spoken))

    def _said(self, kind: Talk, choice: random.Random) -> Iterator[int]:
        place = choice.randrange(self.speech)
        # Anywhere in a sentence or in the pause behind it: if all began with a sentence, a crowd
        # would speak at once where two fifths of it do.
        passed = choice.random()
        while True:
            spoken = choice.randint(*_SENTENCE_CHUNKS)
            silent = 0
            if kind is Talk.CONVERSATION:
                silent = round(
                    spoken * (1 - SPEECH_SHARE) / SPEECH_SHARE * choice.uniform(0.7, 1.3)
                )
            begins = round(passed * (spoken + silent))
            passed = 0.0
            for _ in range(begins, spoken):
                yield place
                place = (place + 1) % self.speech
            for _ in range(max(begins, spoken), spoken + silent):
                yield choice.randrange(self.speech, len(self.chunks))


def pool() -> Pool:
    """Read the recordings."""
    recordings = [load(name).samples for name in names()]
    recordings += [one.samples for one in human_recordings()]
    joined = np.concatenate([_loud(one) for one in recordings])
    while len(spoken := _spoken(joined)) < len(joined):
        joined = spoken
    speech = joined.size // CHUNK_SAMPLES
    noise = np.random.default_rng(1).standard_normal((20, CHUNK_SAMPLES)) * _NOISE
    return Pool(
        (
            *joined.reshape(-1)[: speech * CHUNK_SAMPLES].reshape(speech, CHUNK_SAMPLES),
            *noise.astype(np.int16),
        ),
        speech,
    )


def _loud(samples: Samples) -> Samples:
    """The frames, shape (n, 320), that are loud or close behind a loud one, at one level."""
    whole = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    levels = np.sqrt(np.mean(whole**2, axis=1))
    kept = whole[_near(levels > _QUIET * levels.max())]
    scaled = kept * (_LEVEL / np.sqrt(np.mean(kept**2)))
    level: Samples = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
    return level


def _spoken(frames: Samples) -> Samples:
    """Those that the server's voice activity detection calls speech, or close behind such.

    It adapts to what it hears, so it may call others silence next time.
    """
    classifier = WebRtcClassifier()
    samples = frames.reshape(-1)
    levels = frame_levels(samples, _FRAME)
    # The first time round it only gets used to the sound.
    classifier.judge(samples, levels)
    kept: Samples = frames[_near(np.array(classifier.judge(samples, levels)))]
    return kept


def _near(yes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True, or true a short while ago."""
    return np.convolve(yes, np.ones(_PAUSE_FRAMES + 1))[: len(yes)] > 0
