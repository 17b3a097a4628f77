"""Compressed audio while it arrives: packets → mono samples at 16 kHz, by PyAV.

This module owns the codecs, the mixing down to mono and the rate. FFmpeg decodes packets and
nothing else: its demuxers want to read by themselves, from something that blocks, so `containers`
takes the bytes apart (docs/adr/0012 says why). Decoding costs 1 to 2 ms for each second of audio,
on the event loop; `_MOST_BYTES` and `_MOST_SAMPLES` bound what one call costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, assert_never

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from rasr.audio.containers import demuxer
from rasr.audio.containers.packets import ByteQueue, CodecParameters, MalformedAudio, Packet
from rasr.audio.containers.signatures import SNIFFED_BYTES, FileType, sniff
from rasr.audio.formats import SAMPLE_RATE, CompressedFormat, Container, Samples

_MOST_BYTES = 512
"""What one feed reads, lest others wait: 0.1 s of usual Opus. Elements of WebM take two bytes at
least, and 1 to 3 µs."""
_MOST_SAMPLES = SAMPLE_RATE
"""What comes out in one go, but for the rest of a packet: a second. A page of Ogg, which is read
when its last byte has come, may hold 30 s in 600 bytes, each packet of them in eight channels."""

_SKIP_MANUAL = 1 << 29
"""AV_CODEC_FLAG2_SKIP_MANUAL: FFmpeg is not to drop padding too."""
_TAKEN = {Container.OGG_OPUS: FileType.OGG, Container.WEBM_OPUS: FileType.WEBM}
"""MP3 and AAC are frames in a row, which may begin with anything."""


class CompressedDecoder:
    """The `AudioDecoder` of compressed audio."""

    source_rate = SAMPLE_RATE
    """The rates of compressed audio are any, so `on_audio` is given what comes out."""
    header = None
    contradiction = None
    """WAV headers are for raw audio."""

    def __init__(
        self,
        format: CompressedFormat,
        on_audio: Callable[[Samples], None] | None = None,
        channel: int | None = None,
    ) -> None:
        """Make the decoder of one stream."""
        self._format = format
        self._on_audio = on_audio
        self._demuxer = demuxer(format.container)
        self._decoder = _PacketDecoder(channel)
        self._items: Iterator[CodecParameters | Packet] = iter(())
        """What the demuxer makes of the newest bytes, as far as it has not been decoded."""
        self._unread = ByteQueue()
        """Bytes that the demuxer has not been given."""
        self._has_items = False
        """True if `_items` may have more."""
        self._first: bytes | None = b""
        """The first bytes, until there are enough to tell what they are."""
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """What is wrong with the bytes, as a sentence for whoever sent them."""
        return self._fault

    @property
    def pending(self) -> bool:
        """True while bytes that were fed may hold more audio."""
        return self._fault is None and (self._has_items or len(self._unread) > 0)

    def feed(self, data: bytes) -> Samples:
        """Return the next samples of what was fed, int16, 16 kHz: about a second at most."""
        if self._fault is not None:
            return np.empty(0, np.int16)
        if self._first is not None:
            data = self._first + data
            if len(data) < SNIFFED_BYTES:
                self._first = data
                return np.empty(0, np.int16)
            self._first = None
            self._check_signature(data)
        self._unread.feed(data)
        if not self._has_items:
            self._read()
        return self._heard(self._decoded(_MOST_SAMPLES))

    def flush(self) -> Samples:
        """Return the last samples. Audio that ends before it is known how to read it is a fault."""
        silent = self._first == b""
        self._unread.feed(self._first or b"")
        self._first = None
        pieces = self._decoded()
        while self._unread and self._fault is None:
            self._read()
            pieces += self._decoded()
        self._items = self._demuxer.flush()
        pieces += self._decoded()
        try:
            pieces.append(self._decoder.flush())
        except MalformedAudio as fault:
            self._blame(str(fault))
        if not self._decoder.begun and not silent:
            self._blame("it ended before its sound began")
        return self._heard(pieces)

    def _read(self) -> None:
        """Give the demuxer the next bytes."""
        count = min(_MOST_BYTES, len(self._unread))
        self._items = self._demuxer.feed(self._unread.take(count))

    def _decoded(self, most: int | None = None) -> list[Samples]:
        """The samples of the demuxer's items: `most` of them and the rest of a packet, or all."""
        pieces: list[Samples] = []
        count = 0
        self._has_items = False
        try:
            for item in self._items if self._fault is None else ():
                for samples in self._decoder.take(item):
                    pieces.append(samples)
                    count += len(samples)
                if most is not None and count >= most:
                    self._has_items = True
                    break
        except MalformedAudio as fault:
            self._blame(str(fault))
        return pieces

    def _heard(self, pieces: list[Samples]) -> Samples:
        samples = np.concatenate(pieces) if pieces else np.empty(0, np.int16)
        if self._on_audio is not None and len(samples):
            self._on_audio(samples)
        return samples

    def _check_signature(self, data: bytes) -> None:
        found = sniff(data)
        # An ID3 tag may stand before frames of any kind; the others refuse it by themselves.
        if found not in (None, FileType.MP3, _TAKEN.get(self._format.container)):
            self._blame(f"it is {found}; the audio_format for that is {found.advice}")

    def _blame(self, reason: str) -> None:
        if self._fault is None:
            self._fault = f"the sound cannot be read as {self._format.name!r}: {reason}"


