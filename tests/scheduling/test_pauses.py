"""Nobody speaks: an engine that reads the utterance anew reads it now."""

from __future__ import annotations

import pytest

from rasr.scheduling import Priority
from tests.scheduling.commanded import (
    CommandedWorker,
    milliseconds,
    opened,
    samples,
    settle,
    started,
)


async def test_a_pause_is_a_step_of_its_own_with_all_audio_that_waits() -> None:
    worker = CommandedWorker(rereads=True)
    scheduler = await started(worker)
    speaker, heard = opened(scheduler, partials=True)
    speaker.accept(milliseconds(1), due=0.0)
    await settle()
    assert not worker.busy
    speaker.pause()
    (step,) = (await worker.go()).steps
    assert (step.pauses, step.wants_hypothesis, step.finishes) == (True, True, False)
    assert heard.lines == ["partial 1"]
    await scheduler.stop()


async def test_a_pause_while_a_step_is_decoded_comes_behind_it() -> None:
    worker = CommandedWorker(rereads=True)
    scheduler = await started(worker)
    speaker, _ = opened(scheduler, partials=True)
    speaker.accept(samples(1), due=0.0)
    await settle()
    speaker.accept(milliseconds(2), due=0.0)
    speaker.pause()
    (first,) = (await worker.go()).steps
    (second,) = (await worker.go()).steps
    assert (first.pauses, second.pauses) == (False, True)
    await scheduler.stop()


async def test_speech_that_goes_on_takes_the_pause_back() -> None:
    worker = CommandedWorker(rereads=True)
    scheduler = await started(worker)
    speaker, _ = opened(scheduler, partials=True)
    speaker.accept(samples(1), due=0.0)
    await settle()
    speaker.pause()
    speaker.accept(samples(2), due=0.0)
    await worker.go()
    (second,) = (await worker.go()).steps
    assert not second.pauses
    await scheduler.stop()


@pytest.mark.parametrize(
    ("rereads", "priority"),
    [(False, Priority.LIVE), (True, Priority.SECOND_PASS), (True, Priority.BATCH)],
)
async def test_a_pause_is_nothing_where_nobody_gains_by_it(
    rereads: bool, priority: Priority
) -> None:
    worker = CommandedWorker(rereads=rereads)
    scheduler = await started(worker)
    speaker, _ = opened(scheduler, partials=True, priority=priority)
    speaker.accept(milliseconds(1), due=0.0)
    speaker.pause()
    await settle()
    assert not worker.busy
    await scheduler.stop()


async def test_a_pause_of_an_utterance_that_is_over_is_nothing() -> None:
    worker = CommandedWorker(rereads=True)
    scheduler = await started(worker)
    speaker, _ = opened(scheduler, partials=True)
    speaker.accept(milliseconds(1), due=0.0)
    speaker.abandon()
    speaker.pause()
    await settle()
    assert not worker.busy
    await scheduler.stop()


async def test_a_pause_helps_the_final_of_a_client_that_wants_no_partials() -> None:
    worker = CommandedWorker(rereads=True)
    scheduler = await started(worker)
    speaker, heard = opened(scheduler, partials=False)
    speaker.accept(milliseconds(1), due=0.0)
    speaker.pause()
    (step,) = (await worker.go()).steps
    assert (step.pauses, step.wants_hypothesis) == (True, False)
    assert heard.lines == []
    await scheduler.stop()
