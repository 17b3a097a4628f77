"""Recognition as an asynchronous iterator: for requests, recordings and tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rasr.recognition.events import Final
from rasr.runtime.recognizer import Recognizer
from rasr.scheduling import Priority
from rasr.tasks import EndedUnasked
from tests.recognition.talk import hush, speech
from tests.runtime.fakes import (
    PlayedScheduler,
    Slot,
    access,
    config_of,
    line_of,
    recognizer,
    settle,
    statistics,
)


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for one in data:
        yield one


async def play(scheduler: PlayedScheduler, *texts: str) -> None:
    """Give each segment its final once it is finished."""
    for number, text in enumerate(texts):
        task = await scheduler.task(number)
        await task.end.wait()
        task.final(text)


async def test_events_come_until_done() -> None:
    scheduler, slot = PlayedScheduler(), Slot(held=True)
    engine = asyncio.create_task(play(scheduler, "one", "two"))
    audio = pieces(speech(600), hush(600), speech(600))
    events = recognizer(scheduler).recognize(audio, config_of(), access(slot=slot), statistics())
    lines = [line_of(event) async for event in events]
    await engine
    assert lines[-1] == "done finished"
    assert [line for line in lines if line.startswith("final")] == ["final one", "final two"]
    assert not slot.held


async def test_a_recording_is_decoded_with_the_priority_of_recordings() -> None:
    scheduler = PlayedScheduler()
    engine = asyncio.create_task(play(scheduler, "one"))
    audio = pieces(speech(600))
    reader = recognizer(scheduler)
    events = reader.recognize(audio, config_of(), access(), statistics(), priority=Priority.BATCH)
    await _read(events)
    await engine
    assert [task.priority for task in scheduler.tasks] == [Priority.BATCH]


async def test_who_leaves_early_gives_everything_back() -> None:
    scheduler, slot = PlayedScheduler(), Slot(held=True)
    events = recognizer(scheduler).recognize(
        pieces(speech(600), hush(600)), config_of(), access(slot=slot), statistics()
    )
    async for _ in events:
        break
    await events.aclose()
    assert scheduler.tasks[0].abandoned
    assert not slot.held


async def test_audio_is_asked_for_no_faster_than_it_is_decoded() -> None:
    scheduler = PlayedScheduler()
    asked = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield speech(1000)

    events = recognizer(scheduler).recognize(endless(), config_of(), access(), statistics())
    reading = asyncio.ensure_future(_read(events))
    await settle()
    await settle()
    assert 2 <= asked <= 5
    reading.cancel()
    await asyncio.wait({reading})
    assert all(task.abandoned for task in scheduler.tasks)


async def _read(events: AsyncIterator[object]) -> None:
    async for _ in events:
        pass


async def test_what_the_source_of_audio_raises_reaches_the_reader() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield speech(600)
        raise ConnectionError("the file ends here")

    scheduler = PlayedScheduler()
    reader: Recognizer = recognizer(scheduler)
    with pytest.raises(ConnectionError, match="the file ends here"):
        async for _ in reader.recognize(broken(), config_of(), access(), statistics()):
            pass
    assert scheduler.tasks[0].abandoned


async def test_a_source_of_audio_that_is_cancelled_from_within_reaches_the_reader() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield speech(600)
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        await gone

    reader: Recognizer = recognizer(PlayedScheduler())
    with pytest.raises(EndedUnasked, match="the source of the audio was cancelled"):
        async for _ in reader.recognize(broken(), config_of(), access(), statistics()):
            pass


async def test_settled_segments_are_not_decoded_and_the_others_are_as_ever() -> None:
    scheduler = PlayedScheduler()
    engine = asyncio.create_task(play(scheduler, "two", "three"))
    audio = pieces(speech(600), hush(600), speech(600), hush(600), speech(600))
    events = recognizer(scheduler).recognize(
        audio, config_of(), access(), statistics(), settled_segments=1
    )
    found = [event async for event in events]
    await engine
    finals = [(one.segment, one.hypothesis.text) for one in found if isinstance(one, Final)]
    assert finals == [(1, ""), (2, "two"), (3, "three")]
    assert len(scheduler.tasks) == 2
