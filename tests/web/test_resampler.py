"""The browser's resampler beside soxr, which the server itself uses."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from bench import recordings
from tests.web.node import HERE, node

Audio = NDArray[np.float32]

EDGE = 400
"""Samples at the ends, where the filters see different amounts of nothing."""


def in_browser(audio: Audio, from_rate: int, to_rate: int) -> Audio:
    run = subprocess.run(
        [node(), str(HERE / "resample.mjs"), str(from_rate), str(to_rate)],
        input=audio.astype("<f4").tobytes(),
        capture_output=True,
        check=True,
    )
    return np.frombuffer(run.stdout, "<f4")


def decibels(ratio: float) -> float:
    return float(20 * np.log10(max(ratio, 1e-12)))


def rms(audio: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


def band_limited_noise(rate: int, highest_hz: float) -> Audio:
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(size=2 * rate))
    spectrum[np.fft.rfftfreq(2 * rate, 1 / rate) > highest_hz] = 0
    noise = np.fft.irfft(spectrum)
    loudest: Audio = (noise / np.abs(noise).max()).astype(np.float32)
    return loudest


@pytest.mark.parametrize(
    ("from_rate", "to_rate", "highest_hz"),
    [(48000, 16000, 7100), (44100, 16000, 7100), (8000, 16000, 3500), (48000, 8000, 3500)],
)
def test_what_can_be_heard_comes_out_as_from_soxr(
    from_rate: int, to_rate: int, highest_hz: float
) -> None:
    noise = band_limited_noise(from_rate, highest_hz)
    ours = in_browser(noise, from_rate, to_rate)
    theirs = soxr.resample(noise, from_rate, to_rate, quality="VHQ")
    assert len(ours) == len(theirs)
    difference = (ours - theirs)[EDGE:-EDGE]
    # From 44.1 kHz it is soxr that is this far from the truth, as the test of tones shows.
    assert decibels(rms(difference) / rms(theirs)) < -75


@pytest.mark.parametrize("from_rate", [44100, 48000, 96000])
def test_a_tone_stays_where_and_what_it_is(from_rate: int) -> None:
    for tone_hz in (100, 1000, 7000):
        tone = np.sin(2 * np.pi * tone_hz * np.arange(from_rate) / from_rate).astype(np.float32)
        truth = np.sin(2 * np.pi * tone_hz * np.arange(16000) / 16000)
        difference = (in_browser(tone, from_rate, 16000) - truth)[EDGE:-EDGE]
        assert decibels(rms(difference)) < -100


@pytest.mark.parametrize("from_rate", [44100, 48000, 96000])
def test_what_the_new_rate_cannot_hold_is_gone(from_rate: int) -> None:
    at = np.arange(from_rate) / from_rate
    for tone_hz in (8050, 9000, 15000, 20000):
        tone = np.sin(2 * np.pi * tone_hz * at).astype(np.float32)
        assert decibels(rms(in_browser(tone, from_rate, 16000)[EDGE:-EDGE])) < -90


def test_speech_is_the_same_speech_but_for_the_last_bit() -> None:
    speech = recordings.load_demo().samples.astype(np.float32) / 32768
    played = soxr.resample(speech, 16000, 44100, quality="VHQ")
    ours = in_browser(played, 44100, 16000)
    theirs = soxr.resample(played, 44100, 16000, quality="VHQ")
    # What is above 7.2 kHz differs: soxr's filter is steeper still, and speech has little there.
    assert decibels(rms(ours - theirs) / rms(theirs)) < -30
