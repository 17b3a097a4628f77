"""The way of a round's sound into the house: bytes as they came → samples at the engine's rate.

Owns the order WAV header → decoding → resampling and the count of what was received. Never judges
the sound (`soundcheck` does) and never keeps it (`tape` does).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rasr.audio.codec import Decoder
from rasr.audio.formats import AudioFormat, Samples
from rasr.audio.resample import Resampler
from rasr.audio.wav import WavHeader, WavSkipper


class Inlet:
    """The sound of one round. The same bytes cut differently give the same samples."""

    def __init__(
        self,
        format: AudioFormat,
        target_rate: int,
        *,
        tap: Callable[[Samples], None] | None = None,
    ) -> None:
        """`tap` is given the decoded sound, at the rate it came with, before it is resampled."""
        self._skipper = WavSkipper()
        self._decoder = Decoder(format.encoding)
        self._resampler = Resampler(format.sample_rate, target_rate)
        self._tap = tap
        self._received_samples = 0

    @property
    def header(self) -> WavHeader | None:
        """What the WAV header before the sound says, once it is read whole; None without one."""
        return self._skipper.header

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
