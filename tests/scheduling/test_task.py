"""A decode task: its states, and the audio that it keeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from decoder.engine import SAMPLE_RATE
from rasr import audio
from rasr.scheduling.overload import StepPolicy
from rasr.scheduling.task import (
    OVER,
    TRANSITIONS,
    DecodeState,
    DecodeTask,
    InvalidTransition,
    Piece,
)
from tests.scheduling.commanded import MS, STEP_MS, Heard, known, samples, values

POLICY = StepPolicy.of(known(), step_ms=STEP_MS, partial_ms=STEP_MS, partials=True)

ENTER: dict[DecodeState, Callable[[DecodeTask], object]] = {
    DecodeState.COLLECTING: lambda task: task.restart(task.stream + 1),
    DecodeState.WAITING: lambda task: task.wait(0.0),
    DecodeState.READY: lambda task: task.make_ready(0.0),
    DecodeState.DECODING: lambda task: task.take_step(0),
    DecodeState.FINISHED: DecodeTask.finish,
    DecodeState.FAILED: DecodeTask.fail,
    DecodeState.ABANDONED: DecodeTask.abandon,
}
WAY: dict[DecodeState, tuple[DecodeState, ...]] = {
    DecodeState.COLLECTING: (),
    DecodeState.WAITING: (DecodeState.WAITING,),
    DecodeState.READY: (DecodeState.READY,),
    DecodeState.DECODING: (DecodeState.READY, DecodeState.DECODING),
    DecodeState.FINISHED: (DecodeState.READY, DecodeState.DECODING, DecodeState.FINISHED),
    DecodeState.FAILED: (DecodeState.FAILED,),
    DecodeState.ABANDONED: (DecodeState.ABANDONED,),
}
"""How a task comes to each state."""


def task(state: DecodeState = DecodeState.COLLECTING) -> DecodeTask:
    """A task in this state, with audio for a step where it still has any."""
    made = DecodeTask(1, Heard(), "owner", POLICY)
    made.accept(Piece(samples(1), 0.0))
    for step in WAY[state]:
        ENTER[step](made)
    assert made.state is state
    return made


@pytest.mark.parametrize("to", list(DecodeState))
@pytest.mark.parametrize("state", list(DecodeState))
def test_a_method_that_the_table_does_not_allow_is_refused(
    state: DecodeState, to: DecodeState
) -> None:
    made = task(state)
    if to in TRANSITIONS[state]:
        ENTER[to](made)
        assert made.state is to
    else:
        with pytest.raises(InvalidTransition, match=f"is {state} and cannot become {to}"):
            ENTER[to](made)
        assert made.state is state


def test_every_state_has_a_row_and_only_those_that_are_over_have_an_empty_one() -> None:
    assert set(TRANSITIONS) == set(DecodeState)
    assert {state for state, following in TRANSITIONS.items() if not following} == OVER


@pytest.mark.parametrize("end", sorted(OVER))
def test_a_task_that_is_over_holds_no_audio(end: DecodeState) -> None:
    made = task(DecodeState.DECODING)
    made.accept(Piece(samples(2), 0.0))
    ENTER[end](made)
    assert made.is_over
    assert made.backlog_samples == 0
    assert not made.has_work


def test_a_task_whose_worker_is_lost_has_all_its_audio_again() -> None:
    made = task(DecodeState.DECODING)
    made.step_decoded(heard=True, last=False)
    made.accept(Piece(samples(2), 1.0))
    made.make_ready(1.0)
    made.take_step(0)
    made.restart(7)
    assert (made.stream, made.failed_tries, made.backlog_samples) == (7, 1, 2 * STEP_MS * MS)
    made.make_ready(1.0)
    step = made.take_step(1)
    assert (step.stream, step.opens, values(step)) == (7, True, [1])
    # It was shown before.
    assert not step.wants_hypothesis


def test_only_a_worker_that_had_a_step_of_it_counts_as_a_failed_try() -> None:
    made = task(DecodeState.READY)
    made.restart(2)
    assert made.failed_tries == 0


def test_engines_and_the_core_count_in_the_same_rate() -> None:
    assert SAMPLE_RATE == audio.SAMPLE_RATE
