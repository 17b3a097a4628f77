"""What the verb `accuracy` is made of: noise, one long recording, and what is measured."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench.accuracy import added_up, in_noise, joined, long_recording
from bench.noisy_speech import SPEECH_LEVEL, Half, Noise, NoiseKind, make_noise, rms, voices
from bench.streaming import Said, subjects
from rasr.audio import SAMPLE_RATE

SILENT = np.zeros(1, np.int16)


def said(*texts: str) -> list[Said]:
    return [Said(text, SILENT) for text in texts]


def tone(seconds: float) -> Said:
    hum = np.sin(np.arange(round(seconds * SAMPLE_RATE)) * 0.1) * 500
    return Said("a word", hum.astype(np.int16))


def noise_of(kind: NoiseKind, seed: int, samples: int, place: int) -> Noise:
    talk = voices(Half.TUNE) if kind is NoiseKind.BABBLE else ()
    return make_noise(kind, samples, seed + place, talk)


def test_mistakes_are_a_share_of_the_words_of_all_recordings() -> None:
    assert added_up(said("Turn on the light", "stop"), ["turn on a light", ""]).rate == 0.4


@pytest.mark.parametrize("kind", [NoiseKind.WHITE, NoiseKind.BABBLE])
@pytest.mark.parametrize("snr_db", [10.0, 0.0])
def test_noise_is_mixed_in_at_the_ratio_that_was_asked_for(kind: NoiseKind, snr_db: float) -> None:
    (noisy,) = in_noise([tone(2)], partial(noise_of, kind, 1), snr_db)
    # A second of noise alone at each end; the speech is brought to a level of its own.
    assert len(noisy.samples) == 4 * SAMPLE_RATE
    hum = tone(2).samples
    speech = np.pad(hum * (SPEECH_LEVEL / rms(hum)), SAMPLE_RATE)
    noise = noisy.samples - speech
    assert 20 * np.log10(SPEECH_LEVEL / rms(noise)) == pytest.approx(snr_db, abs=0.2)


def test_noise_is_another_for_each_recording() -> None:
    two = [Said(text, np.ones(100, np.int16)) for text in ("a", "b")]
    first, again = (in_noise(two, partial(noise_of, NoiseKind.PINK, 1), 10) for _ in range(2))
    assert np.array_equal(first[0].samples, again[0].samples)
    assert not np.array_equal(first[0].samples, first[1].samples)


def test_a_long_recording_says_everything_over_and_over_until_it_is_long_enough() -> None:
    parts = long_recording([tone(1), tone(2)], 4)
    assert [len(one.samples) // SAMPLE_RATE for one in parts] == [1, 2, 1]


def test_recordings_are_joined_without_the_silence_around_them() -> None:
    one = tone(1)
    padded = Said(one.text, np.pad(one.samples, SAMPLE_RATE))
    whole = joined([padded, padded], (0, 300))
    assert whole.text == "a word a word"
    # Frames of 20 ms at either end may be cut in the middle.
    assert len(whole.samples) / SAMPLE_RATE == pytest.approx(2.3, abs=0.05)


def test_a_settings_file_says_what_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "rasr.toml"
    file.write_text(
        '[engines.quick]\nkind = "fake"\n'
        '[properties]\nenglish = "quick"\ngerman = "quick"\nchinese = "tiny-zh-en"\n'
    )
    measured = [(one.name, one.language, one.spec.kind) for one in subjects([file], [])]
    # There are no recordings in German.
    assert measured == [
        ("quick", "english", "fake"),
        ("tiny-zh-en", "chinese", "sherpa-onnx"),
    ]


def test_a_model_is_measured_in_the_language_that_is_named_or_in_all() -> None:
    assert [one.language for one in subjects([], ["chinese=tiny-zh-en"])] == ["chinese"]
    assert {one.language for one in subjects([], ["tiny-zh-en"])} == {"english", "chinese"}


def test_without_options_there_are_pocketsphinx_and_the_small_model() -> None:
    measured = {(one.spec.kind, one.language) for one in subjects([], [])}
    assert measured >= {("pocketsphinx", "english"), ("sherpa-onnx", "chinese")}
