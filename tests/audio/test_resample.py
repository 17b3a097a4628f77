from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import Resampler, Samples
from tests.audio.signals import cut, noise, quick, tone

RATES = pytest.mark.parametrize(
    ("source", "target"),
    [(8000, 16000), (16000, 8000), (44100, 16000), (11025, 16000), (24000, 16000), (47999, 16000)],
)


def resampled(signal: Samples, source: int, target: int, sizes: list[int] | None = None) -> Samples:
    resampler = Resampler(source, target)
    pieces = [
        resampler.feed(np.frombuffer(piece, np.int16))
        for piece in cut(signal.tobytes(), [2 * size for size in sizes or []])
    ]
    return np.concatenate([*pieces, resampler.flush()])


@given(
    sizes=st.lists(st.integers(0, 3000), max_size=20),
    rates=st.sampled_from([(8000, 16000), (16000, 8000), (16000, 16000)])
    | st.tuples(st.integers(8000, 48_000), st.just(16_000)),
)
@quick
def test_the_cut_of_the_audio_does_not_change_one_sample(
    sizes: list[int], rates: tuple[int, int]
) -> None:
    signal = noise(1, rates[0])
    assert (resampled(signal, *rates, sizes) == resampled(signal, *rates)).all()


@pytest.mark.parametrize("rates", [(8000, 16000), (16000, 8000)])
def test_audio_that_comes_sample_by_sample_is_the_same_audio(rates: tuple[int, int]) -> None:
    signal = noise(0.3, rates[0])
    assert (resampled(signal, *rates, [1] * len(signal)) == resampled(signal, *rates)).all()


@RATES
@pytest.mark.parametrize("count", [0, 1, 2, 3, 159, 160, 161, 12345])
def test_the_length_is_that_of_the_source_rounded_to_the_nearest(
    source: int, target: int, count: int
) -> None:
    length = len(resampled(np.ones(count, np.int16), source, target))
    assert length == (2 * count * target + source) // (2 * source)


@RATES
@pytest.mark.parametrize("hz", [100, 1000, 3400])
def test_every_sample_stands_at_its_time(source: int, target: int, hz: float) -> None:
    heard = resampled(tone(hz, 1.0, source), source, target).astype(float)
    expected = tone(hz, 1.0, target).astype(float)
    middle = slice(target // 4, -target // 4)
    assert np.abs(heard - expected)[middle].max() < 4


@pytest.mark.parametrize(
    ("source", "target", "most_ms"),
    [
        (8000, 16000, 31),
        (16000, 8000, 120),
        (11025, 16000, 85),
        (22050, 16000, 41),
        (24000, 16000, 38),
        (44100, 16000, 41),
        (48000, 16000, 38),
    ],
)
def test_the_output_is_never_further_behind_than_the_delay_that_is_documented(
    source: int, target: int, most_ms: float
) -> None:
    resampler = Resampler(source, target)
    frame = source // 100
    behind_ms = []
    out = 0
    for number in range(1, 201):
        out += len(resampler.feed(noise(0.01, source)))
        behind_ms.append(1000 * (number * frame / source - out / target))
    assert max(behind_ms) < most_ms


def test_full_scale_does_not_wrap_round() -> None:
    square = np.where(np.arange(8000) // 20 % 2, 32767, -32768).astype(np.int16)
    heard = resampled(square, 8000, 16000)
    assert heard[200:-200].max() == 32767
    assert heard[200:-200].min() == -32768
    assert np.corrcoef(heard[::2], square)[0, 1] > 0.99


def test_equal_rates_hand_back_the_same_samples() -> None:
    signal = noise(0.1, 16000)
    resampler = Resampler(16000, 16000)
    assert resampler.feed(signal) is signal
    assert len(resampler.flush()) == 0


@RATES
def test_samples_are_rounded_to_the_nearest_and_not_cut_off(source: int, target: int) -> None:
    # Constant audio stays what it is; a filter's ripple must not take one of it.
    for level in (-1000, -3, 3, 1000):
        heard = resampled(np.full(source, level, np.int16), source, target)
        middle = heard[target // 4 : -target // 4]
        assert set(middle.tolist()) == {level}


def test_what_overshoots_is_cut_at_full_scale() -> None:
    square = np.where(np.arange(8000) // 40 % 2, 32767, -32768).astype(np.int16)
    heard = resampled(square, 8000, 16000)
    assert (heard.min(), heard.max()) == (-32768, 32767)
    # No sample has turned into its opposite.
    signs = [np.sign(one[one != 0].astype(int)) for one in (square, heard)]
    turns = [int((np.diff(one) != 0).sum()) for one in signs]
    assert turns[0] == turns[1]
