"""Offline engines as streaming ones (`decoder.live`), on an engine that says what it was given."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from decoder import Capabilities, DecodeFailed, HotWord, Hypothesis
from decoder.engine import SAMPLE_RATE, Samples
from decoder.joining import join_words
from decoder.live import LiveEngine, LiveOptions, LiveStream
from decoder.loudness import spread_words
from decoder.offline import Reading, Utterance

OPTIONS = LiveOptions(streams=3, interval_ms=400, interval_share=0.1)
SECOND = SAMPLE_RATE


class Counting:
    """It reads a word for each stretch of one level that is not silence, named by the level."""

    def __init__(self, longest: int | None = None, *, batch: int = 4, mark: str = ".") -> None:
        self.read_samples: list[int] = []
        self.drafts: list[object] = []
        self.contexts: list[str] = []
        self.whole: list[bool] = []
        self._mark = mark
        self.capabilities = Capabilities(
            "counting",
            ("english",),
            SAMPLE_RATE,
            partials=False,
            word_times=False,
            hot_words=True,
            max_batch=batch,
            longest_samples=longest,
        )

    def read(self, utterances: Sequence[Utterance]) -> list[Reading]:
        assert len(utterances) <= self.capabilities.max_batch
        return [self._read(utterance) for utterance in utterances]

    def _read(self, utterance: Utterance) -> Reading:
        samples = utterance.samples
        self.read_samples.append(len(samples))
        self.drafts.append(utterance.draft)
        self.contexts.append(utterance.context)
        self.whole.append(utterance.is_whole)
        loud = samples[samples > 1]
        levels = loud[np.flatnonzero(np.diff(loud, prepend=0))]
        texts = [f"w{level}" for level in levels]
        if texts:
            texts[-1] += self._mark
        words = spread_words(texts, [0.5] * len(texts), samples)
        return Reading(
            Hypothesis(tuple(words), join_words(texts), 0.5), utterance.hot_words, tuple(texts)
        )


def speech(*levels: int) -> Samples:
    """A second for each level, with silence in its last quarter."""
    pieces = []
    for level in levels:
        second = np.full(SECOND, level, np.int16)
        second[SECOND * 3 // 4 :] = 1
        pieces.append(second)
    return np.concatenate(pieces)


def stream_all(
    engine: LiveEngine, samples: Samples, chunk: int, *, watch: bool = True
) -> tuple[LiveStream, list[Hypothesis]]:
    stream = engine.open()
    told = []
    for at in range(0, len(samples), chunk):
        stream.accept(samples[at : at + chunk])
        if stream.ready:
            engine.decode([stream])
        if watch:
            told.append(stream.hypothesis())
    stream.finish()
    if stream.ready:
        engine.decode([stream])
    return stream, told


def test_the_final_is_one_reading_of_the_whole() -> None:
    offline = Counting()
    stream, told = stream_all(LiveEngine(offline, OPTIONS), speech(100, 200, 300), 1600)
    assert stream.hypothesis().text == "w100 w200 w300."
    assert offline.read_samples[-1] == 3 * SECOND
    assert [one.text for one in told][-1] == "w100 w200 w300"


def test_a_closing_mark_of_a_partial_is_not_told() -> None:
    stream, told = stream_all(LiveEngine(Counting(), OPTIONS), speech(100, 200), 1600)
    assert {one.text for one in told} == {"", "w100", "w100 w200"}
    assert stream.hypothesis().words[-1].text == "w200."


def test_a_partial_that_is_a_mark_alone_is_told_as_it_is() -> None:
    class Mark(Counting):
        def _read(self, utterance: Utterance) -> Reading:
            words = tuple(spread_words(["?"], [0.5], utterance.samples))
            return Reading(Hypothesis(words, "?", 0.5))

    _, told = stream_all(LiveEngine(Mark(), OPTIONS), speech(100), 1600)
    assert told[-1].text == "?"


def test_readings_are_further_apart_where_the_utterance_is_long() -> None:
    offline = Counting()
    stream_all(LiveEngine(offline, OPTIONS), speech(*range(100, 120)), 1600)
    grown = np.diff(offline.read_samples)
    assert grown[0] == 6400
    assert grown[-2] >= 0.1 * offline.read_samples[-3]


def test_an_utterance_that_nobody_watches_is_read_once() -> None:
    offline = Counting()
    stream_all(LiveEngine(offline, OPTIONS), speech(100, 200, 300), 1600, watch=False)
    assert offline.read_samples == [3 * SECOND]


def test_a_pause_is_read_at_once_and_is_the_final_if_nothing_follows() -> None:
    offline = Counting()
    engine = LiveEngine(offline, OPTIONS)
    stream = engine.open()
    stream.hypothesis()
    stream.accept(speech(100)[:1600])
    ready = [stream.ready]
    stream.pause()
    ready.append(stream.ready)
    engine.decode([stream])
    stream.finish()
    ready.append(stream.ready)
    assert ready == [False, True, False]
    assert offline.read_samples == [1600]


def test_speech_after_a_pause_is_read_anew() -> None:
    offline = Counting()
    engine = LiveEngine(offline, OPTIONS)
    stream = engine.open()
    stream.hypothesis()
    stream.accept(speech(100))
    stream.pause()
    engine.decode([stream])
    stream.accept(speech(200))
    stream.finish()
    engine.decode([stream])
    assert stream.hypothesis().text == "w100 w200."


def test_each_reading_gets_the_draft_of_the_one_before() -> None:
    offline = Counting()
    stream_all(LiveEngine(offline, OPTIONS), speech(100, 200, 300), 16_000)
    assert offline.drafts[:2] == [None, ("w100", "w200.")]


LONGEST = 8 * SECOND


def test_an_utterance_longer_than_the_engine_likes_is_cut_where_it_is_quiet() -> None:
    offline = Counting(LONGEST)
    levels = list(range(100, 120))
    stream, _ = stream_all(LiveEngine(offline, OPTIONS), speech(*levels), 1600)
    texts = [word.text.rstrip(".") for word in stream.hypothesis().words]
    assert max(offline.read_samples) <= LONGEST
    assert texts == [f"w{level}" for level in levels]
    places = [word.start_sample for word in stream.hypothesis().words]
    assert places == sorted(places)
    assert places[-1] > 18 * SECOND
    assert all(word.times_guessed for word in stream.hypothesis().words)


def test_what_follows_a_cut_is_read_with_what_came_before_and_without_its_draft() -> None:
    offline = Counting(LONGEST)
    stream_all(LiveEngine(offline, OPTIONS), speech(*range(100, 110)), 1600)
    after = offline.contexts.index(next(one for one in offline.contexts if one))
    assert offline.contexts[after].startswith("w100 w101")
    assert offline.drafts[after] is None


@pytest.mark.parametrize("chunk", [160, 1600, 50_000, 10**6])
def test_where_it_is_cut_does_not_depend_on_how_it_came(chunk: int) -> None:
    samples = speech(*range(100, 130))
    stream, _ = stream_all(LiveEngine(Counting(LONGEST), OPTIONS), samples, chunk)
    other, _ = stream_all(LiveEngine(Counting(LONGEST), OPTIONS), samples, 3200, watch=False)
    assert stream.hypothesis() == other.hypothesis()


def test_streams_are_read_in_batches_that_the_engine_takes() -> None:
    engine = LiveEngine(Counting(batch=2), OPTIONS)
    streams = [engine.open() for _ in range(3)]
    for level, stream in enumerate(streams):
        stream.accept(speech(100 + level))
        stream.finish()
    engine.decode(streams)
    assert [stream.hypothesis().text for stream in streams] == ["w100.", "w101.", "w102."]


def test_no_more_streams_are_open_than_allowed() -> None:
    engine = LiveEngine(Counting(), OPTIONS)
    streams = [engine.open() for _ in range(3)]
    with pytest.raises(DecodeFailed, match="all 3 streams"):
        engine.open()
    streams[0].close()
    streams[0].close()
    engine.open()
    with pytest.raises(DecodeFailed):
        engine.open()


def test_hot_words_reach_the_engine_and_its_refusals_come_back() -> None:
    engine = LiveEngine(Counting(), OPTIONS)
    stream = engine.open((HotWord("name"),))
    stream.accept(speech(100))
    stream.finish()
    engine.decode([stream])
    assert stream.refused_hot_words == (HotWord("name"),)


class Unsure(Counting):
    """Of the last word it is not sure."""

    def _read(self, utterance: Utterance) -> Reading:
        reading = super()._read(utterance)
        words = list(reading.hypothesis.words)
        if words:
            words[-1] = dataclasses.replace(words[-1], confidence=0.2)
        hypothesis = dataclasses.replace(reading.hypothesis, words=tuple(words))
        return Reading(hypothesis)


def test_a_last_word_that_the_engine_is_not_sure_of_is_told_at_the_end_alone() -> None:
    stream, told = stream_all(LiveEngine(Unsure(), OPTIONS), speech(100, 200), 1600)
    assert {one.text for one in told} == {"", "w100"}
    assert stream.hypothesis().text == "w100 w200."


def test_a_hypothesis_is_the_same_object_until_it_is_read_anew() -> None:
    engine = LiveEngine(Counting(), OPTIONS)
    stream = engine.open()
    stream.hypothesis()
    stream.accept(speech(100))
    engine.decode([stream])
    first = stream.hypothesis()
    stream.accept(speech(200)[:160])
    assert stream.hypothesis() is first
    stream.accept(speech(200))
    engine.decode([stream])
    assert stream.hypothesis() is not first


def test_a_whole_utterance_is_told_from_one_that_goes_on() -> None:
    offline = Counting()
    engine = LiveEngine(offline, OPTIONS)
    stream = engine.open()
    stream.hypothesis()
    stream.accept(speech(100))
    engine.decode([stream])
    stream.pause()
    engine.decode([stream])
    stream.finish()
    assert offline.whole == [False, True]
    assert not stream.ready


def test_where_it_has_grown_quiet_the_pause_is_waited_for_and_not_for_ever() -> None:
    offline = Counting()
    engine = LiveEngine(offline, OPTIONS)
    stream = engine.open()
    stream.hypothesis()
    loud = speech(100)[: SECOND * 3 // 4]
    quiet = np.ones(3200, np.int16)
    stream.accept(np.concatenate([loud, quiet]))
    ready = [stream.ready]
    engine.decode([stream])
    for _ in range(4):
        stream.accept(quiet)
        ready.append(stream.ready)
    assert ready == [True, False, False, False, True]
