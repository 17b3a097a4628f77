"""The levels and the periodicity of frames."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vad import frame_levels
from vad.features import SAMPLE_RATE, WINDOW_SAMPLES, emphasised_levels, periodicity


def test_the_level_of_a_square_wave_is_its_height() -> None:
    audio = np.tile(np.array([500, -500], np.int16), 160)
    assert frame_levels(audio, 320) == pytest.approx([500.0])


def test_full_scale_does_not_overflow() -> None:
    assert frame_levels(np.full(512, -32768, np.int16), 512) == pytest.approx([32768.0])


def test_digital_silence_is_level_zero_and_no_audio_has_no_level() -> None:
    assert frame_levels(np.zeros(320, np.int16), 320) == [0.0]
    assert frame_levels(np.zeros(0, np.int16), 320) == []


def test_each_frame_has_a_level_of_its_own() -> None:
    audio = np.concatenate([np.full(320, 100, np.int16), np.full(320, 7, np.int16)])
    assert frame_levels(audio, 320) == pytest.approx([100.0, 7.0])


def test_emphasised_levels_are_the_differences_of_neighbours_within_each_frame() -> None:
    steps = np.tile(np.array([0, 30], np.int16), 160)
    audio = np.concatenate([steps, np.full(320, 9000, np.int16)])
    assert emphasised_levels(audio, 320) == pytest.approx([30.0, 0.0])


def test_the_emphasised_level_of_full_scale_do_not_overflow() -> None:
    audio = np.tile(np.array([-32768, 32767], np.int16), 160)
    assert emphasised_levels(audio, 320) == pytest.approx([65535.0])


def tone(hz: float, level: float = 1000.0) -> NDArray[np.int16]:
    time = np.arange(WINDOW_SAMPLES) / SAMPLE_RATE
    rounded: NDArray[np.int16] = np.round(level * np.sin(2 * np.pi * hz * time)).astype(np.int16)
    return rounded


@pytest.mark.parametrize("hz", [70, 120, 200, 390])
@pytest.mark.parametrize("level", [20.0, 1000.0, 32000.0])
def test_a_tone_in_the_range_of_voices_is_periodic_at_any_level(hz: float, level: float) -> None:
    assert periodicity(tone(hz, level)) > 0.95


def test_a_buzz_that_swells_is_periodic() -> None:
    buzz = sum(tone(120.0 * harmonic, 900.0 / harmonic) for harmonic in range(1, 8))
    assert periodicity((buzz * np.linspace(0.2, 1, WINDOW_SAMPLES)).astype(np.int16)) > 0.9


@pytest.mark.parametrize("seed", range(20))
def test_hiss_is_not_periodic(seed: int) -> None:
    hiss = np.random.default_rng(seed).normal(0, 1000, WINDOW_SAMPLES).astype(np.int16)
    assert periodicity(hiss) < 0.5


def test_a_click_is_not_periodic() -> None:
    click = np.zeros(WINDOW_SAMPLES, np.int16)
    click[200:230] = np.random.default_rng(1).normal(0, 8000, 30).astype(np.int16)
    assert periodicity(click) < 0.3


@pytest.mark.parametrize("sample", [0, 100, -32768])
def test_what_does_not_move_is_not_periodic(sample: int) -> None:
    assert periodicity(np.full(WINDOW_SAMPLES, sample, np.int16)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("lag", "is_voice"), [(10, True), (66, True), (67, False)])
def test_a_period_is_looked_for_between_that_of_400_and_that_of_60_hz(
    lag: int, is_voice: bool
) -> None:
    """In steps of 0.25 ms: 10 are 400 Hz, 66 are 60.6 Hz."""
    period = np.repeat(np.random.default_rng(lag).integers(-4000, 4000, lag), 4)
    window = np.tile(period, WINDOW_SAMPLES // len(period) + 1)[:WINDOW_SAMPLES]
    assert (periodicity(window.astype(np.int16)) > 0.99) is is_voice
