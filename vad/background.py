"""What a stream sounds like while nobody speaks: how loud, and how far it rises above that.

Everything is in dB and per frame. A frame's loudness is two numbers, its level and that of its
edges (`vad.level`); noise seldom drowns speech in both, so the better of the two counts. What is
learned is learned from frames that the caller knows to be clear of speech; until there are enough
of them the quietest of what was heard stands in. Where the numbers come from: docs/endpointing.md.
"""

from __future__ import annotations

import math
from typing import Final

from vad.lull import Lull
from vad.peaks import UsualPeak

KNOWN_MS: Final = 500
"""So much of the background makes it known."""
_MEAN_MS: Final = 1000
"""Time constant of the mean."""
_PEAK_MS: Final = 500
_PEAKS: Final = 16
"""Noise is believed to peak as it usually did in so many half seconds of the background."""
_LULL_MS: Final = 500
_LULLS: Final = 8
"""Nobody speaks for so many half seconds without a quiet moment; an unknown background is as loud
as the quietest of them."""
_FIRST_MS: Final = 2000
"""With an unknown background, speech that goes on for longer is in doubt."""

_ONSET_DB: Final = 4.0
"""Speech begins so far above the highest peak,"""
_STAY_DB: Final = 1.0
"""and goes on while it is so far above the highest peak that was taken for speech."""
_LEAST_DB: Final = 1.0
"""but never with less than so much above the mean."""
_YOUNG_DB: Final = 4.0
"""The rarer peaks of a background that is hardly known are still to come: so much higher, which
shrinks to 0 as it becomes better known,"""
_YOUNG_MS: Final = 3000
"""by then."""
_MOST_DB: Final = 10.0
"""Speech is heard at so much above the mean, whatever the peaks were: some of them may have been
speech that was not recognised as such."""
_UNKNOWN_DB: Final = 6.0
"""Speech may be so far above the quietest moment of an unknown background."""
_RISEN_DB: Final = 6.0
"""A background that has risen so far while there seemed to be speech is another background,"""
_DOUBTFUL_DB: Final = 8.0
"""and what goes on there without end has to be so far above its quietest moment."""


class Background:
    """Of one stream. `hear` every frame, `learn` those that are clear of speech."""

    def __init__(self, frame_ms: int) -> None:
        self._known_frames = KNOWN_MS // frame_ms
        self._mean_frames = _MEAN_MS // frame_ms
        self._young_frames = _YOUNG_MS // frame_ms
        self._first_frames = _FIRST_MS // frame_ms
        self._lull = Lull(_LULL_MS // frame_ms, _LULLS)
        self._peak = UsualPeak(_PEAK_MS // frame_ms, _PEAKS)
        self._called_peak = UsualPeak(_PEAK_MS // frame_ms, _PEAKS)
        self._level = self._edges = 0.0
        self._learned = 0
        self.above = 0.0
        """How far the last frame heard is above the background, dB."""
        self._doubtful = False

    @property
    def known(self) -> bool:
        return self._learned >= self._known_frames

    def hear(self, level: float, edges: float) -> None:
        """Take the next frame's loudness, dB."""
        lull = self._lull
        lull.push(level, edges)
        self._doubtful = False
        if self.known:
            quiet, quiet_edges = self._level, self._edges
            if (
                lull.level > quiet + _RISEN_DB
                and lull.edges > quiet_edges + _RISEN_DB
                and lull.is_whole
            ):
                self._doubtful = True
                quiet, quiet_edges = lull.level, lull.edges
        else:
            quiet, quiet_edges = lull.level, lull.edges
        self.above = max(level - quiet, edges - quiet_edges)

    def learn(self, level: float, edges: float, called: bool) -> None:
        """Take a frame that is clear of speech, whether or not it was called speech."""
        self._learned += 1
        share = 1 / min(self._learned, self._mean_frames)
        self._level += share * (level - self._level)
        self._edges += share * (edges - self._edges)
        above = max(level - self._level, edges - self._edges)
        self._peak.push(above)
        self._called_peak.push(above if called else -math.inf)

    @property
    def onset_db(self) -> float:
        """How far above the background speech must be to begin."""
        if not self.known:
            return _UNKNOWN_DB
        return max(min(self._peak.value + _ONSET_DB + self._young_db, _MOST_DB), self._least_db)

    def stay_db(self, frames: int) -> float:
        """How far above it speech must be to go on, `frames` after it began."""
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
