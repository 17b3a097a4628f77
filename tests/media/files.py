"""Audio files for tests, made when they are wanted: every format that is read, and what is none."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np

from rasr.audio import SAMPLE_RATE, Samples
from tests.audio.compressed import element, muxed

_KINDS = {
    "wav": ("wav", "pcm_s16le"),
    "wav-alaw": ("wav", "pcm_alaw"),
    "wav-ulaw": ("wav", "pcm_mulaw"),
    "mp3": ("mp3", "libmp3lame"),
    "aac": ("adts", "aac"),
    "m4a": ("ipod", "aac"),
    "amr": ("amr", "libopencore_amrnb"),
    "wma": ("asf", "wmav2"),
    "flac": ("flac", "flac"),
    "ogg": ("ogg", "libopus"),
    "webm": ("webm", "libopus"),
}
ENCODED = tuple(_KINDS)
"""What `encoded` makes; before a hyphen is the `audio_format`."""


def encoded(samples: Samples, kind: str, *, layout: str = "mono") -> bytes:
    """A file of 16 kHz audio; AMR has half the rate."""
    muxer, codec = _KINDS[kind]
    if kind == "amr":
        return muxed(np.ascontiguousarray(samples[::2]), muxer, codec, 8000, bit_rate=12200)
    return muxed(samples, muxer, codec, SAMPLE_RATE, layout)


def tone(seconds: float) -> Samples:
    """A tone that nothing takes for silence, at 16 kHz."""
    places = np.arange(round(seconds * SAMPLE_RATE))
    wave = 8000 * np.sin(places * 440 * 2 * np.pi / SAMPLE_RATE)
    samples: Samples = np.rint(wave).astype(np.int16)
    return samples


def amr_wb(seconds: float) -> bytes:
    """Frames of 20 ms of 6.6 kbit/s with made-up bits; no encoder of it is at hand."""
    random = np.random.default_rng(1)
    frames = (b"\x04" + random.bytes(17) for _ in range(round(seconds * 50)))
    return b"#!AMR-WB\n" + b"".join(frames)


@cache
def bomb() -> bytes:
    """Three hours of AAC in less bytes than a call may have: frames stand for themselves, so a
    minute of silence can be told as often as one likes."""
    minute = muxed(np.zeros(60 * SAMPLE_RATE, np.int16), "adts", "aac", 16000, bit_rate=8000)
    return minute * 180


def with_streams(count: int, samples: Samples) -> bytes:
    """Matroska with so many audio tracks, of which the first one has something to say."""
    audio = element(0xB5, struct.pack(">d", SAMPLE_RATE)) + element(0x6264, b"\x10")
    tracks = b"".join(
        element(
            0xAE,
            element(0xD7, struct.pack(">H", number))
            + element(0x73C5, struct.pack(">H", number))
            + element(0x83, b"\x02")
            + element(0x86, b"A_PCM/INT/LIT")
            + element(0xE1, audio),
        )
        for number in range(1, count + 1)
    )
    block = element(0xA3, b"\x81\x00\x00\x80" + samples.astype("<i2").tobytes())
    cluster = element(0x1F43B675, element(0xE7, b"\x00") + block)
    head = element(0x1A45DFA3, element(0x4282, b"matroska"))
    return head + element(0x18538067, element(0x1654AE6B, tracks) + cluster)


def wav_head(*, rate: int = 16000, channels: int = 1, bytes_said: int = 0, code: int = 1) -> bytes:
    """A WAV header of 16-bit samples, as true as it is told to be."""
    width = min(channels * 2, 65535)
    form = struct.pack("<HHIIHH", code, channels, rate, min(rate * width, 2**32 - 1), width, 16)
    return (
        struct.pack("<4sI4s4sI", b"RIFF", min(bytes_said + 36, 2**32 - 1), b"WAVE", b"fmt ", 16)
        + form
        + struct.pack("<4sI", b"data", bytes_said)
    )


def endless_webm() -> bytes:
    """EBML whose segment has no end, with empty elements only."""
    head = element(0x1A45DFA3, element(0x4282, b"webm"))
    return head + element(0x18538067, element(0xEC, b"") * 200_000, size=-1)
