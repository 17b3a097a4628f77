"""What a voice classifier offers: one frame in, "is this speech?" out.

A classifier answers for single frames and may be wrong for single frames; turning answers into
utterances is the endpointer's work alone. Most classifiers adapt to what they have heard, so an
instance belongs to one stream.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vad.errors import VadError


class Classifier(Protocol):
    """Hears the frames of one stream, in order, none left out."""

    @property
    def sample_rate(self) -> int:
        """Hz of the frames that `is_speech` expects."""

    @property
    def frame_samples(self) -> int:
        """Samples in each frame, exactly."""

    def is_speech(self, frame: NDArray[np.int16], level: float | None = None) -> bool:
        """Judge the next frame, shape (frame_samples,), int16, at `sample_rate`. It is not kept.

        Args:
            level: its `vad.level.frame_level`, where the caller has it already.

        Raises:
            VadError: another shape or dtype.
        """


def check_frame(frame: NDArray[np.int16], frame_samples: int) -> None:
    """Refuse what is not one frame: foreign libraries read past the end, or misread in silence."""
    if frame.shape != (frame_samples,) or frame.dtype != np.int16:
        raise VadError(
            "frame",
            f"{frame.dtype} of shape {frame.shape}",
            f"int16 of shape ({frame_samples},)",
        )
