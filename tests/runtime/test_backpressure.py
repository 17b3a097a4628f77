"""Audio that comes faster than it is decoded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from rasr.recognition.config import Segmentation
from tests.recognition.talk import speech
from tests.runtime.fakes import (
    PlayedScheduler,
    access,
    config_of,
    line_of,
    recognizer,
    statistics,
)


async def test_audio_that_is_decoded_without_a_word_makes_room_for_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An engine says nothing of an open segment where no partials are wanted."""
    monkeypatch.setattr("rasr.runtime.segment_decoding._MOMENT_S", 0.001)
    scheduler = PlayedScheduler()
    is_behind = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        for number in range(10):
            yield speech(1000)
            if number == 1:
                # Behind the third second the budget of two is used up.
                is_behind.set()

    async def engine() -> None:
        await is_behind.wait()
        task = await scheduler.task(0)
        # Its backlog is gone, and there is nothing to tell.
        task.is_decoded = True
        await task.end.wait()
        task.final("words")

    segmentation = Segmentation(tail_ms=None, max_ms=60_000)
    config = replace(config_of(partials=False), segmentation=segmentation)
    playing = asyncio.create_task(engine())
    reader = recognizer(scheduler)
    lines = [
        line_of(event) async for event in reader.recognize(source(), config, access(), statistics())
    ]
    await playing
    assert lines[-2:] == ["final words", "done finished"]
    assert sum(map(len, scheduler.tasks[0].samples)) == 10 * 16_000
