"""Compressed sound while it arrives: packets to mono samples at the engine's rate, by PyAV.

Owns the decoder, the mixing down to mono and the rate. FFmpeg decodes packets and nothing else:
its demuxers want to read by themselves, from something that blocks, so the containers are taken
apart by `ogg`, `webm` and `frames` (docs/adr/0012 says why). Decoding costs 1 to 2 ms for each
second of sound, on the event loop; `MOST_BYTES_AT_ONCE` bounds what one call costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from rasr.audio.formats import CompressedFormat, Container, Samples
from rasr.audio.frames import AdtsFrames, FrameDemuxer, Mp3Frames
from rasr.audio.ogg import OggDemuxer
from rasr.audio.packets import BrokenSound, Demuxer, Head, Packet
from rasr.audio.webm import WebmDemuxer

MOST_BYTES_AT_ONCE = 512
"""What may be fed in one go, lest others wait: 0.1 s of usual Opus. A packet of Opus takes a byte,
and one to say its length, and lasts 0.12 s at most; so there are never more than 31 s in these
bytes. They are silence then, and decoding them takes 10 ms."""

_SKIP_MANUAL = 1 << 29
"""AV_CODEC_FLAG2_SKIP_MANUAL: FFmpeg is not to drop padding too."""
_SIGNATURE_BYTES = 8
_SIGNATURES = (
    (0, b"OggS", (Container.OGG_OPUS,), "Ogg", "'ogg-opus' if it is Opus"),
    (0, b"\x1a\x45\xdf\xa3", (Container.WEBM_OPUS,), "WebM", "'webm-opus' if it is Opus"),
    (0, b"RIFF", (), "WAV", "the format of its samples"),
    (0, b"fLaC", (), "FLAC", "that of raw samples, with raw samples"),
    (4, b"ftyp", (), "MP4", "'aac', with the sound as ADTS frames"),
)
"""Where, what, of which containers, the name, and which audio_format would be right."""


class CompressedDecoder:
    """The sound of one round. The same bytes cut differently give the same samples.

    The sound before a fault counts, what is behind it is dropped.
    """

    most_bytes = MOST_BYTES_AT_ONCE
    header = None
    contradiction = None
    """WAV headers are for raw sound."""

    def __init__(
        self,
        format: CompressedFormat,
        target_rate: int,
        *,
        tap: Callable[[Samples], None] | None = None,
    ) -> None:
        """`tap` is given the samples too: the rates of compressed sound are any."""
        self.tap_rate = target_rate
        self._tap = tap
        self._format = format
        self._demuxer = _demuxer(format.container)
        self._decoder = _Decoder(target_rate)
        self._first: bytes | None = b""
        """The first bytes, until there are enough to tell what they are."""
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """What is wrong with the bytes, as a sentence for whoever sent them."""
        return self._fault

    def feed(self, data: bytes) -> Samples:
        """The samples that `data` completes, at the target rate."""
        if self._first is not None:
            data = self._first + data
            if len(data) < _SIGNATURE_BYTES:
                self._first = data
                return np.empty(0, np.int16)
            self._first = None
            self._check_signature(data)
        return self._decoded(data)

    def flush(self) -> Samples:
        """The last samples, at the target rate. Nothing may be fed after it."""
        silent = self._first == b""
        first, self._first = self._first or b"", None
        samples = self._decoded(first, last=True)
        if not self._decoder.begun and not silent:
            self._blame("it ended before its sound began")
        return samples

    def _decoded(self, data: bytes, *, last: bool = False) -> Samples:
        pieces: list[Samples] = []
        if self._fault is None:
            try:
                for item in self._demuxer.feed(data):
                    pieces += self._decoder.take(item)
                if last:
                    for item in self._demuxer.flush():
                        pieces += self._decoder.take(item)
            except BrokenSound as fault:
                self._blame(str(fault))
        if last:
            pieces.append(self._decoder.flush())
        samples = np.concatenate(pieces) if pieces else np.empty(0, np.int16)
        if self._tap is not None and len(samples):
            self._tap(samples)
        return samples

    def _check_signature(self, data: bytes) -> None:
        for at, signature, containers, name, better in _SIGNATURES:
            if data[at:].startswith(signature) and self._format.container not in containers:
                self._blame(f"it is {name}; the audio_format for that is {better}")

    def _blame(self, reason: str) -> None:
        if self._fault is None:
            self._fault = f"the sound cannot be read as {self._format.name!r}: {reason}"


class _Decoder:
    """Packets to mono samples at one rate."""

    def __init__(self, target_rate: int) -> None:
        self._target_rate = target_rate
        self._context: AudioCodecContext | None = None
        self._resampler: av.AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        """Sample format, layout and rate that the resampler was made for."""

    @property
    def begun(self) -> bool:
        """True once it is known how the sound is coded."""
        return self._context is not None

    def take(self, item: Head | Packet) -> list[Samples]:
        """
        Raises:
            BrokenSound: the codec does not take the packet.
        """
        match item:
            case Head():
                context = AudioCodecContext.create(item.codec, "r")
                assert isinstance(context, AudioCodecContext)
                context.extradata = item.extradata
                context.flags2 |= _SKIP_MANUAL
                self._context = context
                return []
            case Packet():
                assert self._context is not None, "a packet came before its head"
                try:
                    frames = self._context.decode(av.Packet(item.data))
                    return [
                        samples
                        for frame in frames
                        if (sound := _without_padding(frame, item)) is not None
                        for samples in self._resampled(sound)
                    ]
                except av.FFmpegError as error:
                    raise BrokenSound(
                        f"a packet of {len(item.data)} bytes cannot be decoded ({error.strerror})"
                    ) from error
            case _:
                assert_never(item)

    def flush(self) -> Samples:
        """What the resampler has kept back."""
        pieces = [] if self._resampler is None else _samples(self._resampler, None)
        self._resampler = None
        return np.concatenate(pieces) if pieces else np.empty(0, np.int16)

    def _resampled(self, frame: AudioFrame) -> list[Samples]:
        pieces = []
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or shape != self._shape:
            pieces.append(self.flush())
            self._shape = shape
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=self._target_rate)
        # Times are not looked at, and PyAV fills gaps between them.
        frame.pts = None
        return pieces + _samples(self._resampler, frame)


def _samples(resampler: av.AudioResampler, frame: AudioFrame | None) -> list[Samples]:
    return [
        piece.to_ndarray().reshape(-1).astype(np.int16, copy=False)
        for piece in resampler.resample(frame)
    ]


def _without_padding(frame: AudioFrame, packet: Packet) -> AudioFrame | None:
    """The frame without what is no sound in it; None if nothing is left."""
    begin, end = packet.skip_samples, frame.samples - packet.cut_samples
    if begin == 0 and end == frame.samples:
        return frame
    if begin >= end:
        return None
    sound = frame.to_ndarray()
    width = 1 if frame.format.is_planar else frame.layout.nb_channels
    cut: Any = np.ascontiguousarray(sound[:, begin * width : end * width])
    kept = AudioFrame.from_ndarray(cut, format=frame.format.name, layout=frame.layout.name)
    kept.sample_rate = frame.sample_rate
    return kept


def _demuxer(container: Container) -> Demuxer:
    match container:
        case Container.OGG_OPUS:
            return OggDemuxer()
        case Container.WEBM_OPUS:
            return WebmDemuxer()
        case Container.MP3:
            return FrameDemuxer(Mp3Frames())
        case Container.AAC:
            return FrameDemuxer(AdtsFrames())
        case _:
            assert_never(container)
