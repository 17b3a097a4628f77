"""An engine of 8 kHz behind the adapter: samples, times and counts are those of 16 kHz."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import Capabilities, Engine, EngineUnavailable, HotWord, Hypothesis, Stream, Word
from decoder.engine import SAMPLE_RATE, Samples
from decoder.fake import FakeEngine, FakeOptions
from decoder.registry import EngineSpec, load
from decoder.resampling import DELAY_SAMPLES, ResamplingEngine, adapted
from tests.decoder.models.ctc import write_t_one_ctc
from tests.decoder.test_contract import decoded

BLOCK = SAMPLE_RATE // 4
"""Samples that the fake engine makes one word of."""
FRAME = SAMPLE_RATE // 100

quick = settings(max_examples=50)


def noise(samples: int, seed: int = 1, level: float = 3000.0) -> Samples:
    return np.random.default_rng(seed).normal(0, level, samples).astype(np.int16)


def eight() -> Engine:
    return load(EngineSpec("fake", {"sample_rate": 8000}))


def times(hypothesis: Hypothesis) -> list[tuple[int, int]]:
    return [(word.start_sample, word.end_sample) for word in hypothesis.words]


class Recording:
    """An engine of 8 kHz, and its stream, that keeps what it is given."""

    refused_hot_words: tuple[HotWord, ...] = ()
    ready = False

    def __init__(self) -> None:
        self._fake = FakeEngine(FakeOptions(sample_rate=8000))
        self.capabilities = self._fake.capabilities
        self.given: list[Samples] = []
        self.silence: list[int] = []
        self.said = Hypothesis()

    def open(self, hot_words: Sequence[HotWord] = ()) -> Recording:
        return self

    def accept(self, samples: Samples) -> None:
        assert samples.dtype == np.int16
        self.given.append(samples)

    def pause(self) -> None:
        pass

    def finish(self, silence: int = 0) -> None:
        self.silence.append(silence)

    def hypothesis(self) -> Hypothesis:
        return self.said

    def close(self) -> None: ...

    def decode(self, streams: Sequence[Stream]) -> None: ...


def resampled(*chunks: Samples) -> Samples:
    """What the engine inside is given."""
    recording = Recording()
    stream = ResamplingEngine(recording).open()
    for chunk in chunks:
        stream.accept(chunk)
    stream.finish()
    return np.concatenate(recording.given)


def test_an_engine_of_16_khz_is_not_wrapped() -> None:
    engine = FakeEngine(FakeOptions())
    assert adapted(engine) is engine
    assert isinstance(load(EngineSpec("fake")), FakeEngine)


def test_an_engine_of_a_rate_that_nobody_measured_is_refused() -> None:
    class Other(Recording):
        def __init__(self) -> None:
            super().__init__()
            self.capabilities = dataclasses.replace(self.capabilities, sample_rate=11_025)

    with pytest.raises(EngineUnavailable, match="takes 11025 Hz; allowed: 8000 or 16000"):
        adapted(Other())
    with pytest.raises(EngineUnavailable, match="sample_rate is 11025; allowed: 8000 or 16000"):
        load(EngineSpec("fake", {"sample_rate": 11_025}))


def test_sample_counts_of_capabilities_are_those_of_16_khz() -> None:
    inside = FakeEngine(FakeOptions(sample_rate=8000)).capabilities
    outside = eight().capabilities
    assert (inside.sample_rate, outside.sample_rate) == (8000, 16000)
    assert (inside.first_step_samples, inside.step_samples) == (2000, 2000)
    assert outside.first_step_samples == BLOCK + DELAY_SAMPLES
    assert outside.step_samples == BLOCK
    assert outside.lookahead_samples == 2 * inside.lookahead_samples + DELAY_SAMPLES
    counts = {field.name for field in dataclasses.fields(Capabilities)}
    for name in (name for name in counts if name.endswith("_samples")):
        if getattr(inside, name) is None:
            assert getattr(outside, name) is None
            continue
        assert getattr(outside, name) >= 2 * getattr(inside, name)
    assert outside.name == inside.name


def test_silence_at_the_end_is_told_in_samples_of_8_khz() -> None:
    recording = Recording()
    stream = ResamplingEngine(recording).open()
    stream.accept(np.zeros(4800, np.int16))
    stream.finish(3201)
    assert recording.silence == [1600]


@quick
@given(st.integers(0, 20_000), st.lists(st.floats(0, 1), max_size=8))
def test_the_cut_of_the_audio_changes_no_sample(samples: int, cuts: list[float]) -> None:
    audio = noise(samples)
    chunks = np.split(audio, sorted(round(cut * samples) for cut in cuts))
    whole = resampled(audio)
    assert np.array_equal(resampled(*chunks), whole)
    assert len(whole) == samples // 2


def test_the_filter_is_as_late_as_is_said() -> None:
    recording = Recording()
    stream = ResamplingEngine(recording).open()
    audio = noise(2 * SAMPLE_RATE)
    for count, sample in enumerate(audio[:2000], 1):
        stream.accept(np.array([sample], np.int16))
        given = sum(len(piece) for piece in recording.given)
        assert given == max(0, count - DELAY_SAMPLES) // 2


def test_full_scale_does_not_wrap_round() -> None:
    square = np.where(np.arange(SAMPLE_RATE) // 40 % 2, 32767, -32768).astype(np.int16)
    # Within 0.3 ms of an edge the filter rings; elsewhere the signs are those of the input.
    inside = resampled(square)[:-20].reshape(-1, 20)[:, 5:-5]
    assert len(np.unique(np.sign(inside), axis=0)) == 2
    assert np.abs(inside.astype(np.int32)).min() > 20_000


@pytest.mark.parametrize("hz", [100, 1000, 3000, 3800])
def test_what_is_below_4_khz_stays(hz: int) -> None:
    tone = 10_000 * np.sin(2 * np.pi * hz * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    kept = resampled(tone.astype(np.int16))[1000:-1000].astype(np.float64)
    assert np.sqrt(np.mean(kept**2)) == pytest.approx(10_000 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("hz", [4200, 5000, 6000, 7900])
def test_what_is_above_4_khz_leaves_no_alias(hz: int) -> None:
    tone = 10_000 * np.sin(2 * np.pi * hz * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    left = resampled(tone.astype(np.int16))[1000:-1000].astype(np.float64)
    assert np.sqrt(np.mean(left**2)) < 1.0


def test_a_click_stays_where_it_is_to_a_millisecond() -> None:
    click = np.zeros(SAMPLE_RATE, np.int16)
    click[8000] = 30_000
    kept = resampled(click).astype(np.float64) ** 2
    centre = np.sum(kept * np.arange(len(kept))) / kept.sum()
    assert 4000 <= centre <= 4008


@quick
@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 2**16))
def test_words_have_the_times_that_an_engine_of_16_khz_gives_them(
    spoken: list[bool], seed: int
) -> None:
    audio = np.zeros(BLOCK * len(spoken), np.int16)
    for number, loud in enumerate(spoken):
        if loud:
            # Away from its borders by more than the filter rings.
            start = number * BLOCK + BLOCK // 4
            audio[start : start + BLOCK // 2] = noise(BLOCK // 2, seed + number)
    expected = times(decoded(load(EngineSpec("fake")), audio))
    found = times(decoded(eight(), audio))
    assert len(found) == len(expected) == sum(spoken)
    for (start, end), (expected_start, expected_end) in zip(found, expected, strict=True):
        assert abs(start - expected_start) <= FRAME
        assert abs(end - expected_end) <= FRAME


def test_a_model_of_8_khz_places_words_at_16_khz(tmp_path: Path) -> None:
    engine = load(EngineSpec("sherpa-onnx", {"model": str(write_t_one_ctc(tmp_path))}))
    assert engine.capabilities.sample_rate == SAMPLE_RATE
    quiet = np.zeros(SAMPLE_RATE * 96 // 100, np.int16)
    colour = np.convolve(noise(len(quiet)), np.ones(24) / 24, "same") * 4
    words = decoded(engine, np.concatenate([quiet, colour.astype(np.int16), quiet])).words
    assert words[0].start_sample / SAMPLE_RATE == pytest.approx(0.96, abs=0.1)
    assert words[-1].start_sample / SAMPLE_RATE < 2.1


def test_a_hypothesis_that_has_not_changed_is_not_made_again() -> None:
    recording = Recording()
    recording.said = Hypothesis((Word("one", 80, 160, 0.5),), "one", 0.5)
    stream = ResamplingEngine(recording).open()
    first = stream.hypothesis()
    assert first == Hypothesis((Word("one", 160, 320, 0.5),), "one", 0.5)
    assert stream.hypothesis() is first
    recording.said = Hypothesis()
    assert stream.hypothesis() == Hypothesis()
