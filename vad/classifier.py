"""What a voice classifier offers: it takes frames and says of each whether it is speech.

A classifier answers for single frames and may be wrong for single frames; turning answers into
utterances is the endpointer's work alone. Most classifiers adapt to what they have heard, so an
instance belongs to one stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vad.errors import VadError

DEFAULT_AGGRESSIVENESS = 2
"""Of WebRTC's classifier, 0 to 3: its second strictest mode."""
DEFAULT_FRAME_MS: Final = 20
DEFAULT_THRESHOLD = 0.5
"""Probability from which on Silero's classifier calls a frame speech; its makers' own."""


class Classifier(Protocol):
    """Hears the frames of one stream, in order, none left out."""

    @property
    def sample_rate(self) -> int:
        """Hz of the frames that `judge` expects."""

    @property
    def frame_samples(self) -> int:
        """Samples in each frame, exactly."""

    def judge(self, samples: NDArray[np.int16], levels: Sequence[float]) -> list[bool]:
        """Whether each of the next frames is speech. They are not kept.

        Args:
            samples: whole frames in order, shape (k * frame_samples,), int16, at `sample_rate`.
                All that a chunk completes in one call: a call costs more than a frame.
            levels: the `vad.features.frame_levels` of the same frames.

        Raises:
            VadError: another shape or dtype.
        """


def check_frames(samples: NDArray[np.int16], levels: Sequence[float], frame_samples: int) -> None:
    """Refuse what is not whole frames: foreign libraries read past the end, or misread silently."""
    if samples.ndim != 1 or samples.dtype != np.int16 or len(samples) % frame_samples:
        raise VadError(
            "samples",
            f"{samples.dtype} of shape {samples.shape}",
            f"int16 of shape (k * {frame_samples},)",
        )
    if len(levels) != len(samples) // frame_samples:
        raise VadError("levels", f"{len(levels)} values", "one for each frame")
