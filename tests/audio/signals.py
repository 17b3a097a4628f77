"""Signals, WAV files and cuts of bytes, for the tests of `rasr.audio`."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from rasr.audio import AudioDecoder, Resampler, Samples

quick = settings(max_examples=60)


def tone(hz: float, seconds: float, rate: int, level: float = 8000.0) -> Samples:
    """A sine that begins at zero."""
    t = np.arange(round(seconds * rate)) / rate
    return np.rint(level * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def noise(seconds: float, rate: int, level: float = 3000.0, seed: int = 7) -> Samples:
    """White noise, normally distributed with standard deviation `level`."""
    values = np.random.default_rng(seed).standard_normal(round(seconds * rate)) * level
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)


def silence(seconds: float, rate: int) -> Samples:
    """Zeros."""
    return np.zeros(round(seconds * rate), np.int16)


def voice(seconds: float, rate: int, pitch_hz: float = 110.0, syllables_hz: float = 4.5) -> Samples:
    """Something with the statistics of speech: gliding pitch, formants, syllables, hisses, pauses.

    Made at 8 kHz, so that 16 kHz has the same signal.
    """
    count = round(seconds * 8000)
    t = np.arange(count) / 8000
    glide = np.sin(2 * np.pi * 0.9 * t) + 0.5 * np.sin(2 * np.pi * 2.3 * t + 1)
    phase = 2 * np.pi * np.cumsum(pitch_hz * 2.0 ** (0.25 * glide)) / 8000
    vowel = np.zeros(count)
    for number in range(1, int(3600 / (1.5 * pitch_hz)) + 1):
        hz = number * pitch_hz
        formants = sum(1 / (1 + ((hz - centre) / 90) ** 2) for centre in (500, 1500, 2500))
        vowel += (formants + 0.1) / number * np.sin(number * phase)
    syllable = np.sin(np.pi * syllables_hz * t + 0.6 * np.sin(2 * np.pi * 0.7 * t)) ** 2
    # Between two syllables the hiss of a consonant, and a pause every now and then.
    hiss = np.random.default_rng(3).standard_normal(count) * 0.05 * (1 - syllable) ** 4
    speaking = np.sin(2 * np.pi * 0.3 * t + 0.5) > -0.8
    signal = (vowel * syllable + hiss) * speaking
    signal *= 12000 / np.abs(signal).max()
    made = np.rint(signal).astype(np.int16)
    resampler = Resampler(8000, rate)
    return np.concatenate((resampler.feed(made), resampler.flush()))


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt(
    code: int = 1, channels: int = 1, rate: int = 16000, bits: int = 16, extra: bytes = b""
) -> bytes:
    block = channels * bits // 8
    return chunk(
        b"fmt ", struct.pack("<HHIIHH", code, channels, rate, rate * block, block, bits) + extra
    )


def wav(
    audio: bytes,
    *,
    head: bytes | None = None,
    before: bytes = b"",
    behind: bytes = b"",
    riff_size: int | None = None,
    data_size: int | None = None,
) -> bytes:
    """A WAV file: chunks `before` and `behind` the data chunk, sizes as given or true."""
    chunks = (fmt() if head is None else head) + before
    stated = len(audio) if data_size is None else data_size
    body = b"WAVE" + chunks + b"data" + struct.pack("<I", stated) + audio + behind
    whole = len(body) if riff_size is None else riff_size
    return b"RIFF" + struct.pack("<I", whole) + body


cuts = st.lists(st.integers(0, 97), max_size=80)
"""Sizes of the first chunks; what is left comes as one."""


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


def fed(decoder: AudioDecoder, data: bytes) -> Samples:
    """All samples that `data` completes."""
    pieces = [decoder.feed(data)]
    while decoder.pending:
        pieces.append(decoder.feed(b""))
    return np.concatenate(pieces)
