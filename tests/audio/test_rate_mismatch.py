"""The measures of a voice, and the limits of what people do; `test_audio_check` has recordings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rasr.audio.rate_mismatch import VoiceMeasures, measure_voice
from tests.audio.signals import noise, silence, tone, voice

SLOWED = VoiceMeasures(
    pitch_hz=50.0, pitch_spread=0.2, glide_octaves=0.03, voiced_share=0.8, rhythm_hz=3.0
)


def test_a_low_slow_voice_that_moves_is_slowed_down() -> None:
    assert SLOWED.slowed_down


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("pitch_hz", 61.9, 62.0),
        # The product is what counts: 50 Hz times 4.1 Hz is 205.
        ("rhythm_hz", 4.09, 4.101),
        ("voiced_share", 0.56, 0.55),
        ("pitch_spread", 0.061, 0.06),
        ("pitch_spread", 0.99, 1.0),
        ("glide_octaves", 0.0121, 0.012),
    ],
)
def test_each_measure_has_its_limit(field: str, inside: float, outside: float) -> None:
    assert replace(SLOWED, **{field: inside}).slowed_down
    assert not replace(SLOWED, **{field: outside}).slowed_down


@pytest.mark.parametrize(
    ("rate", "pitch_hz", "syllables_hz", "measured"),
    [
        (8000, 50.0, 2.0, VoiceMeasures(49.202529, 0.181240, 0.051335, 0.855856, 3.230817)),
        (16000, 50.0, 2.0, VoiceMeasures(49.260947, 0.179466, 0.038926, 0.864865, 3.184493)),
        (8000, 110.0, 4.5, VoiceMeasures(113.695055, 0.222066, 0.035529, 0.983871, 4.735667)),
        (16000, 110.0, 4.5, VoiceMeasures(113.657969, 0.222160, 0.035328, 0.983871, 4.743718)),
    ],
)
def test_the_measures_of_a_voice_stay_what_they_are(
    rate: int, pitch_hz: float, syllables_hz: float, measured: VoiceMeasures
) -> None:
    """The limits were set for measures that are made in exactly this way."""
    found = measure_voice(voice(5, rate, pitch_hz, syllables_hz), rate)
    assert found is not None
    for field in ("pitch_hz", "pitch_spread", "glide_octaves", "voiced_share", "rhythm_hz"):
        assert getattr(found, field) == pytest.approx(getattr(measured, field), rel=2e-5), field


@pytest.mark.parametrize("hz", [41.0, 100.0, 157.3, 400.0])
def test_the_pitch_of_a_tone_is_its_frequency_and_does_not_move(hz: float) -> None:
    found = measure_voice(tone(hz, 5, 16000), 16000)
    assert found is not None
    assert found.pitch_hz == pytest.approx(hz, rel=0.01)
    assert found.pitch_spread < 0.01
    assert found.glide_octaves < 0.01
    assert found.voiced_share == 1.0


def test_the_rhythm_is_that_of_the_loudness() -> None:
    time = np.arange(5 * 16000) / 16000
    swelling = np.exp(1.5 * np.sin(2 * np.pi * 6 * time))
    found = measure_voice((tone(100, 5, 16000) / 8 * swelling).astype(np.int16), 16000)
    assert found is not None
    assert found.rhythm_hz == pytest.approx(6.0, abs=0.4)


@pytest.mark.parametrize(("voiced_s", "is_measured"), [(1.025, True), (1.0, False)])
def test_a_second_of_voice_is_needed(voiced_s: float, is_measured: bool) -> None:
    # 40 frames of 50 ms that begin 25 ms after each other last 1.025 s.
    audio = tone(100, voiced_s, 16000)
    assert (measure_voice(audio, 16000) is not None) is is_measured


@pytest.mark.parametrize("level", [99.0, 20.0])
def test_what_is_hardly_audible_has_no_pitch(level: float) -> None:
    assert measure_voice(tone(100, 5, 16000, level * 2**0.5), 16000) is None
    assert measure_voice(tone(100, 5, 16000, 2 * 120.0), 16000) is not None


def test_silence_and_noise_have_no_voice() -> None:
    assert measure_voice(silence(5, 16000), 16000) is None
    assert measure_voice(noise(5, 16000), 16000) is None


@pytest.mark.parametrize(
    ("loud_ms", "is_measured"), [(450, True), (500, True), (525, False), (575, False)]
)
def test_what_is_quiet_beside_a_twentieth_of_the_audio_is_not_measured(
    loud_ms: int, is_measured: bool
) -> None:
    # At a fifth of its level: 5 % of ten seconds make the rest too quiet.
    quiet = tone(100, 10 - loud_ms / 1000, 16000, 1600)
    loud = tone(100, loud_ms / 1000, 16000, 8000)
    assert (measure_voice(np.concatenate((quiet, loud)), 16000) is not None) is is_measured
