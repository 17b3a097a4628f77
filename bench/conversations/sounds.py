"""The audio of generated conversations: a buzz that classifiers take for speech, and near silence.

No stretch of it repeats, so that every word that the fake engine makes of it is the word of one
place: audio that is lost, doubled or moved shows.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from decoder.fake import FAIL_SAMPLE
from rasr.audio import FORMATS, SAMPLE_RATE, Samples, audio_decoder, encode

_POOL_S = 60
_PITCH_HZ = 120.0
_PEAK = 6000.0
_QUIET_RMS = 3.0
"""Below what any classifier takes for speech, and below what the fake engine has a word for."""
_FAILS_AFTER_MS = 200
"""Of speech; in the shortest sentence there is, too."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a recording: speech, or silence."""

    is_speech: bool
    ms: int
    at_ms: int = 0
    """Where it is taken from, in the endless recording of its kind."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a client says in one round."""

    audio_format: str
    """A name of `rasr.audio.FORMATS`."""
    stretches: tuple[Stretch, ...]
    header: bool = False
    """It begins with a WAV header that says what was declared."""
    fails: bool = False
    """A sample of the first speech makes the fake engine fail; pcm16k16bit only."""

    @property
    def ms(self) -> int:
        """How long it lasts."""
        return sum(one.ms for one in self.stretches)

    def spans(self, is_speech: bool) -> list[tuple[int, int]]:
        """Where its speech, or its silence, begins and ends, ms."""
        found, at = [], 0
        for one in self.stretches:
            if one.is_speech is is_speech:
                found.append((at, at + one.ms))
            at += one.ms
        return found

    def encoded(self) -> bytes:
        """The bytes that the client sends."""
        declared = FORMATS[self.audio_format]
        pieces = [_piece(one, declared.sample_rate) for one in self.stretches]
        samples = np.concatenate(pieces or [np.empty(0, np.int16)])
        if self.fails:
            at_ms = self.spans(True)[0][0] + _FAILS_AFTER_MS
            samples[at_ms * SAMPLE_RATE // 1000] = FAIL_SAMPLE
        data = encode(samples, declared.encoding)
        return _wav_header(declared.sample_rate, len(data)) + data if self.header else data


def heard(data: bytes, audio_format: str) -> Samples:
    """What the server makes of bytes that come as one: mono int16 at 16 kHz, shape (n,)."""
    decoder = audio_decoder(FORMATS[audio_format])
    pieces = [decoder.feed(data), decoder.flush()]
    return np.concatenate(pieces)


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The bytes in pieces of these sizes, again and again."""
    pieces, at, number = [], 0, 0
    while at < len(data):
        size = sizes[number % len(sizes)]
        pieces.append(data[at : at + size])
        at, number = at + size, number + 1
    return pieces


def _piece(stretch: Stretch, rate: int) -> Samples:
    pool = _speech(rate) if stretch.is_speech else _silence(rate)
    start = stretch.at_ms * rate // 1000
    return pool[start : start + stretch.ms * rate // 1000]


LONGEST_MS = 5000
"""Of one stretch."""
PLACES_MS = 1000 * _POOL_S - LONGEST_MS
"""Where a stretch may be taken from, at most."""


@cache
def _speech(rate: int) -> Samples:
    """A buzz with two formants and a little noise, mono, shape (n,), at `rate` Hz."""
    time = np.arange(_POOL_S * rate) / rate
    phase = 2 * np.pi * _PITCH_HZ * time + 3 * np.sin(2 * np.pi * 2.1 * time)
    wave: NDArray[np.float64] = np.zeros(len(time))
    for harmonic in range(1, 26):
        hz = harmonic * _PITCH_HZ
        gain = np.exp(-(((hz - 600) / 500) ** 2)) + 0.6 * np.exp(-(((hz - 1700) / 700) ** 2))
        wave += gain * np.sin(harmonic * phase)
    wave *= 1 + 0.3 * np.sin(2 * np.pi * 4 * time)
    wave += 0.02 * np.random.default_rng(rate).standard_normal(len(time))
    buzz: Samples = (_PEAK * wave / np.abs(wave).max()).astype(np.int16)
    return buzz


@cache
def _silence(rate: int) -> Samples:
    """Faint noise, mono, shape (n,), at `rate` Hz."""
    noise = np.random.default_rng(rate + 1).normal(0, _QUIET_RMS, _POOL_S * rate)
    silence: Samples = noise.astype(np.int16)
    return silence


def _wav_header(rate: int, size: int) -> bytes:
    """Of 16-bit PCM, mono."""
    shape = struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    return (b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + shape + b"data") + struct.pack(
        "<I", size
    )
