"""What is no speech, told from the text: marks without letters, low probability.

A model that is given noise says something all the same. Voice activity detection keeps most noise
from it; these rules keep the rest from becoming words. The figures are from the seven noises of
`bench.noisy_speech` alone (each told in pieces of 1, 3 and 8 s) and from human speech in them: mean
log-probability of the tokens is above -0.45 for clean speech and for speech at 10 dB, and below
-0.6 for most noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Final

LEAST_MEAN: Final = -0.75
"""Mean log-probability of the tokens of a text that is believed."""
LEAST_MEAN_SHORT: Final = -0.5
"""The same for texts of at most `SHORT_TOKENS`: "You" and "So" are what noise is most often."""
SHORT_TOKENS: Final = 2


def is_believed(text: str, log_probabilities: Sequence[float]) -> bool:
    """True if a text is likely to have been said.

    Args:
        log_probabilities: of its tokens, without the end.
    """
    if not any(map(str.isalnum, text)) or not log_probabilities:
        return False
    short = len(log_probabilities) <= SHORT_TOKENS
    return fmean(log_probabilities) >= (LEAST_MEAN_SHORT if short else LEAST_MEAN)
