"""A fault of an engine costs the utterance that caused it, and no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from decoder import Capabilities, DecodeFailed, HotWord, Hypothesis, Stream
from decoder.engine import Samples
from decoder.live import LiveEngine, LiveOptions
from decoder.offline import Reading, Utterance
from rasr.scheduling.engine_host import Batch, EngineHost, Step
from tests.scheduling.commanded import known

BAD = 666


class Whole:
    """A stream that fails, somewhere, on one sample; else it tells how much it heard."""

    refused_hot_words: tuple[HotWord, ...] = ()

    def __init__(self, engine: Fragile) -> None:
        self.engine = engine
        self.heard: list[int] = []
        self.waiting = False

    def accept(self, samples: Samples) -> None:
        if self.engine.fails_in == "accept" and BAD in samples:
            raise self.engine.error
        self.heard += samples.tolist()
        self.waiting = True

    @property
    def ready(self) -> bool:
        return self.waiting

    def pause(self) -> None:
        pass

    def finish(self, silence: int = 0) -> None:
        pass

    def hypothesis(self) -> Hypothesis:
        if self.engine.fails_in == "hypothesis" and BAD in self.heard:
            raise self.engine.error
        return Hypothesis((), str(len(self.heard)), 0.5)

    def close(self) -> None:
        self.engine.open_streams -= 1


class Fragile:
    def __init__(self, fails_in: str, error: Exception) -> None:
        self.fails_in = fails_in
        self.error = error
        self.open_streams = 0

    @property
    def capabilities(self) -> Capabilities:
        return known(max_batch=16)

    def open(self, hot_words: Sequence[HotWord] = ()) -> Whole:
        if self.fails_in == "open" and hot_words:
            raise self.error
        self.open_streams += 1
        return Whole(self)

    def decode(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            assert isinstance(stream, Whole)
            if self.fails_in == "decode" and BAD in stream.heard:
                raise self.error
            stream.waiting = False


def step(stream: int, *values: int, hot: bool = False) -> Step:
    words = (HotWord("word"),) if hot else ()
    return Step(stream, np.array(values, np.int16), True, True, False, words)


@pytest.mark.parametrize("place", ["open", "accept", "decode", "hypothesis"])
@pytest.mark.parametrize(
    ("error", "sentence", "logged"),
    [
        (DecodeFailed("this one is beyond help"), "this one is beyond help", False),
        (ZeroDivisionError("its text stays here"), "the engine failed on this sound", True),
    ],
)
def test_a_fault_costs_its_own_utterance(
    place: str, error: Exception, sentence: str, logged: bool
) -> None:
    engine = Fragile(place, error)
    steps = (step(1, 1), step(2, BAD, hot=True), step(3, 1, 1))
    results = EngineHost(engine).run(Batch(steps))
    assert [result.failure for result in results] == [None, sentence, None]
    assert [result.hypothesis and result.hypothesis.text for result in results] == ["1", None, "2"]
    fault = results[1].fault
    assert ("ZeroDivisionError" in fault if fault else False) == logged
    assert engine.open_streams == 0


@pytest.mark.parametrize("place", ["open", "accept", "decode", "hypothesis"])
def test_without_memory_the_host_is_given_up(place: str) -> None:
    host = EngineHost(Fragile(place, MemoryError()))
    with pytest.raises(MemoryError):
        host.run(Batch((step(1, 1), step(2, BAD, hot=True))))


class Reader:
    """An offline engine that can prefer no word, and says so with what it reads."""

    capabilities = replace(known(), hot_words=True)

    def read(self, utterances: Sequence[Utterance]) -> list[Reading]:
        return [Reading(Hypothesis(), one.hot_words) for one in utterances]


def test_words_that_an_engine_refuses_when_it_reads_first_are_told_once() -> None:
    host = EngineHost(LiveEngine(Reader(), LiveOptions()))
    words = (HotWord("—"),)
    second = np.zeros(16_000, np.int16)
    told = [
        host.run(
            Batch((Step(1, second, not number, finishes, wants_hypothesis=True, hot_words=words),))
        )
        for number, finishes in enumerate((False, False, False, True))
    ]
    assert [word for (result,) in told for word in result.refused_hot_words] == list(words)
