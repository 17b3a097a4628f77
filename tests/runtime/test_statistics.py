"""What an observer is told of one session."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.runtime.statistics import (
    RateMeter,
    RecognitionOver,
    SessionState,
    SessionStatistics,
)


@dataclass
class Waits:
    first_partials: list[float] = field(default_factory=list)
    finals: list[float] = field(default_factory=list)

    def first_partial(self, seconds: float) -> None:
        self.first_partials.append(seconds)

    def final(self, seconds: float) -> None:
        self.finals.append(seconds)


@dataclass
class Nothing:
    """A recognition that has heard nothing."""

    audio_s: float = 0.0
    speech_s: float = 0.0
    segments: int = 0
    backlog_s: float = 0.0


NOTHING = Nothing()


def session() -> tuple[SessionStatistics, Waits]:
    waits = Waits()
    return SessionStatistics(1, "continue", "127.0.0.1", 0.0, waits), waits


class Observer:
    def __init__(self) -> None:
        self.over: list[RecognitionOver] = []
        self.refused: list[tuple[str, float]] = []

    def recognition_over(self, over: RecognitionOver) -> None:
        self.over.append(over)

    def recognition_refused(self, code: str, now: float) -> None:
        self.refused.append((code, now))


def observed() -> tuple[SessionStatistics, Observer]:
    observer = Observer()
    one = SessionStatistics(1, "continue", "127.0.0.1", 0.0, Waits(), observers=[observer])
    one.engine, one.trace_id = "fake", "t-1"
    return one, observer


def test_a_rate_is_that_of_the_last_five_seconds() -> None:
    marks = RateMeter(0.0)
    for second in range(1, 31):
        # Real time for twenty seconds, then twice as fast.
        marks.note(second, second + max(0, second - 20))
    assert marks.rate(20.0 + 10, 40.0) == pytest.approx(2.0)


def test_a_rate_falls_to_nothing_when_nothing_comes_any_more() -> None:
    marks = RateMeter(0.0)
    for second in range(1, 11):
        marks.note(second, float(second))
    assert marks.rate(600.0, 10.0) < 0.01


def test_a_rate_of_the_first_moment_is_not_a_division_by_nothing() -> None:
    assert RateMeter(7.0).rate(7.0, 0.5) == pytest.approx(0.5)


@given(st.lists(st.floats(0.01, 3.0), min_size=1, max_size=100), st.floats(0.2, 5.0))
def test_a_steady_rate_is_told_right_however_often_it_is_noted(
    pauses: list[float], speed: float
) -> None:
    marks, now = RateMeter(0.0), 0.0
    for pause in pauses:
        now += pause
        marks.note(now, now * speed)
    now += 1.0
    assert marks.rate(now, now * speed) == pytest.approx(speed, rel=1e-6)


def test_a_session_goes_through_silence_speech_and_finishing_and_is_idle_between_rounds() -> None:
    one, _ = session()
    states = [one.state]
    one.recognition_opened(NOTHING, 0.0)
    states.append(one.state)
    one.segment_started(1, 1.0)
    states.append(one.state)
    one.segment_ended(1, 2.0)
    states.append(one.state)
    one.heard(1, 3.0, final=True, text=True)
    states.append(one.state)
    one.recognition_closed("NORMAL", 4.0)
    states.append(one.state)
    assert states == [
        SessionState.IDLE,
        SessionState.SILENCE,
        SessionState.SPEECH,
        SessionState.FINISHING,
        SessionState.SILENCE,
        SessionState.IDLE,
    ]


def test_the_first_partial_and_the_final_of_an_utterance_are_each_counted_once() -> None:
    one, waits = session()
    one.segment_started(1, 10.0)
    one.heard(1, 10.2, final=False, text=False)
    one.heard(1, 10.5, final=False, text=True)
    one.heard(1, 10.9, final=False, text=True)
    one.segment_ended(1, 12.0)
    one.heard(1, 12.25, final=True, text=True)
    assert waits.first_partials == pytest.approx([0.5])
    assert waits.finals == pytest.approx([0.25])
    assert list(one.finals_s) == pytest.approx([0.25])


def test_a_final_without_words_is_no_final_that_anybody_waited_for() -> None:
    one, waits = session()
    one.segment_started(1, 1.0)
    one.segment_ended(1, 2.0)
    one.heard(1, 9.0, final=True, text=False)
    assert waits.finals == []


def test_an_utterance_that_failed_or_was_abandoned_is_forgotten() -> None:
    one, _ = session()
    one.recognition_opened(NOTHING, 0.0)
    one.segment_started(1, 1.0)
    one.segment_gone(1)
    assert one.state is SessionState.SILENCE


def test_errors_in_a_round_are_told_apart_from_rounds_that_were_refused() -> None:
    one, _ = session()
    one.error("SIS.0312", 5.0, fatal=False)
    one.recognition_opened(NOTHING, 0.0)
    one.error("SIS.0305", 5.0, fatal=False)
    one.recognition_closed("NORMAL", 4.0)
    one.error("SIS.0304", 5.0, fatal=True)
    assert one.refused == {"SIS.0312": 1}
    assert one.failed == {"SIS.0305": 1, "SIS.0304": 1}


# What observers are told


def test_an_observer_is_told_of_each_recognition_once_it_is_over() -> None:
    one, observer = observed()
    one.recognition_opened(Nothing(audio_s=3.0), 1.0)
    for segment, latency in ((1, 0.2), (2, 0.4)):
        one.segment_started(segment, 1.0)
        one.segment_ended(segment, 2.0)
        one.heard(segment, 2.0 + latency, final=True, text=True)
    one.recognition_asked_to_end(5.0)
    one.recognition_closed("NORMAL", 9.0)
    one.recognition_closed("closed", 10.0)
    (over,) = observer.over
    assert (over.reason, over.trace_id, over.engine) == ("NORMAL", "t-1", "fake")
    assert (over.opened_at, over.closed_at, over.audio_s) == (1.0, 9.0, 3.0)
    assert over.delay_s == pytest.approx(0.3)


def test_the_delay_of_one_in_which_nothing_was_said_is_that_of_its_end() -> None:
    one, observer = observed()
    one.recognition_opened(NOTHING, 1.0)
    one.recognition_asked_to_end(5.0)
    one.recognition_asked_to_end(6.0)
    one.recognition_closed("NORMAL", 6.5)
    one.recognition_opened(NOTHING, 7.0)
    one.recognition_closed("disconnected", 9.0)
    assert [over.delay_s for over in observer.over] == [1.5, 0.0]


def test_an_observer_is_told_of_errors_outside_of_recognitions_alone() -> None:
    one, observer = observed()
    one.error("SIS.0312", 1.0, fatal=False)
    one.recognition_opened(NOTHING, 2.0)
    one.error("SIS.0305", 3.0, fatal=False)
    one.recognition_closed("SIS.0305", 3.0)
    one.error("SIS.0100", 4.0, fatal=True)
    assert observer.refused == [("SIS.0312", 1.0), ("SIS.0100", 4.0)]
