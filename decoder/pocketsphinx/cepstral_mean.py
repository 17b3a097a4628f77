"""The cepstral mean of a stretch of audio, measured by PocketSphinx's own front end.

PocketSphinx subtracts a running mean from its features and offers no way to measure one without
decoding. So this keeps a recogniser that knows a single phrase and looks at one frame in fifty:
9 MB, 2 ms for 2 s of audio.
"""

from __future__ import annotations

import pocketsphinx

from decoder.engine import Samples

_WEIGHT_FRAMES = 500
"""What a mean that is set counts for against the frames that follow (CMN_WIN in cmn.h)."""
_COEFFICIENTS = 13


class CepstralMean:
    """Measures cepstral means of audio at `sample_rate`, Hz; used by one thread at a time."""

    def __init__(self, sample_rate: int) -> None:
        self._frame_samples = sample_rate // 100
        self._decoder = pocketsphinx.Decoder(
            loglevel="FATAL",
            samprate=sample_rate,
            lm=None,
            dict=None,
            keyphrase="a",
            ds=50,
            topn=1,
        )

    def of(self, samples: Samples) -> str | None:
        """The mean of `samples`, shape (n,), int16, in the form that `Decoder.set_cmn` takes.

        None where there is not one frame.
        """
        frames = len(samples) // self._frame_samples
        if not frames:
            return None
        decoder = self._decoder
        decoder.reinit_feat()
        decoder.set_cmn(",".join(["0"] * _COEFFICIENTS))
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), no_search=True)
        weighted = [float(value) for value in decoder.get_cmn(True).split(",")]
        decoder.end_utt()
        scale = (_WEIGHT_FRAMES + frames) / frames
        return ",".join(f"{value * scale:.4f}" for value in weighted)
