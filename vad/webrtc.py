"""The classifier of the WebRTC project: energies in six bands against an adapting noise model.

Cheap enough to run inline on the event loop (a few microseconds a frame). It tells speech
from steady noise well, and from other changing audio badly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from vad.classifier import DEFAULT_AGGRESSIVENESS, DEFAULT_FRAME_MS, check_frames
from vad.errors import VadError

AGGRESSIVENESS: Final = (0, 1, 2, 3)
"""The modes of the library: 0 lets most through, 3 takes least for speech."""
FRAME_MS: Final = (10, 20, 30)
"""Lengths of a frame, ms, that the library takes."""
SAMPLE_RATES: Final = (8000, 16000, 32000, 48000)
"""Hz that the library takes."""

FLOOR_LEVEL: Final = 16.4
"""RMS in int16 units (-66 dBFS) below which a frame is never speech.

Dither, the hiss of a muted microphone and what G.711 makes of silence lie below; the quiet
passages of recorded speech that anybody could understand lie at least 10 dB above. The library's
own limit is lower and varies with the mode.
"""

WARM_UP_MS: Final = 100
"""How much audio above the floor the library hears before its answers mean anything.

A fresh instance calls whatever it hears first speech: with white noise of any level the first 4
or 5 frames of 20 ms, or 7 to 9 of 10 ms, whether or not digital silence came before. Left alone,
each stream would open with an utterance of noise. Speech that does begin at once is found this
much later and loses nothing: the pre-roll is longer.
"""


class _Vad(Protocol):
    """What is used of the library's detector, which comes without types."""

    def is_speech(self, frame: bytes, sample_rate: int) -> bool: ...


class WebRtcClassifier:
    """`Classifier` over the `webrtcvad` library.

    Args:
        aggressiveness: 0 lets most through, 3 takes least for speech.

    Raises:
        VadError: a value that the library does not take.
    """

    def __init__(
        self,
        aggressiveness: int = DEFAULT_AGGRESSIVENESS,
        frame_ms: int = DEFAULT_FRAME_MS,
        sample_rate: int = 16000,
    ) -> None:
        for field, value, allowed in (
            ("aggressiveness", aggressiveness, AGGRESSIVENESS),
            ("frame_ms", frame_ms, FRAME_MS),
            ("sample_rate", sample_rate, SAMPLE_RATES),
        ):
            if value not in allowed:
                raise VadError(field, value, ", ".join(map(str, allowed)))
        self._sample_rate = sample_rate
        self._frame_samples = sample_rate * frame_ms // 1000
        self._vad: _Vad = webrtcvad.Vad(aggressiveness)  # type: ignore[no-untyped-call]
        self._warm_up_frames = -(-WARM_UP_MS // frame_ms)

    @property
    def sample_rate(self) -> int:
        """Hz, as it was asked for."""
        return self._sample_rate

    @property
    def frame_samples(self) -> int:
        """Samples in a frame of the length that was asked for."""
        return self._frame_samples

    def judge(self, samples: NDArray[np.int16], levels: Sequence[float]) -> list[bool]:
        """Whether each of the next frames is speech; as `Classifier.judge`."""
        check_frames(samples, levels, self._frame_samples)
        audio = samples.tobytes()
        length = 2 * self._frame_samples
        flags = []
        for number, level in enumerate(levels):
            # The library hears every frame, refused ones too: its noise model lives on them.
            frame = audio[number * length : (number + 1) * length]
            heard = self._vad.is_speech(frame, self._sample_rate)
            if level < FLOOR_LEVEL:
                heard = False
            elif self._warm_up_frames:
                self._warm_up_frames -= 1
                heard = False
            flags.append(heard)
        return flags
