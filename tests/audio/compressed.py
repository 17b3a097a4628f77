"""Compressed audio for tests, made by PyAV when it is wanted."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from functools import cache

import av
import numpy as np

from rasr.audio import COMPRESSED_FORMATS, SAMPLE_RATE, Samples, audio_decoder
from tests.audio.signals import fed

_MUXERS = {
    "ogg-opus": ("ogg", "libopus"),
    "webm-opus": ("webm", "libopus"),
    "mp3": ("mp3", "libmp3lame"),
    "aac": ("adts", "aac"),
}


class _Pipe(io.RawIOBase):
    """What can only be written on, as a browser's recorder does: sizes are not filled in later."""

    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.written += bytes(data)  # type: ignore[call-overload]
        return len(self.written)


def compressed(
    samples: Samples,
    name: str,
    rate: int,
    *,
    layout: str = "mono",
    live: bool = False,
    bit_rate: int = 64000,
    **options: str,
) -> bytes:
    """`samples` at `rate` in the container and codec of an audio_format.

    Args:
        samples: shape (n,), or (n, 2) for a layout of two channels.
        live: as written into a pipe.
    """
    muxer, codec = _MUXERS[name]
    return muxed(samples, muxer, codec, rate, layout, live, bit_rate, options)


def muxed(
    samples: Samples,
    muxer: str,
    codec: str,
    rate: int,
    layout: str = "mono",
    live: bool = False,
    bit_rate: int = 64000,
    options: dict[str, str] | None = None,
) -> bytes:
    target = _Pipe() if live else io.BytesIO()
    muxing = {"live": "1"} if live and muxer == "webm" else {}
    with av.open(target, "w", format=muxer, options=muxing) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, options=options or {})
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout=layout
        )
        frame.sample_rate = rate
        for item in (frame, None):
            for packet in stream.encode(item):
                container.mux(packet)
    return target.written if isinstance(target, _Pipe) else target.getvalue()


def decoded(data: bytes) -> Samples:
    """What FFmpeg makes of the whole file, at 16 kHz."""
    pieces = []
    with av.open(io.BytesIO(data), "r") as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        for frame in container.decode(audio=0):
            pieces += resampler.resample(frame)
        pieces += resampler.resample(None)
    return np.concatenate([piece.to_ndarray().reshape(-1) for piece in pieces])


def heard(
    name: str, pieces: Sequence[bytes], *, channel: int | None = None
) -> tuple[Samples, str | None]:
    """What the audio decoder makes of a stream: the samples, and what is wrong with it."""
    decoder = audio_decoder(COMPRESSED_FORMATS[name], channel=channel)
    found = [fed(decoder, piece) for piece in pieces]
    found.append(decoder.flush())
    return np.concatenate(found), decoder.fault


def at_16k(samples: Samples, rate: int) -> Samples:
    """`samples` at 16 kHz by FFmpeg's resampler, which takes part in decoding."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    pieces = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([samples[:0], *(piece.to_ndarray().reshape(-1) for piece in pieces)])


def pieces_of(data: bytes, length: int) -> list[bytes]:
    return [data[at : at + length] for at in range(0, len(data), length)]


# Ogg and EBML by hand, for what no encoder writes


def page(
    serial: int, packets: bytes, lacing: Sequence[int], flags: int = 0, granule: int = 0
) -> bytes:
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, 0, 0, len(lacing))
    return head + bytes(lacing) + packets


def element(name: int, body: bytes, size: int | None = None) -> bytes:
    """An EBML element with a size of eight bytes; `size` is a lie about it, -1 is unknown."""
    said = len(body) if size is None else size
    length = (1 << 56) - 1 if said == -1 else said
    width = (name.bit_length() + 7) // 8
    return name.to_bytes(width, "big") + ((1 << 56) | length).to_bytes(8, "big") + body


def opus_head(channels: int = 1, skip: int = 312, family: int = 0) -> bytes:
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, skip, 48000, 0, family)


@cache
def opus_packets(seconds: float) -> tuple[bytes, ...]:
    """Packets of 20 ms of a tone."""
    count = round(seconds * 48000)
    wave = np.rint(8000 * np.sin(np.arange(count) * 440 * 2 * np.pi / 48000)).astype(np.int16)
    with av.open(io.BytesIO(compressed(wave, "ogg-opus", 48000)), "r") as container:
        return tuple(bytes(packet) for packet in container.demux(audio=0) if packet.size)
