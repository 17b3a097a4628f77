"""The default classifier: WebRTC's, behind a gate that knows the noise and the voice.

WebRTC's takes a keyboard, a fan or a room full of people for speech. So what it calls speech has
to pass here too:

* Speech is louder than the noise and its peaks (`vad.noise`), for 60 ms without a break: a click
  is not.
* It begins with a voice (`vad.features.periodicity`), or goes on for 200 ms: a whisper has no
  voice.
* It is more than rumble, whose emphasised level is as good as nothing beside its level.

Once there is speech, less is asked of it: only the peaks that WebRTC's took for speech matter, and
the voice does not, until nothing has passed for 400 ms. The noise is learned from frames that have
no speech within 200 ms on either side, so it is known 200 ms late.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vad.classifier import DEFAULT_AGGRESSIVENESS, DEFAULT_FRAME_MS
from vad.features import SAMPLE_RATE, WINDOW_SAMPLES, emphasised_levels, periodicity
from vad.noise import NoiseEstimate
from vad.webrtc import WebRtcClassifier

SUSTAINED_MS: Final = 60
"""The quietest frame of so much audio is what counts as its loudness: a click is shorter."""
VOICED_MS: Final = 60
"""Speech begins where so much audio has a voice all through."""
UNVOICED_MS: Final = 200
"""Without a voice, speech begins where so much audio is loud without a break."""
HOLD_MS: Final = 400
"""After so much audio in which nothing passed, speech has to begin again."""
CLEAR_MS: Final = 200
"""Noise is learned from what lies so far from speech on either side, at least."""
RUMBLE: Final = 16.0
"""A frame whose level is so many times its emphasised level is rumble: the ratio of a tone of
160 Hz."""
VOICE: Final = 0.7
"""Least periodicity: of white noise it is below 0.35, for 60 ms of typing below 0.7, of many voices
at once seldom more, and of speech in noise at 10 dB mostly."""
FIRST_VOICE: Final = 0.75
"""Least periodicity while the noise is not known."""
CLEAR_VOICE: Final = 0.5
"""Least periodicity of a frame that is `CLEAR_DB` above the noise, where little else than speech
is: falling tones are less periodic than `VOICE`."""
CLEAR_DB: Final = 25.0
"""How far above the noise `CLEAR_VOICE` is enough."""
_LEAST_LEVEL: Final = 10.0
"""RMS, int16: anything quieter is as good as silent. Kept out of the logarithm."""


class GatedClassifier:
    """`Classifier` over the WebRTC classifier and the gate, at 16 kHz only.

    Args:
        aggressiveness, frame_ms: as of `WebRtcClassifier`.

    Raises:
        VadError: a value that the library does not take.
    """

    def __init__(
        self, aggressiveness: int = DEFAULT_AGGRESSIVENESS, frame_ms: int = DEFAULT_FRAME_MS
    ) -> None:
        self._caller = WebRtcClassifier(aggressiveness, frame_ms, SAMPLE_RATE)
        self._frame_samples = self._caller.frame_samples
        self._noise = NoiseEstimate(frame_ms)
        sustained = -(-SUSTAINED_MS // frame_ms)
        self._levels: deque[float] = deque(maxlen=sustained)
        self._emphasised: deque[float] = deque(maxlen=sustained)
        self._waiting: deque[tuple[float, float, bool]] = deque()
        self._voiced_frames = -(-VOICED_MS // frame_ms)
        self._unvoiced_frames = UNVOICED_MS // frame_ms
        self._hold_frames = HOLD_MS // frame_ms
        self._clear_frames = CLEAR_MS // frame_ms
        before = WINDOW_SAMPLES + (self._voiced_frames - 2) * self._frame_samples
        self._before = np.zeros(before, np.int16)
        """What was heard last, as far as a window for voicing may reach back."""
        self._loud_frames = 0
        """Frames without a break that only a voice may have been missing from."""
        self._silent: float = math.inf
        """Frames since the last that passed."""
        self._open = False
        self._open_frames = 0

    @property
    def sample_rate(self) -> int:
        """16,000 Hz."""
        return SAMPLE_RATE

    @property
    def frame_samples(self) -> int:
        """Samples in a frame of the length that was asked for."""
        return self._frame_samples

    def judge(self, samples: NDArray[np.int16], levels: Sequence[float]) -> list[bool]:
        """Whether each of the next frames is speech; as `Classifier.judge`."""
        calls = self._caller.judge(samples, levels)
        all_emphasised = emphasised_levels(samples, self._frame_samples)
        audio = np.concatenate([self._before, samples])
        end = len(self._before)
        flags = []
        for call, level, emphasised in zip(calls, levels, all_emphasised, strict=True):
            end += self._frame_samples
            called = call and level <= RUMBLE * emphasised
            flags.append(self._frame(called, _db(level), _db(emphasised), audio[:end]))
        self._before = audio[len(audio) - len(self._before) :]
        return flags

    def _frame(
        self, called: bool, level: float, emphasised: float, audio: NDArray[np.int16]
    ) -> bool:
        """Judge one; `audio` ends with it."""
        self._levels.append(level)
        self._emphasised.append(emphasised)
        lasting, lasting_emphasised = min(self._levels), min(self._emphasised)
        noise = self._noise
        noise.observe(lasting, lasting_emphasised)
        if self._open:
            self._open_frames += 1
            passed = called and noise.above >= noise.stay_db(self._open_frames)
        else:
            self._open_frames = 0
            loud = called and noise.above >= noise.onset_db
            self._loud_frames = self._loud_frames + 1 if loud else 0
            passed = self._loud_frames >= self._unvoiced_frames or (loud and self._voiced(audio))
        self._silent = 0 if passed else self._silent + 1
        self._open = self._silent <= self._hold_frames
        self._learn(lasting, lasting_emphasised, called)
        return passed

    def _voiced(self, audio: NDArray[np.int16]) -> bool:
        """Whether the last frames all have a voice."""
        noise = self._noise
        least = VOICE if noise.known else FIRST_VOICE
        if noise.above >= CLEAR_DB:
            least = CLEAR_VOICE
        for back in range(self._voiced_frames):
            end = len(audio) - back * self._frame_samples
            if periodicity(audio[end - WINDOW_SAMPLES : end]) < least:
                return False
        return True

    def _learn(self, level: float, emphasised: float, called: bool) -> None:
        """Wait until a frame is clear of speech on both sides; then it is noise."""
        self._waiting.append((level, emphasised, called))
        if len(self._waiting) > self._clear_frames:
            oldest = self._waiting.popleft()
            if self._silent > 2 * self._clear_frames:
                self._noise.learn(*oldest)


def _db(level: float) -> float:
    return 20 * math.log10(max(level, _LEAST_LEVEL))
