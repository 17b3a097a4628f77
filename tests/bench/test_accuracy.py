"""What the verb `accuracy` is made of: rates, noise, and what is measured."""

from __future__ import annotations

import numpy as np
import pytest

from bench.accuracy import Said, error_rate, in_noise, subjects
from bench.noisy_speech import SPEECH_LEVEL, NoiseKind, rms
from rasr.audio import SAMPLE_RATE

SILENT = np.zeros(1, np.int16)


def said(*texts: str) -> list[Said]:
    return [Said(text, SILENT) for text in texts]


def test_english_is_counted_in_words_over_all_recordings() -> None:
    assert error_rate("english", said("Turn on the light", "stop"), ["turn on a light", ""]) == 0.4


def test_chinese_is_counted_in_characters_whatever_the_spaces() -> None:
    assert error_rate("chinese", said("打开 灯", "停"), ["打 开灯", "停"]) == 0
    assert error_rate("chinese", said("打开灯", "停"), ["打开门", "停"]) == 0.25


@pytest.mark.parametrize("kind", [NoiseKind.WHITE, NoiseKind.BABBLE])
@pytest.mark.parametrize("snr_db", [10.0, 0.0])
def test_noise_is_mixed_in_at_the_ratio_that_was_asked_for(kind: NoiseKind, snr_db: float) -> None:
    hum = np.sin(np.arange(2 * SAMPLE_RATE) * 0.1) * 500
    (noisy,) = in_noise([Said("", hum.astype(np.int16))], kind, snr_db, seed=1)
    # A second of noise alone at each end; the speech is brought to a level of its own.
    assert len(noisy.samples) == 4 * SAMPLE_RATE
    speech = np.pad(hum * (SPEECH_LEVEL / rms(hum.astype(np.int16))), SAMPLE_RATE)
    noise = noisy.samples - speech
    assert 20 * np.log10(SPEECH_LEVEL / rms(noise)) == pytest.approx(snr_db, abs=0.2)


def test_noise_is_the_same_for_a_seed_and_another_for_each_recording() -> None:
    two = said("a", "b")
    two = [Said(one.text, np.ones(100, np.int16)) for one in two]
    first, again = (in_noise(two, NoiseKind.PINK, 10, seed=1) for _ in range(2))
    other = in_noise(two, NoiseKind.PINK, 10, seed=2)
    assert np.array_equal(first[0].samples, again[0].samples)
    assert not np.array_equal(first[0].samples, first[1].samples)
    assert not np.array_equal(first[0].samples, other[0].samples)


def names(engines: tuple[str, ...], models: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(one.spec.kind, one.language) for one in subjects(engines, models)]


def test_engines_and_models_choose_what_is_measured() -> None:
    sphinx, small = ("pocketsphinx", "english"), ("sherpa-onnx", "chinese")
    assert names((), ()) == [sphinx, small]
    assert names(("pocketsphinx",), ()) == [sphinx]
    assert names(("sherpa-onnx",), ()) == [small]
    assert names((), ("chinese=tiny-zh-en",)) == [small]
    assert set(names(("pocketsphinx",), ("tiny-zh-en",))) == {
        sphinx,
        small,
        ("sherpa-onnx", "english"),
    }
