"""The fake engine's words show every change of the audio, and its faults come when asked for."""

from __future__ import annotations

import numpy as np
import pytest

from decoder import DecodeFailed, HotWord
from decoder.fake import FAIL_SAMPLE, FakeEngine, FakeOptions
from tests.decoder.test_contract import decoded


def noise(samples: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.random.default_rng(1).normal(0, 3000, samples).astype(np.int16)


@pytest.mark.parametrize("change", ["lost", "doubled", "altered"])
def test_audio_that_is_changed_changes_the_text(change: str) -> None:
    engine = FakeEngine(FakeOptions())
    whole = noise(16_000)
    changed = {
        "lost": np.delete(whole, 9000),
        "doubled": np.insert(whole, 9000, whole[9000]),
        "altered": np.where(np.arange(16_000) == 9000, whole + 1, whole).astype(np.int16),
    }[change]
    assert decoded(engine, changed).text != decoded(engine, whole).text


def test_silence_has_no_words() -> None:
    assert decoded(FakeEngine(FakeOptions()), np.zeros(16_000, np.int16)).text == ""


def test_it_fails_when_the_audio_asks_for_it_and_only_if_it_may() -> None:
    audio = np.append(noise(3200), np.int16(FAIL_SAMPLE))
    assert decoded(FakeEngine(FakeOptions()), audio).words
    with pytest.raises(DecodeFailed):
        decoded(FakeEngine(FakeOptions(test_samples=True)), audio)


def test_it_says_nothing_but_its_hot_words_where_it_knows_some() -> None:
    engine = FakeEngine(FakeOptions(hot_words=True))
    stream = engine.open([HotWord("Kaelith"), HotWord("Doctor Thornvik")])
    stream.accept(noise(16_000))
    stream.finish()
    engine.decode([stream])
    assert {word.text for word in stream.hypothesis().words} <= {"Kaelith", "Doctor Thornvik"}
    assert (
        decoded(engine, noise(16_000)).text
        == decoded(FakeEngine(FakeOptions()), noise(16_000)).text
    )
