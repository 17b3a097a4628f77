"""The noise estimate: its peaks and its minimum against their naive twins, and what it asks for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vad.noise import MinimumTracker, NoiseEstimate, PeakTracker

quick = settings(max_examples=100)

values = st.lists(st.integers(-3, 6).map(float), max_size=80)
loudness = st.tuples(st.integers(20, 60).map(float), st.integers(20, 60).map(float), st.booleans())


@quick
@given(st.lists(loudness, min_size=1, max_size=80), st.integers(1, 6), st.integers(2, 5))
def test_the_minimum_is_the_quietest_of_the_last_blocks(
    frames: list[tuple[float, float, bool]], block: int, blocks: int
) -> None:
    minimum = MinimumTracker(block, blocks)
    for count, (level, emphasised, _) in enumerate(frames, 1):
        minimum.push(level, emphasised)
        first = max(0, (count - 1) // block - blocks + 1) * block
        assert minimum.level == min(one for one, _, _ in frames[first:count])
        assert minimum.emphasised == min(one for _, one, _ in frames[first:count])
        assert minimum.is_whole == (count > block * (blocks - 1))


@quick
@given(values, st.integers(1, 5), st.integers(3, 6))
def test_the_usual_peak_is_the_third_of_the_highest_of_each_block(
    sequence: list[float], block: int, blocks: int
) -> None:
    usual = PeakTracker(block, blocks)
    for count, value in enumerate(sequence, 1):
        usual.push(value)
        heard = sequence[:count]
        cut = [heard[start : start + block] for start in range(0, count, block)][-blocks:]
        ranked = sorted((max(one) for one in cut), reverse=True)
        assert usual.value == (ranked[2] if len(ranked) > 2 else ranked[0])


def test_a_burst_that_comes_once_changes_no_usual_peak() -> None:
    usual = PeakTracker(10, 8)
    for number in range(60):
        usual.push(20.0 if 18 <= number <= 22 else 1.0)
    assert usual.value == 1.0


def learned(frames: list[tuple[float, float, bool]], frame_ms: int = 20) -> NoiseEstimate:
    noise = NoiseEstimate(frame_ms)
    for level, emphasised, called in frames:
        noise.observe(level, emphasised)
        noise.learn(level, emphasised, called)
    return noise


def test_half_a_second_makes_noise_known() -> None:
    assert not learned([(40.0, 30.0, False)] * 24).known
    assert learned([(40.0, 30.0, False)] * 25).known


@quick
@given(st.lists(loudness, min_size=25, max_size=50))
def test_the_mean_is_that_of_all_frames_while_it_is_young(
    frames: list[tuple[float, float, bool]],
) -> None:
    noise = learned(frames)
    noise.observe(70.0, 0.0)
    mean = sum(level for level, _, _ in frames) / len(frames)
    assert noise.above == pytest.approx(70.0 - mean)


def test_unknown_noise_is_as_loud_as_its_quietest_moments() -> None:
    noise = NoiseEstimate(20)
    for level, emphasised in ((50.0, 45.0), (35.0, 44.0), (36.0, 33.0), (50.0, 45.0)):
        noise.observe(level, emphasised)
    assert noise.above == 15.0
    assert noise.onset_db == 6.0
    assert [noise.stay_db(frames) for frames in (100, 101)] == [6.0, 8.0]


def test_speech_has_to_rise_above_the_peaks_but_never_more_than_ten_db() -> None:
    calm = [(40.0, 30.0, False)] * 200
    assert learned(calm).onset_db == pytest.approx(4.0)
    peaks = [(45.0, 30.0, True) if number % 20 == 0 else one for number, one in enumerate(calm)]
    assert learned(peaks).onset_db == pytest.approx(4.0 + 4.75, abs=0.5)
    wild = [(60.0, 30.0, True) if number % 20 == 0 else one for number, one in enumerate(calm)]
    assert learned(wild).onset_db == 10.0


def test_only_peaks_that_were_taken_for_speech_make_it_harder_to_go_on() -> None:
    def with_peaks(called: bool) -> NoiseEstimate:
        return learned(
            [(46.0 if number % 20 == 0 else 40.0, 30.0, called) for number in range(200)]
        )

    assert with_peaks(False).stay_db(1) == 1.0
    assert with_peaks(True).stay_db(1) > 6.0


def test_the_less_is_known_the_more_is_asked() -> None:
    first, later = learned([(40.0, 30.0, False)] * 30), learned([(40.0, 30.0, False)] * 140)
    assert first.onset_db > later.onset_db > 4.0


def test_noise_that_has_risen_without_a_pause_is_measured_anew() -> None:
    noise = learned([(30.0, 20.0, False)] * 100)
    for _ in range(175):
        noise.observe(50.0, 40.0)
    assert noise.above == 20.0
    noise.observe(50.0, 40.0)
    assert noise.above == 0.0
    assert min(noise.onset_db, noise.stay_db(300)) == 8.0


def test_one_quiet_moment_in_four_seconds_says_that_it_has_not_risen() -> None:
    noise = learned([(30.0, 20.0, False)] * 100)
    for number in range(400):
        noise.observe(*((31.0, 21.0) if number % 150 == 0 else (50.0, 40.0)))
    assert noise.above == 20.0
    assert not math.isinf(noise.onset_db)


def test_the_mean_of_noise_that_is_old_follows_its_last_second() -> None:
    noise = learned([(40.0, 30.0, False)] * 200)
    for _ in range(50):
        noise.learn(50.0, 30.0, False)
    noise.observe(60.0, 0.0)
    # Each frame of 20 ms moves it by a fiftieth of the way.
    assert noise.above == pytest.approx(60.0 - (50.0 - 10.0 * (1 - 1 / 50) ** 50))


def test_what_is_asked_for_beyond_the_peaks_shrinks_to_nothing_in_three_seconds() -> None:
    for frames in (30, 75, 120, 150, 160):
        young = 4.0 * max(0.0, 1 - frames / 150)
        calm = learned([(40.0, 30.0, True)] * frames)
        assert calm.onset_db == pytest.approx(4.0 + young)
        assert calm.stay_db(1) == pytest.approx(1.0 + young)


def test_speech_never_goes_on_with_less_than_a_decibel_nor_needs_more_than_seven() -> None:
    # What was never taken for speech asks for nothing.
    assert learned([(40.0, 30.0, False)] * 200).stay_db(1) == 1.0
    wild = [(70.0 if number % 20 == 0 else 40.0, 30.0, True) for number in range(200)]
    assert learned(wild).stay_db(1) == 7.0


@pytest.mark.parametrize(("level", "emphasised"), [(50.0, 20.0), (30.0, 40.0), (36.0, 40.0)])
def test_noise_has_risen_only_if_both_of_its_loudnesses_have(
    level: float, emphasised: float
) -> None:
    noise = learned([(30.0, 20.0, False)] * 100)
    for _ in range(300):
        noise.observe(level, emphasised)
    assert noise.above == max(level - 30.0, emphasised - 20.0)
    assert noise.stay_db(300) < 8.0


def test_noise_that_has_risen_little_has_not_risen() -> None:
    noise = learned([(30.0, 20.0, False)] * 100)
    for _ in range(300):
        noise.observe(36.0, 26.0)
    assert noise.above == 6.0
    for _ in range(300):
        noise.observe(36.1, 26.1)
    assert noise.above == 0.0


def test_the_usual_peak_is_of_the_last_eight_seconds() -> None:
    noise = learned([(46.0 if number % 20 == 0 else 40.0, 30.0, False) for number in range(400)])
    assert noise.onset_db > 8.0
    # Three of the sixteen half seconds are enough, two are spared.
    for _ in range(13 * 25):
        noise.learn(40.0, 30.0, False)
    assert noise.onset_db > 8.0
    for _ in range(25):
        noise.learn(40.0, 30.0, False)
    assert noise.onset_db == pytest.approx(4.0, abs=0.1)


def test_trackers_refuse_blocks_without_a_frame_and_too_few_of_them() -> None:
    MinimumTracker(1, 2)
    PeakTracker(1, 3)
    for make in (MinimumTracker, PeakTracker):
        with pytest.raises(AssertionError, match="0"):
            make(0, 3)
    with pytest.raises(AssertionError, match="1"):
        MinimumTracker(1, 1)
    with pytest.raises(AssertionError, match="2"):
        PeakTracker(1, 2)
