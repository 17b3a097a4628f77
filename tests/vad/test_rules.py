"""The endpointer's settings: in frames, and what is refused."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from vad import EndpointRules, VadError


@pytest.mark.parametrize(
    ("frame_samples", "needed", "window"),
    [(160, 6, 10), (320, 3, 5), (480, 2, 3), (512, 2, 3), (640, 2, 3)],
)
def test_the_default_onset_fits_every_frame_length(
    frame_samples: int, needed: int, window: int
) -> None:
    rules = EndpointRules(frame_samples=frame_samples)
    assert (rules.onset_frames_needed, rules.onset_window_frames) == (needed, window)


@pytest.mark.parametrize("frame_samples", [160, 320, 480, 512])
def test_loudness_is_taken_over_60_to_100_ms_at_every_frame_length(frame_samples: int) -> None:
    rules = EndpointRules(frame_samples=frame_samples)
    smoothed_ms = 2 * rules.smoothing_half_frames * frame_samples / 16
    assert 60 <= smoothed_ms <= 100


@pytest.mark.parametrize("seconds", range(1, 61))
@pytest.mark.parametrize("frame_samples", [160, 320, 480, 512])
def test_the_defaults_stand_with_every_max_seconds_of_the_protocol(
    seconds: int, frame_samples: int
) -> None:
    rules = EndpointRules(frame_samples=frame_samples, max_ms=seconds * 1000)
    assert rules.search_samples == min(16_000, seconds * 8000)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("frame_samples", 0, "1 or more"),
        ("sample_rate", 0, "1 or more"),
        ("vad_head_ms", -1, "0 or more"),
        ("vad_tail_ms", -1, "0 or more"),
        ("max_ms", 0, "1 or more"),
        ("max_ms", 799, "800 or more"),
        ("pre_roll_ms", -1, "0 or more"),
        ("post_roll_ms", -1, "0 or more"),
        ("onset_speech_ms", 0, "1 or more"),
        ("onset_window_ms", 59, "60 or more"),
        ("search_ms", 59, "60 or more"),
    ],
)
def test_nonsense_is_refused_with_field_value_and_what_is_allowed(
    field: str, value: int, allowed: str
) -> None:
    values: dict[str, Any] = {field: value}
    with pytest.raises(VadError) as refused:
        EndpointRules(**values)
    assert str(refused.value).startswith(f"{field} is {value}, allowed: {allowed}")
    assert (refused.value.field, refused.value.value) == (field, value)
    assert refused.value.allowed.startswith(allowed)


@pytest.mark.parametrize(
    ("field", "values", "least"),
    [
        ("max_ms", {"pre_roll_ms": 30_000}, 60_200),
        ("max_ms", {"pre_roll_ms": 300_000, "onset_window_ms": 1000}, 602_000),
        # Of 512 samples at 44.1 kHz: what is no whole number of milliseconds is rounded up.
        ("max_ms", {"sample_rate": 44_100, "frame_samples": 512, "pre_roll_ms": 10_000}, 20_209),
        ("search_ms", {"sample_rate": 11_025, "frame_samples": 1024}, 186),
    ],
)
def test_the_least_that_is_allowed_is_exact(field: str, values: dict[str, Any], least: int) -> None:
    EndpointRules(**values | {"max_ms": 700_000} | {field: least})
    with pytest.raises(VadError, match=f"{least} or more"):
        EndpointRules(**values | {"max_ms": 700_000} | {field: least - 1})


def test_what_a_refusal_names_as_allowed_is_allowed() -> None:
    EndpointRules(max_ms=800)
    EndpointRules(search_ms=60)
    EndpointRules(onset_window_ms=60)


def test_any_silence_may_end_an_utterance_or_none() -> None:
    assert EndpointRules(vad_tail_ms=3001).tail_frames == 151
    assert EndpointRules(vad_tail_ms=24 * 3600 * 1000).tail_frames == 24 * 3600 * 50
    assert EndpointRules(vad_tail_ms=0).tail_frames == 1
    assert EndpointRules(vad_tail_ms=None).tail_frames is None


def test_the_defaults_are_those_of_sis_and_those_that_were_measured() -> None:
    assert asdict(EndpointRules()) == {
        "frame_samples": 320,
        "sample_rate": 16_000,
        "vad_head_ms": 10_000,
        "vad_tail_ms": 500,
        "max_ms": 30_000,
        "pre_roll_ms": 300,
        "post_roll_ms": 300,
        "onset_speech_ms": 60,
        "onset_window_ms": 100,
        "search_ms": 1000,
    }
