"""Where to cut an utterance that has grown too long: the quietest place near the limit.

A place is a border between two frames, named by the number of the frame after it. Its loudness is
the mean level of a few frames on either side, so it is known only once those after it are heard.
"""

from __future__ import annotations

import math
from collections import deque

from vad.rules import EndpointRules


class QuietestPlace:
    """Hears the level of each frame; knows the quietest border of the open utterance's search."""

    def __init__(self, rules: EndpointRules) -> None:
        self._frame_samples = rules.frame_samples
        self._max_samples = rules.max_samples
        self._search_samples = rules.search_samples
        self._half = rules.smoothing_half_frames
        self._levels: deque[float] = deque(maxlen=2 * self._half)
        self._frames = 0
        self._first_border = 0
        self._border = 0
        self._loudness = math.inf

    def begin(self, start_sample: int) -> None:
        """An utterance opens: look in the last stretch before its limit, and not before."""
        earliest_sample = start_sample + self._max_samples - self._search_samples
        self._first_border = -(-earliest_sample // self._frame_samples)
        self._border = self._first_border
        self._loudness = math.inf

    def push(self, level: float) -> None:
        """Take the next frame's level."""
        self._levels.append(level)
        self._frames += 1
        border = self._frames - self._half
        if border < self._first_border:
            return
        # Added up anew each time: a running sum would drift, and ties would be lost.
        loudness = math.fsum(self._levels)
        if loudness <= self._loudness:  # the latest of equals: the longer utterance
            self._loudness = loudness
            self._border = border

    @property
    def sample(self) -> int:
        """The cut if it had to be made now; until a place is known, the first that may become it.

        It only ever moves later while an utterance is open, so sound before it is safe to decode.
        """
        return self._border * self._frame_samples
