"""The k-of-n rule: which frames called speech are believed.

A classifier errs on single frames, both ways. So a frame counts as speech only if it is called
speech and, with it, at least `needed` of the last `window` frames are. One rule serves twice: in
silence the first frame that counts opens an utterance; in an utterance the frames that count are
its speech, and all others are trailing silence so far.

What follows for a gap inside steady speech: after up to `window - needed` other frames the next
speech frame still finds enough speech in its window and counts at once. After a longer gap speech
has to be heard anew, `needed` frames of it, and a shorter blip counts for nothing.
"""

from __future__ import annotations

from collections import deque


class OnsetWindow:
    """The speech frames among the last `window` frames."""

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
