"""The noise estimate of the gated classifier: what a stream sounds like while nobody speaks.

Everything is in dB and per frame. A frame's loudness is two numbers, its level and its emphasised
level (`vad.features`); noise seldom drowns speech in both, so the better of the two counts. What is
learned is learned from frames that the caller knows to be clear of speech; until there are enough
of them the quietest of what was heard stands in. Where the numbers come from: docs/endpointing.md.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

KNOWN_MS: Final = 500
"""The noise is known once so much of it was learned."""
_MEAN_MS: Final = 1000
"""Time constant of the mean."""
_PEAK_MS: Final = 500
_PEAKS: Final = 16
"""Noise is believed to peak as it usually did in so many half seconds of itself."""
_MINIMUM_MS: Final = 500
_MINIMA: Final = 8
"""Nobody speaks for so many half seconds without a quiet moment; noise that is not yet known is as
loud as the quietest of them."""
_FIRST_MS: Final = 2000
"""While the noise is not known, speech that goes on for longer than this is in doubt."""

_ONSET_DB: Final = 4.0
"""Speech begins so far above the highest peak."""
_STAY_DB: Final = 1.0
"""Speech goes on while it is so far above the highest peak that was taken for speech."""
_LEAST_DB: Final = 1.0
"""Speech never goes on with less than so much above the mean."""
_YOUNG_DB: Final = 4.0
"""What is asked for beyond the peaks of noise that is hardly known, since its rarer peaks are still
to come; it shrinks to 0 as more of the noise is learned."""
_YOUNG_MS: Final = 3000
"""When so much of the noise was learned, `_YOUNG_DB` has shrunk to 0."""
_MOST_DB: Final = 10.0
"""Speech is heard at so much above the mean, whatever the peaks were: some of them may have been
speech that was not recognised as such."""
_UNKNOWN_DB: Final = 6.0
"""Speech may be so far above the quietest moment of noise that is not known."""
_RISEN_DB: Final = 6.0
"""Noise that has risen so far while there seemed to be speech is other noise."""
_DOUBTFUL_DB: Final = 8.0
"""What goes on without end in noise that is not known, or that has risen, has to be so far above
its quietest moment to be speech."""
_SPARED: Final = 2
"""So many of the highest peaks do not count: two stray bursts, or one across two blocks."""


class NoiseEstimate:
    """Of one stream: how loud its noise is, and how far it rises above that.

    `observe` every frame, and `learn` those that are clear of speech.

    Args:
        frame_ms: length of a frame, ms.
    """

    def __init__(self, frame_ms: int) -> None:
        self._known_frames = KNOWN_MS // frame_ms
        self._mean_frames = _MEAN_MS // frame_ms
        self._young_frames = _YOUNG_MS // frame_ms
        self._first_frames = _FIRST_MS // frame_ms
        self._minimum = MinimumTracker(_MINIMUM_MS // frame_ms, _MINIMA)
        self._peak = PeakTracker(_PEAK_MS // frame_ms, _PEAKS)
        self._called_peak = PeakTracker(_PEAK_MS // frame_ms, _PEAKS)
        self._level = self._emphasised = 0.0
        self._learned = 0
        self.above = 0.0
        """How far the last frame observed is above the noise, dB."""
        self._doubtful = False

    @property
    def known(self) -> bool:
        """Whether so much of the noise was learned that its mean can be believed."""
        return self._learned >= self._known_frames

    def observe(self, level: float, emphasised: float) -> None:
        """Take the next frame's loudness, dB."""
        minimum = self._minimum
        minimum.push(level, emphasised)
        self._doubtful = False
        if self.known:
            quiet, quiet_emphasised = self._level, self._emphasised
            if (
                minimum.level > quiet + _RISEN_DB
                and minimum.emphasised > quiet_emphasised + _RISEN_DB
                and minimum.is_whole
            ):
                self._doubtful = True
                quiet, quiet_emphasised = minimum.level, minimum.emphasised
        else:
            quiet, quiet_emphasised = minimum.level, minimum.emphasised
        self.above = max(level - quiet, emphasised - quiet_emphasised)

    def learn(self, level: float, emphasised: float, called: bool) -> None:
        """Take the loudness, dB, of a frame that is clear of speech, called speech or not."""
        self._learned += 1
        share = 1 / min(self._learned, self._mean_frames)
        self._level += share * (level - self._level)
        self._emphasised += share * (emphasised - self._emphasised)
        above = max(level - self._level, emphasised - self._emphasised)
        self._peak.push(above)
        self._called_peak.push(above if called else -math.inf)

    @property
    def onset_db(self) -> float:
        """How far above the noise speech must be to begin, dB."""
        if not self.known:
            return _UNKNOWN_DB
        return max(min(self._peak.value + _ONSET_DB + self._young_db, _MOST_DB), self._least_db)

    def stay_db(self, frames: int) -> float:
        """How far above the noise speech must be to go on, `frames` after it began, dB."""
        if not self.known:
            return _UNKNOWN_DB if frames <= self._first_frames else _DOUBTFUL_DB
        most = _MOST_DB - _ONSET_DB + _STAY_DB
        usual = max(self._called_peak.value + _STAY_DB + self._young_db, _LEAST_DB)
        return max(min(usual, most), self._least_db)

    @property
    def _young_db(self) -> float:
        return _YOUNG_DB * max(0.0, 1 - self._learned / self._young_frames)

    @property
    def _least_db(self) -> float:
        return _DOUBTFUL_DB if self._doubtful else -math.inf


