"""The audio of a stream that is still needed.

The buffer holds one stretch of samples, addressed by absolute positions since the start of the
stream. It does not know what they are needed for: whoever reads says when they may be forgotten.

Memory is at most four times what is kept (8 KiB at least), and a sample is moved about twice in
its life, however small the pieces in which it came.
"""

from __future__ import annotations

import numpy as np

from rasr.audio.formats import Samples

_MIN_CAPACITY_SAMPLES = 4096


class AudioBuffer:
    """Samples `start_sample` to `end_sample` (exclusive) of a stream, mono int16."""

    def __init__(self) -> None:
        """Make an empty buffer at position 0."""
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
        """Samples appended since the start of the stream."""
        return self._end

    def append(self, samples: Samples) -> None:
        """Add the next samples, shape (n,), int16. The array is copied."""
        end = self._end + len(samples)
        if end - self._origin > len(self._buffer):
            # Twice what is needed: the next move is due only after as many samples again.
            self._move(max(len(self._buffer), 2 * (end - self._start)))
        self._buffer[self._end - self._origin : end - self._origin] = samples
        self._end = end

    def read(self, start: int, end: int) -> Samples:
        """Return samples `start` to `end` (exclusive), as a copy that the caller owns."""
        assert self._start <= start <= end <= self._end, (
            f"samples {start} to {end} were read from a buffer of {self._start} to {self._end}"
        )
        return self._buffer[start - self._origin : end - self._origin].copy()

    def forget_before(self, sample: int) -> None:
        """Drop the samples before this position. Going back changes nothing."""
        assert sample <= self._end, f"sample {sample} is past the end of the buffer, {self._end}"
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
