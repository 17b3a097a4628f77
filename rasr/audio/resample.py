"""Audio from one rate to another while it arrives, by soxr.

This module owns the choice of filter, the rounding to int16 and the promise that the cut of the
input changes nothing. No audio is lost or shifted: the filter's delay is made up at `flush`.

How soxr is used, and why (measured with soxr 1.1; tests hold the delay, the places, the rounding):

- float32 inside. With int16, soxr dithers, and its dither depends on how the input was cut.
- To exactly twice the rate (8 kHz audio for a 16 kHz model) by the variable-rate filter, whose
  output is 30 ms behind its input at 8 kHz; the fixed-rate one is 116 ms behind at quality HQ and
  61 ms at LQ, all of it added to the latency of every result. Like HQ it is flat to 3.6 kHz and
  its images are below -100 dB. It costs 0.6 ms per second of audio in chunks of 100 ms.
- To any other rate by the fixed-rate filter, HQ: at other ratios the variable-rate one is up to
  two samples out of place. To 16 kHz its output is at most 37 ms behind from 24 and 48 kHz, 40 ms
  from 22.05 and 44.1 kHz, 84 ms from 11.025 kHz; it costs 0.1 to 0.2 ms per second of audio.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from rasr.audio.formats import Samples

_BLOCK_SAMPLES = 1600
"""Most samples handed to soxr at once: its buffers grow to the largest block and stay so."""


class Resampler:
    """One stream, from `source_rate` to `target_rate` (Hz).

    Output sample k is the audio at k / target_rate seconds. After `flush`, n samples have become
    n · target_rate / source_rate, rounded to the nearest whole number, halves up.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Make the resampler of one stream."""
        self._stream: soxr.ResampleStream | None = None
        if source_rate != target_rate:
            self._stream = soxr.ResampleStream(
                source_rate,
                target_rate,
                num_channels=1,
                dtype="float32",
                quality="HQ",
                vr=target_rate == 2 * source_rate,
            )

    def feed(self, samples: Samples) -> Samples:
        """Return what is certain by now, int16. Equal rates hand back `samples` itself."""
        if self._stream is None:
            return samples
        source = samples.astype(np.float32)
        if len(source) <= _BLOCK_SAMPLES:
            return _rounded(self._stream.resample_chunk(source))
        blocks = [
            self._stream.resample_chunk(source[start : start + _BLOCK_SAMPLES])
            for start in range(0, len(source), _BLOCK_SAMPLES)
        ]
        return _rounded(np.concatenate(blocks))

    def flush(self) -> Samples:
        """Return the rest, at the target rate. Nothing may be fed after it."""
        if self._stream is None:
            return np.empty(0, np.int16)
        return _rounded(self._stream.resample_chunk(np.empty(0, np.float32), last=True))


def _rounded(values: NDArray[np.float32]) -> Samples:
    """`values` as int16; the array is used up."""
    np.rint(values, out=values)
    # A filter overshoots at full scale: wrapping round would turn that into a loud click.
    np.maximum(values, -32768, out=values)
    np.minimum(values, 32767, out=values)
    return values.astype(np.int16)
