"""The sound of a round that is still needed.

Owns one stretch of samples, addressed by absolute positions since the start of the round. Never
knows what they are needed for: whoever reads says when they may be forgotten.

Memory is at most four times what is kept (8 KiB at least), and a sample is moved about twice in
its life, however small the pieces in which it came.
"""

from __future__ import annotations

import numpy as np

from rasr.audio.formats import Samples

_MIN_CAPACITY_SAMPLES = 4096


class AudioBuffer:
    """Samples `start_sample` to `end_sample` (exclusive) of a round."""

    def __init__(self) -> None:
        self._buffer: Samples = np.empty(_MIN_CAPACITY_SAMPLES, np.int16)
        self._origin = 0
        """Position of the sample in `_buffer[0]`."""
        self._start = 0
        self._end = 0

    @property
    def start_sample(self) -> int:
        """The oldest sample that can still be read."""
        return self._start

    @property
    def end_sample(self) -> int:
        """Samples appended since the start of the round."""
        return self._end

    @property
    def capacity_bytes(self) -> int:
        """Memory held, used or not."""
        return self._buffer.nbytes

    def append(self, samples: Samples) -> None:
        """Record the next samples. The array is copied."""
        end = self._end + len(samples)
        if end - self._origin > len(self._buffer):
            # Twice what is needed: the next move is due only after as many samples again.
            self._move(max(len(self._buffer), 2 * (end - self._start)))
        self._buffer[self._end - self._origin : end - self._origin] = samples
        self._end = end

    def read(self, start: int, end: int) -> Samples:
        """Samples `start` to `end` (exclusive), as a copy that the caller owns."""
        assert self._start <= start <= end <= self._end, (
            f"samples {start} to {end} were read from a tape of {self._start} to {self._end}"
        )
        return self._buffer[start - self._origin : end - self._origin].copy()

    def forget_before(self, sample: int) -> None:
        """Samples before this position will not be read again. Going back changes nothing."""
        assert sample <= self._end, f"sample {sample} is past the end of the tape, {self._end}"
        self._start = max(self._start, sample)
        kept = self._end - self._start
        if len(self._buffer) > max(_MIN_CAPACITY_SAMPLES, 4 * kept):
            self._move(max(_MIN_CAPACITY_SAMPLES, 2 * kept))

    def _move(self, capacity: int) -> None:
        """Bring what is kept to the front of a buffer of `capacity` samples."""
        kept = self._buffer[self._start - self._origin : self._end - self._origin]
        if capacity != len(self._buffer):
            self._buffer = np.empty(capacity, np.int16)
        self._buffer[: len(kept)] = kept
        self._origin = self._start
