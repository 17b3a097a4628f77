"""Texts, events and loops for tests of captions."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st

from decoder import Hypothesis, Word
from rasr.captions import TimedText, TimedWord
from rasr.recognition.events import Final, Partial

PER_MS = 16
"""Samples of the clock of a recognition."""

pure = settings(max_examples=200)


def said(text: str, start_ms: int = 0, end_ms: int = 1000, *, final: bool = True) -> TimedText:
    """A text whose words have no times of their own."""
    return TimedText(text, start_ms, end_ms, final)


def spoken(text: str, start_ms: int = 0, word_ms: int = 300, *, final: bool = True) -> TimedText:
    """A text of words that follow one another without a pause."""
    words = tuple(
        TimedWord(word, start_ms + number * word_ms, start_ms + (number + 1) * word_ms)
        for number, word in enumerate(text.split())
    )
    end_ms = words[-1].end_ms if words else start_ms
    return TimedText(text, start_ms, end_ms, final, words)


def partial(text: str, start_ms: int = 0) -> Partial:
    """The event of a recognition whose text is `spoken(text, start_ms, final=False)`."""
    hypothesis, end_sample = _heard(text, start_ms)
    return Partial(0, start_ms * PER_MS, end_sample, hypothesis, stable_words=0)


def final(text: str, start_ms: int = 0) -> Final:
    """The event of a recognition whose text is `spoken(text, start_ms)`."""
    hypothesis, end_sample = _heard(text, start_ms)
    return Final(0, start_ms * PER_MS, end_sample, hypothesis)


def _heard(text: str, start_ms: int) -> tuple[Hypothesis, int]:
    words = tuple(
        Word(one.text, one.start_ms * PER_MS, one.end_ms * PER_MS, 1.0)
        for one in spoken(text).words
    )
    end_sample = start_ms * PER_MS + (words[-1].end_sample if words else 0)
    return Hypothesis(words, text, 1.0), end_sample


latin_words = st.text("abcdefghij", min_size=1, max_size=14)
marks = st.sampled_from(["", "", "", "", ",", ".", "?"])
chinese = st.text("今天气很好我们去公园吧的了和在", min_size=1, max_size=8)
zh_marks = st.sampled_from(["", "", "，", "。", "？"])
latin_pieces = st.builds(lambda word, mark: word + mark, latin_words, marks)
chinese_pieces = st.builds(lambda word, mark: word + mark, chinese, zh_marks)
pieces = st.one_of(latin_pieces, latin_pieces, chinese_pieces)


@st.composite
def sentences(draw: st.DrawFn, piece: st.SearchStrategy[str] = pieces) -> TimedText:
    """Somebody speaks, with pauses; times are those of the words."""
    words = []
    at_ms = draw(st.integers(0, 5000))
    for text in draw(st.lists(piece, min_size=1, max_size=40)):
        length_ms = draw(st.integers(20, 900))
        words.append(TimedWord(text, at_ms, at_ms + length_ms))
        at_ms += length_ms + draw(st.sampled_from([0, 0, 0, 100, 300, 1600]))
    text = " ".join(word.text for word in words)
    return TimedText(text, words[0].start_ms, words[-1].end_ms, True, tuple(words))


@dataclass(order=True)
class FakeTimer:
    when: float
    number: int
    callback: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._numbers = itertools.count()
        self._timers: list[FakeTimer] = []
        self.soon: list[Callable[[], None]] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(self.now + delay, next(self._numbers), callback)
        heapq.heappush(self._timers, timer)
        return timer

    def turn(self) -> None:
        """What was to be called soon is called; what that asks for is of the next turn."""
        due, self.soon = self.soon, []
        for callback in due:
            callback()

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while self._timers and self._timers[0].when <= until:
            timer = heapq.heappop(self._timers)
            self.now = timer.when
            if not timer.cancelled:
                timer.callback()
        self.now = until
