"""What is no speech, told from the text: marks without letters, low probability.

A model that is given noise says something all the same. Voice activity detection keeps most noise
from it; these rules keep the rest from becoming words. What counts is the mean log-probability of
the tokens that have letters: a mark is never sure where a sentence was cut off. Of the noises of
`bench.noisy_speech` alone two of three texts are below -1.0, and most of the others are the one
word "You". Of speech that ends in the middle of a sentence, texts of three tokens and more were
above -0.91, and one of two tokens ("That was.") was at -1.16: such a one is given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Final

LEAST_MEAN: Final = -1.0
"""Mean log-probability of the tokens with letters of a text that is believed."""
LEAST_ALONE: Final = -0.5
"""The same where there is one such token: "You" and "So" are what noise is most often."""


def is_believed(log_probabilities: Sequence[float]) -> bool:
    """True if a text is likely to have been said.

    Args:
        log_probabilities: of its tokens that have letters or digits.
    """
    if not log_probabilities:
        return False
    least = LEAST_ALONE if len(log_probabilities) == 1 else LEAST_MEAN
    return fmean(log_probabilities) >= least
