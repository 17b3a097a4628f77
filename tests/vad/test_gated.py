"""What the gate adds to the contract of `vad.Classifier`: it passes no noise and all speech."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.noisy_speech import Half, NoiseKind, as_samples, make_noise, voices
from bench.recordings import load, load_demo, names
from bench.report import ROOT
from rasr.audio import SAMPLE_RATE, Samples
from vad import (
    Classifier,
    Endpoint,
    Endpointer,
    EndpointRules,
    GatedClassifier,
    SpeechStarted,
    WebRtcClassifier,
    frame_levels,
    gated,
)
from vad import noise as estimate

SPEECH_LEVEL = 2000.0
"""RMS, int16."""


def judge(classifier: Classifier, audio: Samples) -> list[bool]:
    size = classifier.frame_samples
    whole = audio[: len(audio) // size * size]
    return classifier.judge(whole, frame_levels(whole, size))


def utterances(audio: Samples, classifier: Classifier | None = None) -> list[Endpoint]:
    """All that the default rules make of it."""
    classifier = classifier or GatedClassifier()
    size = classifier.frame_samples
    endpointer = Endpointer(EndpointRules(frame_samples=size))
    events = []
    flags = judge(classifier, audio)
    for flag, level in zip(flags, frame_levels(audio[: len(flags) * size], size), strict=True):
        events += endpointer.push(flag, level)
    events += endpointer.flush(len(flags) * size)
    return [event for event in events if isinstance(event, Endpoint)]


def noise(kind: NoiseKind, seconds: int, level: float, seed: int = 5) -> Samples:
    said = voices(Half.TUNE) if kind is NoiseKind.BABBLE else ()
    return as_samples(level * make_noise(kind, seconds * SAMPLE_RATE, seed, said))


def sentence(name: str = "rain", level: float = SPEECH_LEVEL) -> NDArray[np.float64]:
    """A recording with 300 ms of silence on either side; RMS of its speech."""
    samples = load(name).samples.astype(np.float64)
    scaled: NDArray[np.float64] = samples * (level / np.sqrt(np.mean(samples[4800:-4800] ** 2)))
    return scaled


def padded(audio: NDArray[np.float64], before_s: float, after_s: float) -> NDArray[np.float64]:
    return np.pad(audio, (round(before_s * SAMPLE_RATE), round(after_s * SAMPLE_RATE)))


def bursts(ms: int, every_ms: int, seconds: int, level: float) -> Samples:
    """Hiss that comes and goes."""
    hiss = np.random.default_rng(3).standard_normal(seconds * SAMPLE_RATE) * level
    place = np.arange(len(hiss)) // (SAMPLE_RATE // 1000) % every_ms
    hiss[place >= ms] *= 4 / level
    return as_samples(hiss)


@pytest.mark.parametrize("kind", NoiseKind)
@pytest.mark.parametrize("level", [200.0, SPEECH_LEVEL])
def test_nobody_is_heard_in_half_a_minute_of_noise(kind: NoiseKind, level: float) -> None:
    assert utterances(noise(kind, 30, level)) == []


def test_the_library_alone_hears_somebody_in_the_noise_of_a_keyboard() -> None:
    """What the gate is for; if this fails, it may go."""
    assert utterances(noise(NoiseKind.KEYBOARD, 30, 200.0), WebRtcClassifier())


@pytest.mark.parametrize("kind", NoiseKind)
def test_a_sentence_in_noise_is_one_utterance_with_every_word(kind: NoiseKind) -> None:
    clean = padded(sentence(), 2.0, 1.5)
    background = noise(kind, 7, SPEECH_LEVEL / 10 ** (10 / 20))
    audio = as_samples(clean + background[: len(clean)])
    (found,) = utterances(audio)
    shift = 2 * SAMPLE_RATE
    words = load("rain").words
    assert found.start_sample <= words[0].start_ms * 16 + shift
    assert found.end_sample >= words[-1].end_ms * 16 + shift
    assert abs(found.speech_end_sample - words[-1].end_ms * 16 - shift) <= 150 * 16


@pytest.mark.parametrize("level", [300.0, SPEECH_LEVEL, 10 * SPEECH_LEVEL])
@pytest.mark.parametrize("before_s", [-0.3, 0.0, 2.0])
def test_clean_speech_of_any_level_is_heard_whole_wherever_it_begins(
    level: float, before_s: float
) -> None:
    audio = sentence(level=level) + np.random.default_rng(1).standard_normal(len(sentence())) * 4
    cut = round(-min(0.0, before_s) * SAMPLE_RATE)
    clean = padded(audio[cut:], max(0.0, before_s), 1.0)
    (found,) = utterances(as_samples(clean))
    shift = round(before_s * SAMPLE_RATE)
    words = load("rain").words
    assert found.start_sample <= max(0, words[0].start_ms * 16 + shift)
    assert found.end_sample >= words[-1].end_ms * 16 + shift


RECORDINGS = [
    *((language, name) for language in ("en", "zh") for name in names(language)),
    ("en", "demo"),
    ("zh", "demo"),
]


@pytest.mark.parametrize(("language", "name"), RECORDINGS)
def test_no_word_of_a_clean_recording_is_lost(language: str, name: str) -> None:
    """The first of the Mandarin demonstration falls so fast that it is hardly periodic."""
    recording = load_demo(language) if name == "demo" else load(name, language)
    found = utterances(recording.samples)
    assert len(found) == len(recording.sentences)
    for word in recording.words:
        start, end = word.start_ms * 16, word.end_ms * 16
        assert any(one.start_sample <= start and end <= one.end_sample for one in found)


def test_a_whisper_is_heard_although_it_has_no_voice() -> None:
    assert len(utterances(bursts(350, 450, 3, 600.0))) == 1


def test_clicks_are_not_heard_however_loud() -> None:
    assert utterances(bursts(30, 200, 10, 6000.0)) == []


def test_rumble_is_not_heard() -> None:
    """A lorry that drives by: loud, voiced and never the same for long."""
    time = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    swell = 1 + np.sin(2 * np.pi * 1.5 * time)
    audio = as_samples(4000 * swell * np.sin(2 * np.pi * 90 * time))
    assert utterances(audio) == []


def test_a_fan_that_is_switched_on_becomes_background() -> None:
    quiet = as_samples(np.random.default_rng(2).standard_normal(3 * SAMPLE_RATE) * 4)
    audio = np.concatenate([quiet, noise(NoiseKind.FAN, 30, 1500.0)])
    found = utterances(audio)
    assert all(one.speech_end_sample < 12 * SAMPLE_RATE for one in found)


def test_speech_is_heard_again_after_noise_that_was_louder() -> None:
    spoken = as_samples(sentence())
    quiet = as_samples(np.random.default_rng(2).standard_normal(6 * SAMPLE_RATE) * 4)
    audio = np.concatenate([noise(NoiseKind.WHITE, 5, 3000.0), quiet, spoken, quiet[:SAMPLE_RATE]])
    last = utterances(audio)[-1]
    assert last.start_sample <= 11 * SAMPLE_RATE + 4800
    assert last.end_sample >= 11 * SAMPLE_RATE + len(spoken) - 4800


MIXED = np.concatenate(
    [
        noise(NoiseKind.KEYBOARD, 2, 300.0),
        as_samples(
            sentence("command") + noise(NoiseKind.PINK, 2, 200.0)[: len(sentence("command"))]
        ),
        noise(NoiseKind.PINK, 1, 200.0),
    ]
)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 40), max_size=60), st.sampled_from([10, 20, 30]))
def test_the_answers_do_not_depend_on_how_the_audio_was_cut(
    frames: list[int], frame_ms: int
) -> None:
    whole = GatedClassifier(frame_ms=frame_ms)
    size = whole.frame_samples
    audio = MIXED[: len(MIXED) // size * size]
    expected = judge(whole, audio)
    assert any(expected)
    pieces = GatedClassifier(frame_ms=frame_ms)
    answers: list[bool] = []
    position = 0
    for count in [*frames, len(audio)]:
        answers += judge(pieces, audio[position : position + count * size])
        position = min(len(audio), position + count * size)
    assert answers == expected


def test_an_onset_is_told_before_the_pre_roll_is_used_up() -> None:
    """Else the first phonemes would be lost."""
    classifier = GatedClassifier()
    audio = as_samples(padded(sentence(), 1.0, 0.5))
    endpointer = Endpointer(EndpointRules())
    levels = frame_levels(audio[: len(audio) // 320 * 320], 320)
    for flag, level in zip(judge(classifier, audio), levels, strict=True):
        for event in endpointer.push(flag, level):
            if isinstance(event, SpeechStarted):
                first = load("rain").words[0].start_ms * 16 + SAMPLE_RATE
                assert event.onset_sample - first <= 150 * 16
                return
    pytest.fail("nothing was heard")


def _scene() -> Samples:
    """Silence, a click, a hiss, a voice, a soft voice, rumble, a voice in noise, louder noise."""
    random, rate = np.random.default_rng(5), SAMPLE_RATE

    def hiss(ms: int, level: float) -> NDArray[np.float64]:
        return random.standard_normal(rate * ms // 1000) * level

    def buzz(ms: int, level: float) -> NDArray[np.float64]:
        time = np.arange(rate * ms // 1000) / rate
        wave = np.zeros(len(time))
        for hz in range(120, 3120, 120):
            gain = np.exp(-(((hz - 600) / 500) ** 2)) + 0.6 * np.exp(-(((hz - 1700) / 700) ** 2))
            wave += gain * np.sin(2 * np.pi * hz * time)
        voiced: NDArray[np.float64] = wave / np.abs(wave).max() * level + hiss(ms, 30)
        return voiced

    rumble = 3000 * np.sin(2 * np.pi * 60 * np.arange(rate // 2) / rate) + hiss(500, 30)
    return as_samples(
        np.concatenate(
            [
                *(hiss(1500, 30), hiss(40, 4000), hiss(400, 30), hiss(300, 3000), hiss(900, 30)),
                *(buzz(300, 3000), hiss(600, 30), buzz(150, 200), hiss(700, 30), rumble),
                *(hiss(5000, 300), buzz(500, 3000), hiss(1000, 300), hiss(700, 900)),
                hiss(1000, 300),
            ]
        )
    )


@pytest.mark.parametrize(
    ("frame_ms", "course"),
    [
        (
            10,
            [
                -218,
                6,
                -95,
                25,
                -195,
                204,
                -4,
                18,
                -11,
                20,
                -8,
                7,
                -12,
                7,
                -1,
                7,
                -21,
                7,
                -10,
                8,
                -162,
                222,
                -91,
            ],
        ),
        (20, [-108, 4, -47, 13, -97, 181, -72, 57, -2, 69, -29]),
        (
            30,
            [
                -70,
                5,
                -31,
                9,
                -64,
                125,
                -44,
                15,
                -1,
                14,
                -2,
                6,
                -1,
                2,
                -5,
                29,
                -2,
                1,
                -2,
                2,
                -2,
                4,
                -1,
                12,
                -2,
                1,
                -1,
            ],
        ),
    ],
)
def test_the_course_of_a_scene_stays_what_it_is(frame_ms: int, course: list[int]) -> None:
    """Runs of frames, those without speech as negative numbers. Whoever changes a threshold should
    see what else it changes; `python -m bench endpoint` says whether it is better."""
    flags = judge(GatedClassifier(frame_ms=frame_ms), _scene())
    edges = [0, *(np.flatnonzero(np.diff(flags)) + 1).tolist(), len(flags)]
    assert [
        (end - start) if flags[start] else start - end for start, end in pairwise(edges)
    ] == course


def test_what_goes_on_for_two_seconds_in_unknown_noise_is_in_doubt() -> None:
    """A hum that has grown by 7 dB: enough to begin with, not to go on."""
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 150 * number * time) / number for number in range(1, 12))
    grown = np.where(time < 0.2, 10 ** (-7 / 20), 1.0)
    flags = judge(GatedClassifier(), as_samples(2000 * hum * grown))
    first = flags.index(True)
    assert 10 <= first <= 16
    assert flags[first:].index(False) * 20 == pytest.approx(2000, abs=60)


class CallsAll(WebRtcClassifier):
    """Calls everything speech, so that the gate alone decides."""

    def judge(self, samples: NDArray[np.int16], levels: Sequence[float]) -> list[bool]:
        super().judge(samples, levels)
        return [True] * len(levels)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Callable[..., GatedClassifier]:
    monkeypatch.setattr("vad.gated.WebRtcClassifier", CallsAll)
    return GatedClassifier


def buzzing(frames: int, frame_ms: int, hz: float = 400.0, level: float = 3000.0) -> Samples:
    time = np.arange(frames * frame_ms * 16) / SAMPLE_RATE
    return as_samples(level * np.sin(2 * np.pi * hz * time))


def hissing(frames: int, frame_ms: int, level: float = 3000.0) -> Samples:
    random = np.random.default_rng(3)
    return as_samples(random.standard_normal(frames * frame_ms * 16) * level)


def still(frames: int, frame_ms: int) -> Samples:
    return np.zeros(frames * frame_ms * 16, np.int16)


FRAMES = pytest.mark.parametrize("frame_ms", [10, 20, 30])
Gate = Callable[..., GatedClassifier]


@FRAMES
def test_a_voice_begins_after_sixty_milliseconds_and_a_hiss_after_two_hundred(
    gate: Gate, frame_ms: int
) -> None:
    quiet = still(10, frame_ms)
    voice = judge(gate(frame_ms=frame_ms), np.concatenate([quiet, buzzing(40, frame_ms)]))
    # The lowest of the last 60 ms is loud, and as much has a period of its own.
    assert voice.index(True) - 10 == pytest.approx(60 / frame_ms, abs=1)
    assert not any(voice[: 10 + -(-60 // frame_ms) - 1])
    hiss = judge(gate(frame_ms=frame_ms), np.concatenate([quiet, hissing(40, frame_ms)]))
    assert hiss.index(True) == 10 + -(-60 // frame_ms) - 1 + 200 // frame_ms - 1
    assert all(hiss[hiss.index(True) :])


@FRAMES
@pytest.mark.parametrize("more", [0, 1])
def test_what_comes_within_400_ms_of_speech_belongs_to_it(
    gate: Gate, frame_ms: int, more: int
) -> None:
    # A hiss needs 60 ms to be loud; the last of them has to come before 400 ms are over.
    loud = -(-60 // frame_ms)
    pause = 400 // frame_ms - (loud - 1) + more
    flags = judge(
        gate(frame_ms=frame_ms),
        np.concatenate(
            [
                *(still(10, frame_ms), buzzing(300 // frame_ms, frame_ms)),
                *(still(pause, frame_ms), hissing(loud, frame_ms)),
            ]
        ),
    )
    speech_end = 10 + 300 // frame_ms
    assert flags[speech_end - 1]
    assert not any(flags[speech_end:-1])
    assert flags[-1] is (more == 0)


@FRAMES
def test_noise_is_not_learned_within_200_ms_of_speech(gate: Gate, frame_ms: int) -> None:
    clear = 200 // frame_ms
    classifier = gate(frame_ms=frame_ms)
    learned: list[float] = []
    original = classifier._noise.learn

    def learn(level: float, emphasised: float, called: bool) -> None:
        learned.append(level)
        original(level, emphasised, called)

    classifier._noise.learn = learn  # type: ignore[method-assign]
    quiet = 2 * clear + 12
    voiced = 300 // frame_ms
    audio = np.concatenate(
        [still(quiet, frame_ms), buzzing(voiced, frame_ms), still(quiet, frame_ms)]
    )
    flags = judge(classifier, audio)
    first, last = flags.index(True), len(flags) - 1 - flags[::-1].index(True)
    # Before it all that was 200 ms old, and behind it all but the first and the last 200 ms.
    assert len(learned) == (first - clear) + (len(flags) - 1 - last - 2 * clear)


@FRAMES
@pytest.mark.parametrize(("hz", "is_speech"), [(150.0, False), (170.0, True)])
def test_what_is_as_low_as_160_hz_is_rumble(
    gate: Gate, frame_ms: int, hz: float, is_speech: bool
) -> None:
    audio = np.concatenate([still(10, frame_ms), buzzing(2400 // frame_ms, frame_ms, hz)])
    assert (sum(judge(gate(frame_ms=frame_ms), audio)) > 10) is is_speech


def test_the_documentation_has_the_numbers_of_the_code() -> None:
    text = " ".join((ROOT / "docs/endpointing.md").read_text("utf-8").split())
    for sentence in (
        f"The lowest of the last {gated.SUSTAINED_MS} ms counts",
        f"frames with no speech within {gated.CLEAR_MS} ms",
        f"A voice** begins it: {gated.VOICED_MS} ms with a period",
        f"has none either: {gated.UNVOICED_MS} ms without a break",
        f"goes on until nothing has passed for {gated.HOLD_MS} ms",
        f"is {round(20 * np.log10(gated.RUMBLE))} dB below its level",
        f"less than {estimate.KNOWN_MS} ms of background are known",
    ):
        assert sentence in text
