"""The two things that the endpointer remembers of the frames it has heard.

`OnsetWindow` holds the last few flags and says which speech frames are believed; `CutSearch` holds
the last few levels and says where an utterance that has grown too long is cut.
"""

from __future__ import annotations

import math
from collections import deque

from vad.rules import EndpointRules


class OnsetWindow:
    """The speech frames among the last `window` frames: which of them are believed.

    A classifier errs on single frames, both ways. So a frame counts as speech only if it is called
    speech and, with it, at least `needed` of the last `window` frames are. One rule serves twice:
    in silence the first frame that counts opens an utterance; in an utterance the frames that count
    are its speech, and all others are trailing silence so far.

    What follows for a gap inside steady speech: after up to `window - needed` other frames the next
    speech frame still finds enough speech in its window and counts at once. After a longer gap
    speech has to be heard anew, `needed` frames of it, and a shorter blip counts for nothing.
    """

    def __init__(self, needed: int, window: int) -> None:
        assert 1 <= needed <= window, (needed, window)
        self._needed = needed
        self._window = window
        self._frames = 0
        self._speech: deque[int] = deque()  # numbers of the frames called speech, oldest first

    def push(self, speech: bool) -> bool:
        """Take the next frame's flag; True if this frame counts as speech."""
        if self._speech and self._speech[0] <= self._frames - self._window:
            self._speech.popleft()
        if speech:
            self._speech.append(self._frames)
        self._frames += 1
        return speech and len(self._speech) >= self._needed

    def first_since(self, frame: int) -> int:
        """The oldest speech frame in the window from number `frame` on (the first pushed is 0).

        There must be one, as there is when the frame last pushed counted as speech.
        """
        return next(number for number in self._speech if number >= frame)


class CutSearch:
    """The quietest border between two frames, near the limit of the open utterance.

    A border is named by the number of the frame after it. Its loudness is the mean level of a few
    frames on either side, so it is known only once those after it are heard.
    """

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
        """Take the next frame's level, RMS in int16 units."""
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

        It only ever moves later while an utterance is open, so audio before it is safe to decode.
        """
        return self._border * self._frame_samples
