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
    return _rms(_frames(samples, frame_samples))


def frame_edges(samples: NDArray[np.int16], frame_samples: int) -> list[float]:
    """RMS of the differences between neighbouring samples of each frame, as `frame_levels`.

    The level as if heard through a filter that rises by 6 dB an octave: hum, rumble and wind all
    but vanish, and speech stands out of them by its formants.
    """
    frames = _frames(samples, frame_samples)
    return _rms(frames[:, 1:] - frames[:, :-1])


def _frames(samples: NDArray[np.int16], frame_samples: int) -> NDArray[np.float32]:
    # int16 overflows when squared; float32 keeps 7 digits, which is more than a level needs.
    return samples.astype(np.float32).reshape(-1, frame_samples)


def _rms(frames: NDArray[np.float32]) -> list[float]:
    levels: list[float] = np.sqrt(np.einsum("ij,ij->i", frames, frames) / frames.shape[1]).tolist()
    return levels