class _PacketDecoder:
    """Packets to mono samples at one rate."""

    def __init__(self, channel: int | None) -> None:
        self._channel = channel
        self._context: AudioCodecContext | None = None
        self._resampler: av.AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None
        """The sample format, layout and rate that the resampler was made for."""

    @property
    def begun(self) -> bool:
        """True once it is known how the audio is encoded."""
        return self._context is not None

    def take(self, item: CodecParameters | Packet) -> list[Samples]:
        """Return what the next item of the demuxer completes.

        Raises:
            MalformedAudio: the codec does not take the packet, or it has no such channel.
        """
        match item:
            case CodecParameters():
                context = AudioCodecContext.create(item.codec, "r")
                assert isinstance(context, AudioCodecContext)
                context.extradata = item.extradata
                context.flags2 |= _SKIP_MANUAL
                self._context = context
                return []
            case Packet():
                assert self._context is not None, "a packet came before the parameters of its codec"
                try:
                    frames = self._context.decode(_padded(item.data))
                    return [
                        samples
                        for frame in frames
                        if (wanted := _wanted(frame, item, self._channel)) is not None
                        for samples in self._resampled(wanted)
                    ]
                except av.FFmpegError as error:
                    raise MalformedAudio(
                        f"a packet of {len(item.data)} bytes cannot be decoded ({error.strerror})"
                    ) from error
            case _:
                assert_never(item)

    def flush(self) -> Samples:
        """Return what the resampler has kept back.

        Raises:
            MalformedAudio: it cannot go on behind what it was given.
        """
        resampler, self._resampler = self._resampler, None
        try:
            pieces = [] if resampler is None else _samples(resampler, None)
        except av.FFmpegError as error:
            raise MalformedAudio(f"its end cannot be decoded ({error.strerror})") from error
        return np.concatenate(pieces) if pieces else np.empty(0, np.int16)

    def _resampled(self, frame: AudioFrame) -> list[Samples]:
        pieces = []
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or shape != self._shape:
            pieces.append(self.flush())
            self._shape = shape
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        # Times are not looked at, and PyAV fills gaps between them.
        frame.pts = None
        return pieces + _samples(self._resampler, frame)


def _padded(data: bytes) -> av.Packet[Any]:
    """A packet with the zeros behind it that FFmpeg's decoders may read.

    `av.Packet(data)` lies where `data` does: behind a packet that is damaged, a decoder would go on
    with whatever is in the memory there.
    """
    packet: av.Packet[Any] = av.Packet(len(data))
    packet.update(data)
    return packet


def _samples(resampler: av.AudioResampler, frame: AudioFrame | None) -> list[Samples]:
    return [
        piece.to_ndarray().reshape(-1).astype(np.int16, copy=False)
        for piece in resampler.resample(frame)
    ]


def _wanted(frame: AudioFrame, packet: Packet, channel: int | None) -> AudioFrame | None:
    """The frame without padding, of one channel where one is wanted; None if nothing is left."""
    channels = frame.layout.nb_channels
    if channel is not None and not 0 <= channel < channels:
        raise MalformedAudio(f"it has no channel {channel}; allowed: from 0 to {channels - 1}")
    begin, end = packet.skip_samples, frame.samples - packet.cut_samples
    if begin >= end:
        return None
    if begin == 0 and end == frame.samples and (channel is None or channels == 1):
        return frame
    # Planar frames have a row for each channel, others one row with all of them interleaved.
    rows = (
        frame.to_ndarray() if frame.format.is_planar else frame.to_ndarray().reshape(-1, channels).T
    )
    rows = rows[:, begin:end]
    layout = frame.layout.name
    if channel is not None:
        rows, layout = rows[channel : channel + 1], "mono"
    if not frame.format.is_planar:
        rows = rows.T.reshape(1, -1)
    kept: Any = np.ascontiguousarray(rows)
    wanted = AudioFrame.from_ndarray(kept, format=frame.format.name, layout=layout)
    wanted.sample_rate = frame.sample_rate
    return wanted
