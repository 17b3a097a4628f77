"""The way in: bytes of a declared format, as they arrive → mono int16 samples at 16 kHz.

`audio_decoder` makes the decoder of a format: `raw` reads samples, `compressed` packets. Nothing
here judges the audio (`audio_check` does) or keeps it (`buffer` does).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, assert_never

from rasr.audio.compressed import CompressedDecoder
from rasr.audio.containers.wav import WavHeader
from rasr.audio.formats import AudioFormat, CompressedFormat, Samples
from rasr.audio.raw import RawDecoder


class AudioDecoder(Protocol):
    """The decoder of one stream. The same bytes cut differently give the same samples.

    Samples are mono, shape (n,), int16, at `SAMPLE_RATE`; an array may be a read-only view of the
    bytes that were fed.
    """

    @property
    def source_rate(self) -> int:
        """Hz of the samples that `on_audio` is given."""

    @property
    def header(self) -> WavHeader | None:
        """What the WAV header before raw audio says, once it is read whole; None without one."""

    @property
    def contradiction(self) -> str | None:
        """A sentence, if what the header says and what was declared are not the same."""

    @property
    def fault(self) -> str | None:
        """A sentence for whoever sent the bytes, once they cannot be read.

        The samples before a fault count; what is behind it is dropped.
        """

    @property
    def pending(self) -> bool:
        """True if more samples may come of what was fed: the next `feed` returns them.

        That one may be of no bytes. What was fed is decoded in pieces, so that neither a long
        message nor a short one that holds much audio holds up the event loop.
        """

    def feed(self, data: bytes) -> Samples:
        """Return the next samples of what was fed, about a second at most; see `pending`."""

    def flush(self) -> Samples:
        """Return all samples that are left: nothing may be fed after it."""


def audio_decoder(
    format: AudioFormat | CompressedFormat,
    on_audio: Callable[[Samples], None] | None = None,
    *,
    channel: int | None = None,
) -> AudioDecoder:
    """Return the decoder of a stream of this format.

    Args:
        on_audio: is given the samples too, mono, at `source_rate`: raw audio before it is
            resampled, compressed audio, which has any rate, as it comes out.
        channel: the one channel to decode, counted from 0; None for the mean of all. To recognise
            every channel on its own, give the same bytes to one decoder for each.

    Raises:
        AudioFormatError: raw audio of this format has no such channel. Compressed audio says only
            in its bytes how many it has; without the channel it is a fault.
    """
    match format:
        case AudioFormat():
            return RawDecoder(format, on_audio, channel)
        case CompressedFormat():
            return CompressedDecoder(format, on_audio, channel)
        case _:
            assert_never(format)
