"""The way of a round's sound into the house: bytes as they came → samples at the engine's rate.

Owns the order WAV header → decoding → resampling and the count of what was received; compressed
sound has an inlet of its own, `coded`. Never judges the sound (`soundcheck` does) and never keeps
it (`tape` does).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import numpy as np

from rasr.audio.codec import SampleDecoder
from rasr.audio.compressed import CompressedDecoder
from rasr.audio.formats import AudioFormat, CompressedFormat, Samples
from rasr.audio.resample import Resampler
from rasr.audio.wav import WavHeader, WavSkipper, contradiction


def audio_decoder(
    format: AudioFormat | CompressedFormat, target_rate: int, tap: Callable[[Samples], None] | None
) -> RawDecoder | CompressedDecoder:
    """The inlet for a declared format. `tap` is given the sound, decoded, at `tap_rate`."""
    match format:
        case AudioFormat():
            return RawDecoder(format, target_rate, tap=tap)
        case CompressedFormat():
            return CompressedDecoder(format, target_rate, tap=tap)
        case _:
            assert_never(format)


class RawDecoder:
    """The sound of one round. The same bytes cut differently give the same samples."""

    most_bytes = None
    """How many may be fed in one go, lest others wait: raw sound costs little, so any number."""

    def __init__(
        self,
        format: AudioFormat,
        target_rate: int,
        *,
        tap: Callable[[Samples], None] | None = None,
    ) -> None:
        """`tap` is given the decoded sound, at the rate it came with, before it is resampled."""
        self._format = format
        self._skipper = WavSkipper()
        self._decoder = SampleDecoder(format.encoding)
        self._resampler = Resampler(format.sample_rate, target_rate)
        self._tap = tap
        self._received_samples = 0

    @property
    def header(self) -> WavHeader | None:
        """What the WAV header before the sound says, once it is read whole; None without one."""
        return self._skipper.header

    @property
    def contradiction(self) -> str | None:
        """A sentence, if what the header says and what was declared are not the same."""
        header = self._skipper.header
        return None if header is None else contradiction(header, self._format)

    @property
    def fault(self) -> None:
        """Raw bytes are sound, whatever they are."""
        return None

    @property
    def tap_rate(self) -> int:
        """Hz, of the sound that `tap` is given."""
        return self._format.sample_rate

    @property
    def received_samples(self) -> int:
        """Samples decoded so far, at the rate they came with."""
        return self._received_samples

    @property
    def odd_bytes(self) -> int:
        """Bytes that wait for the rest of their sample: 0 or 1; after `flush`, what was lost."""
        return self._decoder.odd_bytes

    def feed(self, data: bytes) -> Samples:
        """The samples that `data` completes, at the target rate; may be a read-only view."""
        return self._resampler.feed(self._decoded(self._skipper.feed(data)))

    def flush(self) -> Samples:
        """The last samples, at the target rate. Nothing may be fed after it."""
        rest = self._resampler.feed(self._decoded(self._skipper.flush()))
        return np.concatenate((rest, self._resampler.flush()))

    def _decoded(self, data: bytes) -> Samples:
        samples = self._decoder.feed(data)
        self._received_samples += len(samples)
        if self._tap is not None and len(samples):
            self._tap(samples)
        return samples