class MinimumTracker:
    """The lowest of the last few seconds of two loudnesses, each with a lowest of its own.

    Kept by blocks: the lowest of the last few and of the one that is filling, so a frame costs two
    comparisons. It reaches back `blocks` blocks at most and one fewer at least.

    Args:
        block: frames in a block, 1 or more.
        blocks: blocks that it reaches back, 2 or more.
    """

    def __init__(self, block: int, blocks: int) -> None:
        assert block >= 1, block
        assert blocks >= 2, blocks
        self._block = block
        self._left = block
        self._finished: deque[tuple[float, float]] = deque(maxlen=blocks - 1)
        self._lowest = (math.inf, math.inf)
        """Of the finished blocks."""
        self._level = self._emphasised = math.inf
        """Of the block that is filling."""

    def push(self, level: float, emphasised: float) -> None:
        """Take the next frame's loudness, dB."""
        if not self._left:
            self._finished.append((self._level, self._emphasised))
            self._lowest = (
                min(level for level, _ in self._finished),
                min(emphasised for _, emphasised in self._finished),
            )
            self._level = self._emphasised = math.inf
            self._left = self._block
        self._left -= 1
        if level < self._level:
            self._level = level
        if emphasised < self._emphasised:
            self._emphasised = emphasised

    @property
    def level(self) -> float:
        """The lowest level, dB."""
        return min(self._level, self._lowest[0])

    @property
    def emphasised(self) -> float:
        """The lowest emphasised level, dB."""
        return min(self._emphasised, self._lowest[1])

    @property
    def is_whole(self) -> bool:
        """Whether it has heard as much as it reaches back."""
        return len(self._finished) == self._finished.maxlen


class PeakTracker:
    """How high the values of a stream usually peak: a peak that comes once does not count.

    The values are cut into blocks, each of which has a highest. Of the last few blocks the highest
    but `_SPARED` is the usual peak, so two stray bursts, or one across a border, change nothing.

    Args:
        block: values in a block, 1 or more.
        blocks: blocks that count, the unfinished one among them; more than `_SPARED`.
    """

    def __init__(self, block: int, blocks: int) -> None:
        assert block >= 1, block
        assert blocks > _SPARED, blocks
        self._block = block
        self._blocks = blocks
        self._highest: list[float] = []
        self._pushed = 0
        self.value = -math.inf
        """Of the blocks so far; while there are no more than are spared, the highest of all."""

    def push(self, value: float) -> None:
        """Take the next value."""
        if self._pushed % self._block == 0:
            self._highest.append(value)
            del self._highest[: -self._blocks]
        elif value > self._highest[-1]:
            self._highest[-1] = value
        else:
            self._pushed += 1
            return
        self._pushed += 1
        ranked = sorted(self._highest, reverse=True)
        self.value = ranked[_SPARED] if len(ranked) > _SPARED else ranked[0]
