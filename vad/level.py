"""How loud a frame is, as one number.

Levels are RMS in int16 units: 0 is digital silence, 32768 the largest that a frame can hold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def frame_levels(samples: NDArray[np.int16], frame_samples: int) -> list[float]:
    """RMS of each frame of `samples`, shape (k * frame_samples,), int16, in order.

    All frames of a chunk in one call: numpy's overhead is most of the cost of one.
    """
    # int16 overflows when squared; float32 keeps 7 digits, which is more than a level needs.
    loud = samples.astype(np.float32).reshape(-1, frame_samples)
    levels: list[float] = np.sqrt(np.einsum("ij,ij->i", loud, loud) / frame_samples).tolist()
    return levels
