"""How loud a frame is, as one number.

Levels are RMS in int16 units: 0 is digital silence, 32768 the largest that a frame can hold.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def frame_level(frame: NDArray[np.int16]) -> float:
    """RMS of `frame`, shape (n,), int16; 0.0 for an empty one."""
    if frame.size == 0:
        return 0.0
    # int16 overflows when squared; float32 keeps 7 digits, which is more than a level needs, and
    # is the fastest of the ways that do not.
    loud = frame.astype(np.float32)
    return math.sqrt(float(np.dot(loud, loud)) / loud.size)
