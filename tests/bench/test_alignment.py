"""What the verb `alignment` counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bench.alignment import Said, Score, score
from bench.recordings import SpokenWord
from decoder.alignment import Phrase, WordTimes
from rasr.audio import Samples

SECOND = np.zeros(16_000, np.int16)
WORDS = (SpokenWord("one", 100, 200), SpokenWord("two", 200, 400))
PHRASES = tuple(Phrase((word.text,), (word.text,)) for word in WORDS)


def found(phrases: Sequence[Phrase], samples: Samples) -> list[WordTimes]:
    """The first word 80 ms late, and the second one ends 81 ms early."""
    return [WordTimes(16 * 180, 16 * 280, True), WordTimes(16 * 200, 16 * 319, False)]


def test_errors_are_those_of_words_whose_times_are_known() -> None:
    sums = score([Said(PHRASES, SECOND, WORDS), Said(PHRASES, SECOND)], found)
    assert (sums.words, sums.aligned, sums.audio_s) == (4, 2, 2.0)
    assert sums.start_errors_ms == [80.0, 0.0]
    assert sums.end_errors_ms == [80.0, -81.0]


NEAR, FAR = [0.0] * 19 + [81.0], [0.0] * 18 + [81.0] * 2


@pytest.mark.parametrize(
    ("starts", "ends", "cpu_s", "met"),
    [
        (NEAR, NEAR, 0.03, True),
        (FAR, NEAR, 0.03, False),
        (NEAR, FAR, 0.03, False),
        (NEAR, NEAR, 0.031, False),
        ([], [], 0.01, True),
    ],
)
def test_the_bars(starts: list[float], ends: list[float], cpu_s: float, met: bool) -> None:
    assert Score(20, 20, starts, ends, audio_s=1.0, cpu_s=cpu_s).meets_the_bars is met
