"""Words and their audio to times: what the aligner finds, and the guess where it finds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from bench.recordings import Recording, load, load_unknown_name
from decoder import Hypothesis, Word
from decoder.alignment import Phrase, WordTimes, guess, timed
from decoder.alignment import forced as room
from decoder.alignment.forced import ForcedAligner
from decoder.alignment.words import placed
from decoder.engine import Samples
from decoder.loudness import spread_words

SECOND = 16_000
BAR_MS = 80


def phrases(*texts: str) -> list[Phrase]:
    """Single words that are written as they are said."""
    return [Phrase((text,), (text,)) for text in texts]


def phrases_of(recording: Recording) -> list[Phrase]:
    return phrases(*(word.text for word in recording.words))


def hiss(samples: int, level: float = 30.0) -> Samples:
    return np.random.default_rng(1).normal(0, level, samples).astype(np.int16)


def ordered(times: Sequence[WordTimes], samples: Samples) -> bool:
    inside = times[0].start_sample >= 0 and times[-1].end_sample <= len(samples)
    return (
        inside
        and all(one.start_sample <= one.end_sample for one in times)
        and all(a.end_sample <= b.start_sample for a, b in pairwise(times))
    )


class TestPlacing:
    def test_a_word_alone_has_the_time_of_its_phrase(self) -> None:
        times = placed(phrases("go", "now"), [(100, 900), (900, 1500)], hiss(SECOND))
        assert times == [WordTimes(100, 900, True), WordTimes(900, 1500, True)]

    def test_words_said_as_one_are_spread_over_their_time_and_told_as_guesses(self) -> None:
        money = Phrase(("$5", "million"), ("five", "million", "dollars"))
        times = placed([*phrases("for"), money], [(0, 1600), (1600, 9600)], hiss(SECOND))
        assert [one.aligned for one in times] == [True, False, False]
        assert (times[1].start_sample, times[2].end_sample) == (1600, 9600)
        assert 1600 < times[1].end_sample == times[2].start_sample < 9600

    def test_words_that_nobody_can_say_lie_between_their_neighbours(self) -> None:
        samples = hiss(SECOND)
        spans = [None, (3200, 4800), None, None, (8000, 9600), None]
        times = placed(phrases("你", "go", "—", "好", "now", "…"), spans, samples)
        assert [one.aligned for one in times] == [False, True, False, False, True, False]
        assert times[0] == WordTimes(0, 3200, False)
        assert (times[2].start_sample, times[3].end_sample) == (4800, 8000)
        assert times[5] == WordTimes(9600, SECOND, False)
        assert ordered(times, samples)

    def test_between_words_that_follow_each_other_there_is_no_time(self) -> None:
        spans = [(0, 1600), None, (1600, 3200)]
        times = placed(phrases("go", "—", "now"), spans, hiss(SECOND))
        assert times[1] == WordTimes(1600, 1600, False)

    def test_a_guess_is_what_the_loudness_says(self) -> None:
        samples = np.concatenate([np.zeros(SECOND, np.int16), hiss(SECOND, 3000.0)])
        times = guess([Phrase(("$5", "million"), ()), *phrases("now")], samples)
        words = spread_words(["$5", "million", "now"], [0.0] * 3, samples)
        assert [one.aligned for one in times] == [False] * 3
        assert [(one.start_sample, one.end_sample) for one in times] == [
            (word.start_sample, word.end_sample) for word in words
        ]
        assert times[1].start_sample > SECOND

    def test_a_hypothesis_keeps_all_but_the_times(self) -> None:
        words = (Word("Go", 0, 10, 0.7, times_guessed=True), Word("on.", 10, 20, 0.6, True))
        before = Hypothesis(words, "Go on.", 0.65)
        after = timed(before, [WordTimes(5, 15, True), WordTimes(15, 16, False)])
        assert (after.text, after.confidence) == ("Go on.", 0.65)
        assert after.words == (Word("Go", 5, 15, 0.7), Word("on.", 15, 16, 0.6, True))


@pytest.fixture(scope="module")
def aligner() -> ForcedAligner:
    return ForcedAligner()


@pytest.mark.engine
class TestAligning:
    @pytest.mark.parametrize("name", ["bed", "grandfather", "library"])
    def test_words_are_found_where_they_are_said(self, aligner: ForcedAligner, name: str) -> None:
        recording = load(name)
        times = aligner.align(phrases_of(recording), recording.samples)
        for one, word in zip(times, recording.words, strict=True):
            assert one.aligned
            assert abs(one.start_sample / 16 - word.start_ms) <= BAR_MS, word
            assert abs(one.end_sample / 16 - word.end_ms) <= BAR_MS, word

    def test_words_in_noise_are_found_too(self, aligner: ForcedAligner) -> None:
        recordings = [load(name) for name in ("bed", "grandfather", "library", "rain")]
        errors = []
        for recording in recordings:
            level = float(np.sqrt(np.mean(np.square(recording.samples.astype(np.float64)))))
            noise = hiss(len(recording.samples), level / 10 ** (10 / 20))
            times = aligner.align(phrases_of(recording), recording.samples + noise)
            assert all(one.aligned for one in times)
            errors += [
                abs(one.start_sample / 16 - word.start_ms)
                for one, word in zip(times, recording.words, strict=True)
            ]
        assert np.mean(np.array(errors) <= BAR_MS) >= 0.8

    def test_the_last_word_is_found_where_the_audio_ends_with_it(
        self, aligner: ForcedAligner
    ) -> None:
        for name in ("bed", "grandfather", "idea"):
            recording = load(name)
            end = recording.words[-1].end_ms * 16
            times = aligner.align(phrases_of(recording), recording.samples[:end])
            assert all(one.aligned for one in times)
            assert end - times[-1].end_sample <= 16 * BAR_MS

    def test_a_word_that_no_dictionary_has_is_found_by_its_letters(
        self, aligner: ForcedAligner
    ) -> None:
        recording = load_unknown_name()
        *_, last = aligner.align(phrases_of(recording), recording.samples)
        said = recording.words[-1]
        assert said.text == "thornvik"
        assert last.aligned
        assert abs(last.start_sample / 16 - said.start_ms) <= BAR_MS
        assert abs(last.end_sample / 16 - said.end_ms) <= BAR_MS

    def test_silence_around_speech_only_moves_it(self, aligner: ForcedAligner) -> None:
        recording, quiet = load("bed"), np.zeros(3 * SECOND, np.int16)
        alone = aligner.align(phrases_of(recording), recording.samples)
        within = aligner.align(
            phrases_of(recording), np.concatenate([quiet, recording.samples, quiet])
        )
        for a, b in zip(alone, within, strict=True):
            assert b.aligned
            assert abs(b.start_sample - len(quiet) - a.start_sample) <= 16 * 40
            assert abs(b.end_sample - len(quiet) - a.end_sample) <= 16 * 40

    def test_what_came_before_changes_nothing(self, aligner: ForcedAligner) -> None:
        recording = load("theater")
        before = aligner.align(phrases_of(recording), recording.samples)
        aligner.align(phrases("you", "you"), hiss(2 * SECOND, 9000.0))
        aligner.align(phrases("zulu", "zorbana"), load("bed").samples)
        assert aligner.align(phrases_of(recording), recording.samples) == before

    @pytest.mark.parametrize(
        ("texts", "samples"),
        [
            (("bed",), np.empty(0, np.int16)),
            (("bed",), hiss(100)),
            (("incomprehensibility",), load("command").samples[: SECOND // 4]),
            (("bed",) * 300, load("command").samples),
            (("你好",), load("command").samples),
            (("3",), load("command").samples),
        ],
        ids=["nothing", "no frame", "too long", "flood", "letters", "digits"],
    )
    def test_what_does_not_fit_is_a_guess(
        self, aligner: ForcedAligner, texts: tuple[str, ...], samples: Samples
    ) -> None:
        times = aligner.align(phrases(*texts), samples)
        assert times == guess(phrases(*texts), samples)
        assert not any(one.aligned for one in times)

    def test_no_words_have_no_times(self, aligner: ForcedAligner) -> None:
        assert aligner.align([], hiss(SECOND)) == []

    def test_phrases_and_marks_have_their_place_among_aligned_words(
        self, aligner: ForcedAligner
    ) -> None:
        recording = load("bed")
        alone = aligner.align(phrases_of(recording), recording.samples)
        he, went, to, bed, early, and_, got, up, _ = phrases_of(recording)
        mixed = [he, went, to, bed, Phrase(("—",), ()), early]
        mixed += [
            Phrase(("&", "got"), (*and_.spoken, *got.spoken)),
            up,
            Phrase(("Early.",), ("early",)),
        ]
        times = aligner.align(mixed, recording.samples)
        assert [one.aligned for one in times] == [True] * 4 + [False, True] + [False] * 2 + [
            True
        ] * 2
        assert ordered(times, recording.samples)
        assert times[5] == alone[4]
        assert (times[6].start_sample, times[7].end_sample) == (
            alone[5].start_sample,
            alone[6].end_sample,
        )
        assert times[-1] == alone[-1]

    def test_words_are_forgotten_once_there_are_many(
        self, aligner: ForcedAligner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recording = load("command")
        before = aligner.align(phrases_of(recording), recording.samples)
        decoder = aligner._decoder
        monkeypatch.setattr(room, "_MOST_WORDS", 2)
        assert aligner.align(phrases_of(recording), recording.samples) == before
        assert aligner._decoder is not decoder

    def test_a_failure_of_the_library_is_a_guess_and_costs_nobody_else(
        self, aligner: ForcedAligner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Failing:
            def set_align_text(self, text: str) -> None:
                raise RuntimeError(f"failed on {text}")

        recording = load("command")
        before = aligner.align(phrases_of(recording), recording.samples)
        monkeypatch.setattr(aligner, "_decoder", Failing())
        times = aligner.align(phrases_of(recording), recording.samples)
        assert times == guess(phrases_of(recording), recording.samples)
        assert aligner.align(phrases_of(recording), recording.samples) == before
