"""The latencies of a load, on streams of messages made up for the purpose."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency import (
    Latency,
    Schedule,
    StepMessage,
    Window,
    end_latency,
    step_latencies,
    step_message,
)
from bench.load_result import Clock, LoadResult, client_p95_ms, merged
from bench.wire_clients import Answer
from bench.word_clock import FRAME_SAMPLES, OUTPUT_FRAMES, samples_needed, word

SCHEDULE = Schedule(start_s=100.0, chunk_samples=1600, chunks=100)


def ends_of(*steps: int) -> tuple[int, ...]:
    """The frame that ends each step."""
    return tuple(step * OUTPUT_FRAMES + OUTPUT_FRAMES - 1 for step in steps)


def message(at_s: float, *steps: int, begins_at: int = 0, is_final: bool = False) -> StepMessage:
    return StepMessage(at_s, begins_at, ends_of(*steps), is_final=is_final)


def due(step: int, begins_at: int = 0) -> float:
    return SCHEDULE.due_s(begins_at + samples_needed(step))


def ms_of(waits: list[Latency]) -> list[float]:
    return [round(one.ms, 6) for one in waits]


def test_sound_is_due_when_its_whole_chunk_has_been_spoken() -> None:
    assert SCHEDULE.due_s(1) == SCHEDULE.due_s(1600) == pytest.approx(100.1)
    assert SCHEDULE.due_s(1601) == pytest.approx(100.2)


def test_sound_that_is_padded_behind_the_end_is_due_with_the_last_chunk() -> None:
    assert SCHEDULE.due_s(10**9) == SCHEDULE.end_s == pytest.approx(110.0)


def test_the_first_step_needs_five_chunks_and_a_partial_waits_from_there() -> None:
    waits = step_latencies(7, [message(100.53, 0)], SCHEDULE)
    assert ms_of(waits) == [30.0]
    assert waits[0].client == 7
    assert waits[0].due_s == pytest.approx(100.5)


def test_each_step_counts_once_however_often_it_is_told() -> None:
    messages = [
        message(due(0) + 0.01, 0),
        message(due(1) + 0.02, 0, 1),
        message(due(2) + 0.5, 0, 1),
    ]
    assert ms_of(step_latencies(0, messages, SCHEDULE)) == [10.0, 20.0]


def test_a_server_that_tells_three_steps_at_once_made_the_first_two_wait() -> None:
    at_s = due(2) + 0.01
    waits = step_latencies(0, [message(at_s, 0, 1, 2)], SCHEDULE)
    assert ms_of(waits) == [round((at_s - due(step)) * 1000, 6) for step in (0, 1, 2)]
    assert waits[0].ms > 600


def test_two_words_of_a_step_are_one_wait() -> None:
    one = StepMessage(due(0) + 0.01, 0, (3, 7))
    assert ms_of(step_latencies(0, [one], SCHEDULE)) == [10.0]


def test_an_utterance_counts_its_steps_from_where_it_began() -> None:
    messages = [message(due(0) + 0.01, 0), message(due(0, 32_000) + 0.02, 0, begins_at=32_000)]
    assert ms_of(step_latencies(0, messages, SCHEDULE)) == [10.0, 20.0]


def test_what_only_a_final_tells_is_no_partial_latency() -> None:
    messages = [message(due(0) + 0.01, 0), message(due(1) + 0.9, 0, 1, is_final=True)]
    assert ms_of(step_latencies(0, messages, SCHEDULE)) == [10.0]


def test_text_from_before_its_sound_shows_that_times_are_wrong() -> None:
    with pytest.raises(ValueError, match="before its audio was sent"):
        step_latencies(0, [message(due(1) - 0.04, 1)], SCHEDULE)


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=20, unique=True).map(sorted),
    st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_no_step_is_lost_or_counted_twice_whatever_is_merged(
    steps: list[int], sent: list[bool]
) -> None:
    # A server that keeps some messages back; the last one is always sent.
    messages = [
        message(due(step) + 0.01, *steps[: index + 1])
        for index, step in enumerate(steps)
        if sent[index % len(sent)] or index == len(steps) - 1
    ]
    waits = step_latencies(0, messages, SCHEDULE)
    assert sorted(round(one.due_s, 3) for one in waits) == [round(due(step), 3) for step in steps]
    assert all(one.ms >= 9.99 for one in waits)


def test_words_of_a_segment_say_where_its_decoding_began() -> None:
    begins_at = 35 * 320
    start_ms = (begins_at + 7 * FRAME_SAMPLES) // 16
    answer = Answer(5.0, f"{word(7)} {word(15)}", times_ms=(start_ms, start_ms + 900))
    assert step_message(answer) == StepMessage(5.0, begins_at, (7, 15))


def test_words_without_times_count_from_the_start_of_the_stream() -> None:
    assert step_message(Answer(5.0, f" {word(80)} {word(95)}")) == StepMessage(5.0, 0, (80, 95))


def test_an_answer_without_words_tells_nothing() -> None:
    assert step_message(Answer(5.0, "", is_final=True)) is None


def test_text_of_another_model_is_an_error() -> None:
    with pytest.raises(ValueError, match="no word of this model"):
        step_message(Answer(1.0, "hello"))


def test_the_wait_for_the_end_is_from_the_end_of_sound_to_the_message_that_ends_the_stream() -> (
    None
):
    answers = [Answer(109.0, "a", is_final=True), Answer(110.25, "", is_over=True)]
    wait = end_latency(3, answers, SCHEDULE)
    assert wait is not None
    assert (wait.client, wait.due_s, round(wait.ms, 6)) == (3, 110.0, 250.0)


def test_a_stream_without_an_end_latencys_for_nothing() -> None:
    assert end_latency(0, [Answer(105.0, "a")], SCHEDULE) is None


WINDOW = Window(10.0, 40.0)


def of(waits: tuple[Latency, ...], **more: Any) -> LoadResult:
    return LoadResult(clients=1, window=WINDOW, latencies={Clock.STEP: waits}, **more)


def outcome(ms: list[float], **more: Any) -> LoadResult:
    """One client; a value a second from the start of the window on."""
    return of(tuple(Latency(0, 10.0 + second, value) for second, value in enumerate(ms)), **more)


def test_the_window_leaves_out_warm_up_and_what_follows() -> None:
    waits = [Latency(0, at, 1.0) for at in (9.9, 10.0, 39.9, 40.0)]
    assert [one.due_s for one in WINDOW.of(waits)] == [10.0, 39.9]


def test_a_steady_load_is_held() -> None:
    assert outcome([150.0] * 30).holds({Clock.STEP: 200.0})


def test_a_backlog_that_begins_late_is_not_held_although_the_whole_keeps_to_the_bar() -> None:
    # Of 60 values three are slow: at the end that is a backlog, spread out it is not.
    late = [Latency(0, 10.0 + second / 2, 100.0) for second in range(57)]
    slow = [Latency(0, 38.5 + second / 2, 900.0) for second in range(3)]
    one = of((*late, *slow))
    assert one.ms(Clock.STEP, 95) <= 200.0
    assert not one.holds({Clock.STEP: 200.0})


@pytest.mark.parametrize(
    "fault", [{"errors": ("closed",)}, {"refused": ("full",)}, {"lost": 1}, {"doubled": 1}]
)
def test_a_load_with_a_fault_is_not_held(fault: dict[str, Any]) -> None:
    assert outcome([1.0] * 30).holds({Clock.STEP: 200.0})
    assert not outcome([1.0] * 30, **fault).holds({Clock.STEP: 200.0})


def test_a_bar_is_for_one_clock_alone() -> None:
    assert not outcome([1.0] * 30).holds({Clock.FINAL: 200.0})


def test_every_clock_must_keep_to_its_own_limit() -> None:
    both = {
        Clock.STEP: tuple(Latency(0, 10.0 + second, 100.0) for second in range(30)),
        Clock.FINAL: tuple(Latency(0, 10.0 + second, 900.0) for second in range(30)),
    }
    one = LoadResult(clients=1, window=WINDOW, latencies=both)
    assert one.holds({Clock.STEP: 100.0, Clock.FINAL: 1000.0})
    assert not one.holds({Clock.STEP: 100.0, Clock.FINAL: 800.0})
    assert not one.holds({Clock.STEP: 90.0, Clock.FINAL: 1000.0})


def test_the_halves_of_a_window_are_told_apart() -> None:
    assert outcome([100.0] * 15 + [300.0] * 15).halves_ms(Clock.STEP) == (100.0, 300.0)


def test_a_load_that_was_told_nothing_is_not_held() -> None:
    assert not outcome([]).holds({Clock.STEP: 200.0})


def test_fairness_compares_the_worst_client_with_the_median_one() -> None:
    waits = tuple(
        Latency(client, 20.0, ms) for client, ms in ((0, 50.0), (1, 100.0), (2, 100.0), (3, 400.0))
    )
    assert client_p95_ms(waits) == [50.0, 100.0, 100.0, 400.0]
    assert of(waits).unfairness(Clock.STEP) == 4.0
    assert math.isnan(outcome([]).unfairness(Clock.STEP))


def test_what_several_processes_put_on_is_one_load() -> None:
    parts = [
        outcome([10.0], streams=1, ended=1, errors=("a",), late_sends_ms=1.0, speech_share=0.2),
        outcome([30.0], streams=3, lost=2, refused=("b",), late_sends_ms=5.0, speech_share=0.4),
    ]
    one = merged(parts)
    assert [wait.ms for wait in one.latencies[Clock.STEP]] == [10.0, 30.0]
    assert (one.clients, one.streams, one.ended, one.lost) == (2, 4, 1, 2)
    assert (one.errors, one.refused, one.late_sends_ms) == (("a",), ("b",), 5.0)
    assert one.speech_share == pytest.approx(0.35)
