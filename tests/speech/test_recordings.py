"""The bundled recordings are what their index says."""

from __future__ import annotations

import json
import os
from itertools import pairwise

import numpy as np
import pytest

from bench.recordings import (
    Recording,
    human_recordings,
    load,
    load_demo,
    load_human_demo,
    names,
)
from rasr.audio import SAMPLE_RATE, Samples


def synthesised() -> list[Recording]:
    return [*(load(name) for name in names()), load_demo()]


def bundled() -> list[Recording]:
    return [*synthesised(), load_human_demo()]


def level(samples: Samples, start_ms: int, end_ms: int) -> float:
    """Root of the mean square between two times, in steps of a 16-bit sample."""
    part = samples[start_ms * SAMPLE_RATE // 1000 : end_ms * SAMPLE_RATE // 1000]
    return float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))


@pytest.mark.parametrize("recording", bundled(), ids=lambda recording: recording.name)
class TestARecording:
    def test_is_mono_16_bit_sound_of_its_length(self, recording: Recording) -> None:
        assert recording.samples.ndim == 1
        assert recording.samples.dtype == np.int16
        last_ms = recording.words[-1].end_ms
        assert recording.samples.size * 1000 // SAMPLE_RATE == pytest.approx(last_ms, abs=1500)

    def test_has_the_words_of_its_text_in_the_order_of_time(self, recording: Recording) -> None:
        assert recording.text == " ".join(word.text for word in recording.words)
        assert recording.text == " ".join(sentence.text for sentence in recording.sentences)
        assert all(word.start_ms < word.end_ms for word in recording.words)
        assert all(a.end_ms <= b.start_ms for a, b in pairwise(recording.words))

    def test_is_never_exactly_silent(self, recording: Recording) -> None:
        frames = recording.samples[: recording.samples.size // 160 * 160].reshape(-1, 160)
        assert np.all(np.any(frames != 0, axis=1))


@pytest.mark.parametrize("recording", synthesised(), ids=lambda recording: recording.name)
class TestASynthesisedRecording:
    def test_is_loud_where_a_word_is_and_quiet_between_sentences(
        self, recording: Recording
    ) -> None:
        assert all(
            level(recording.samples, word.start_ms, word.end_ms) > 300 for word in recording.words
        )
        end_ms = recording.samples.size * 1000 // SAMPLE_RATE
        quiet_from = [0, *(sentence.end_ms for sentence in recording.sentences)]
        quiet_to = [*(sentence.start_ms for sentence in recording.sentences), end_ms]
        for start, end in zip(quiet_from, quiet_to, strict=True):
            assert level(recording.samples, start + (50 if start else 0), end - 50) < 60


class TestTheHumanRecording:
    def test_is_louder_where_a_word_is_than_in_the_quiet_behind(self) -> None:
        recording = load_human_demo()
        end_ms = recording.samples.size * 1000 // SAMPLE_RATE
        quiet = level(recording.samples, end_ms - 900, end_ms)
        assert quiet < 60
        assert all(
            level(recording.samples, word.start_ms, word.end_ms) > 300 for word in recording.words
        )

    def test_says_where_it_comes_from_and_that_everybody_may_use_it(self) -> None:
        about = json.loads(load_human_demo().path.with_suffix(".json").read_text("utf-8"))
        assert "LibriVox" in about["source"]
        assert about["licence"] == "public domain"


def test_the_conversation_has_a_pause_of_700_to_1500_ms_after_each_sentence() -> None:
    sentences = load("conversation").sentences
    pauses = [b.start_ms - a.end_ms for a, b in pairwise(sentences)]
    assert len(sentences) == 8
    assert min(pauses) >= 699
    assert max(pauses) <= 1501


def test_the_bundled_sound_is_small() -> None:
    assert sum(recording.path.stat().st_size for recording in bundled()) < 1_500_000


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        load("nobody")


def test_without_a_folder_there_is_no_human_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RASR_SPEECH_DIR", raising=False)
    assert human_recordings() == []


@pytest.mark.skipif(not os.environ.get("RASR_SPEECH_DIR"), reason="RASR_SPEECH_DIR is not set")
def test_human_speech_comes_with_what_was_said() -> None:
    recordings = human_recordings()
    assert {recording.language for recording in recordings} >= {"en"}
    for recording in recordings:
        assert recording.text
        assert recording.samples.dtype == np.int16
        assert recording.samples.size > SAMPLE_RATE
