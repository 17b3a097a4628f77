from __future__ import annotations

import numpy as np
import pytest

from vad.voicing import SAMPLE_RATE, WINDOW_SAMPLES, periodicity


def tone(hz: float, level: float = 1000.0) -> np.ndarray:
    time = np.arange(WINDOW_SAMPLES) / SAMPLE_RATE
    return np.round(level * np.sin(2 * np.pi * hz * time)).astype(np.int16)


@pytest.mark.parametrize("hz", [70, 120, 200, 390])
@pytest.mark.parametrize("level", [20.0, 1000.0, 32000.0])
def test_a_tone_in_the_range_of_voices_is_periodic_at_any_level(hz: float, level: float) -> None:
    assert periodicity(tone(hz, level)) > 0.95


def test_a_buzz_that_swells_is_periodic() -> None:
    buzz = sum(tone(120.0 * harmonic, 900.0 / harmonic) for harmonic in range(1, 8))
    assert periodicity((buzz * np.linspace(0.2, 1, WINDOW_SAMPLES)).astype(np.int16)) > 0.9


@pytest.mark.parametrize("seed", range(20))
def test_hiss_is_not(seed: int) -> None:
    hiss = np.random.default_rng(seed).normal(0, 1000, WINDOW_SAMPLES).astype(np.int16)
    assert periodicity(hiss) < 0.5


def test_a_click_is_not() -> None:
    click = np.zeros(WINDOW_SAMPLES, np.int16)
    click[200:230] = np.random.default_rng(1).normal(0, 8000, 30).astype(np.int16)
    assert periodicity(click) < 0.3


@pytest.mark.parametrize("sample", [0, 100, -32768])
def test_what_does_not_move_is_not(sample: int) -> None:
    assert periodicity(np.full(WINDOW_SAMPLES, sample, np.int16)) == pytest.approx(0.0, abs=1e-6)
