"""The default classifier: WebRTC's, behind a gate that knows the background and the voice.

WebRTC's takes a keyboard, a fan or a room full of people for speech. So what it calls speech has
to pass here too:

* Speech is louder than the background and its peaks (`vad.background`), for 60 ms without a
  break: a click is not.
* It begins with a voice (`vad.voicing`), or goes on for 200 ms: a whisper has no voice.
* It is more than rumble, whose edges are as good as nothing beside its level.

Once there is speech, less is asked of it: only the peaks that WebRTC's took for speech matter, and
the voice does not, until nothing has passed for 400 ms. The background is learned from frames that
have no speech within 200 ms on either side, so it is known 200 ms late.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vad.background import Background
from vad.classifier import check_frames
from vad.level import frame_edges
from vad.voicing import SAMPLE_RATE, WINDOW_SAMPLES, periodicity
from vad.webrtc import WebRtcClassifier

SUSTAINED_MS: Final = 60
VOICED_MS: Final = 60
UNVOICED_MS: Final = 200
HOLD_MS: Final = 400
CLEAR_MS: Final = 200
RUMBLE: Final = 16.0
"""Times that its level is above its edges: the ratio of a tone of 160 Hz."""
VOICE: Final = 0.7
"""Least periodicity: of white noise it is below 0.35, for 60 ms of typing below 0.7, of many voices
at once seldom more, and of speech in noise at 10 dB mostly."""
FIRST_VOICE: Final = 0.75
"""While the background is not known."""
CLEAR_VOICE: Final = 0.5
"""So far above the background that little else is: falling tones are less periodic than that."""
CLEAR_DB: Final = 25.0
_LEAST_LEVEL: Final = 10.0
"""RMS, int16: anything quieter is as good as silent. Kept out of the logarithm."""


class GatedClassifier:
    """`Classifier` over the `webrtcvad` library and the gate, at 16 kHz only.

    Args:
        aggressiveness, frame_ms: as of `WebRtcClassifier`.

    Raises:
        VadError: a value that the library does not take.
    """

    def __init__(self, aggressiveness: int = 2, frame_ms: int = 20) -> None:
        self._caller = WebRtcClassifier(aggressiveness, frame_ms, SAMPLE_RATE)
        self._frame_samples = self._caller.frame_samples
        self._background = Background(frame_ms)
        sustained = -(-SUSTAINED_MS // frame_ms)
        self._levels: deque[float] = deque(maxlen=sustained)
        self._edges: deque[float] = deque(maxlen=sustained)
        self._waiting: deque[tuple[float, float, bool]] = deque()
        self._voiced_frames = -(-VOICED_MS // frame_ms)
        self._unvoiced_frames = UNVOICED_MS // frame_ms
        self._hold_frames = HOLD_MS // frame_ms
        self._clear_frames = CLEAR_MS // frame_ms
        before = WINDOW_SAMPLES + (self._voiced_frames - 2) * self._frame_samples
        self._before = np.zeros(before, np.int16)
        """What was heard last, as far as a window for voicing may reach back."""
        self._loud_frames = 0
        """On end, that only a voice may have been missing from."""
        self._silent: float = math.inf
        """Frames since the last that passed."""
        self._open = False
        self._open_frames = 0

    @property
    def sample_rate(self) -> int:
        return SAMPLE_RATE

    @property
    def frame_samples(self) -> int:
        return self._frame_samples

    def judge(self, samples: NDArray[np.int16], levels: Sequence[float]) -> list[bool]:
        check_frames(samples, levels, self._frame_samples)
        calls = self._caller.judge(samples, levels)
        edges = frame_edges(samples, self._frame_samples)
        sound = np.concatenate([self._before, samples])
        end = len(self._before)
        flags = []
        for call, level, edge in zip(calls, levels, edges, strict=True):
            end += self._frame_samples
            called = call and level <= RUMBLE * edge
            flags.append(self._frame(called, _db(level), _db(edge), sound[:end]))
        self._before = sound[len(sound) - len(self._before) :]
        return flags

    def _frame(self, called: bool, level: float, edge: float, sound: NDArray[np.int16]) -> bool:
        """Judge one; `sound` ends with it."""
        self._levels.append(level)
        self._edges.append(edge)
        lasting, lasting_edge = min(self._levels), min(self._edges)
        background = self._background
        background.hear(lasting, lasting_edge)
        if self._open:
            self._open_frames += 1
            passed = called and background.above >= background.stay_db(self._open_frames)
        else:
            self._open_frames = 0
            loud = called and background.above >= background.onset_db
            self._loud_frames = self._loud_frames + 1 if loud else 0
            passed = self._loud_frames >= self._unvoiced_frames or (loud and self._voiced(sound))
        self._silent = 0 if passed else self._silent + 1
        self._open = self._silent <= self._hold_frames
        self._learn(lasting, lasting_edge, called)
        return passed

    def _voiced(self, sound: NDArray[np.int16]) -> bool:
        """Whether the last frames all have a voice."""
        background = self._background
        least = VOICE if background.known else FIRST_VOICE
        if background.above >= CLEAR_DB:
            least = CLEAR_VOICE
        for back in range(self._voiced_frames):
            end = len(sound) - back * self._frame_samples
            if periodicity(sound[end - WINDOW_SAMPLES : end]) < least:
                return False
        return True

    def _learn(self, level: float, edge: float, called: bool) -> None:
        """Wait until a frame is clear of speech on both sides; then it is background."""
        self._waiting.append((level, edge, called))
        if len(self._waiting) > self._clear_frames:
            oldest = self._waiting.popleft()
            if self._silent > 2 * self._clear_frames:
                self._background.learn(*oldest)


def _db(level: float) -> float:
    return 20 * math.log10(max(level, _LEAST_LEVEL))
