"""The bundled Mandarin recordings are what their index says."""

from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import pytest

from bench.recordings import FOLDERS, Recording, load, load_demo, names
from bench.training.sentences import Kind, units
from bench.training.sentences import Sentence as Said
from rasr.audio import SAMPLE_RATE, Samples


def every_recording() -> list[Recording]:
    return [*(load(name, "zh") for name in names("zh")), load_demo("zh")]


def level(samples: Samples, start_ms: int, end_ms: int) -> float:
    """Root of the mean square between two times, in steps of a 16-bit sample."""
    part = samples[start_ms * SAMPLE_RATE // 1000 : end_ms * SAMPLE_RATE // 1000]
    return float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))


@pytest.mark.parametrize("recording", every_recording(), ids=lambda recording: recording.name)
class TestAMandarinRecording:
    def test_has_the_characters_and_words_of_its_text_in_the_order_of_time(
        self, recording: Recording
    ) -> None:
        assert [word.text for word in recording.words] == units(recording.text)
        assert recording.text == " ".join(sentence.text for sentence in recording.sentences)
        assert all(a.end_ms <= b.start_ms for a, b in pairwise(recording.words))

    def test_has_characters_as_long_as_people_make_them(self, recording: Recording) -> None:
        # A character that ends a clause, or a word of many letters, is the longest.
        assert all(60 <= word.end_ms - word.start_ms <= 800 for word in recording.words)
        last_ms = recording.words[-1].end_ms
        assert recording.samples.size * 1000 // SAMPLE_RATE == pytest.approx(last_ms, abs=800)

    def test_is_loud_where_a_word_is_and_quiet_between_sentences(
        self, recording: Recording
    ) -> None:
        assert all(
            level(recording.samples, word.start_ms, word.end_ms) > 150 for word in recording.words
        )
        end_ms = recording.samples.size * 1000 // SAMPLE_RATE
        quiet_from = [0, *(sentence.end_ms for sentence in recording.sentences)]
        quiet_to = [*(sentence.start_ms for sentence in recording.sentences), end_ms]
        for start, end in zip(quiet_from, quiet_to, strict=True):
            assert level(recording.samples, start + (50 if start else 0), end - 50) < 60

    def test_says_only_what_the_small_model_was_not_trained_on(self, recording: Recording) -> None:
        for sentence in recording.sentences:
            assert Said(sentence.text, Kind.MIXED).held_out


class TestTheSet:
    def test_has_mandarin_alone_and_with_english_and_a_telephone(self) -> None:
        kinds = {any(word.text.isascii() for word in load(n, "zh").words) for n in names("zh")}
        assert kinds == {True, False}
        with av.open(str(load("telephone", "zh").path)) as container:
            assert container.streams.audio[0].rate == 8000

    def test_is_small(self) -> None:
        assert sum(path.stat().st_size for path in FOLDERS["zh"].iterdir() if path.is_file()) < 1e6
