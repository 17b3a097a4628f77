"""The features of sherpa-onnx: 80 log-mel energies every 10 ms, by the library that it uses itself.

The options are the defaults of sherpa-onnx's FeatureExtractorConfig: training and recognition must
see the same numbers.
"""

from __future__ import annotations

import kaldi_native_fbank as knf
import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
DIMENSIONS = 80
FRAME_S = 0.01

_OPTIONS = knf.FbankOptions()
_OPTIONS.frame_opts.samp_freq = SAMPLE_RATE
_OPTIONS.frame_opts.dither = 0.0
_OPTIONS.frame_opts.snip_edges = False
_OPTIONS.frame_opts.frame_shift_ms = FRAME_S * 1000
_OPTIONS.frame_opts.frame_length_ms = 25.0
_OPTIONS.frame_opts.remove_dc_offset = True
_OPTIONS.frame_opts.preemph_coeff = 0.97
_OPTIONS.frame_opts.window_type = "povey"
_OPTIONS.mel_opts.num_bins = DIMENSIONS
_OPTIONS.mel_opts.low_freq = 20.0
_OPTIONS.mel_opts.high_freq = -400.0


def fbank(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the log-mel energies of audio at 16 kHz.

    Args:
        samples: shape (n,), in [-1, 1].

    Returns:
        Shape (frames, 80), one frame for each whole 10 ms.
    """
    computer = knf.OnlineFbank(_OPTIONS)
    computer.accept_waveform(SAMPLE_RATE, samples.tolist())
    computer.input_finished()
    frames = [computer.get_frame(index) for index in range(computer.num_frames_ready)]
    return np.asarray(frames, np.float32).reshape(-1, DIMENSIONS)
