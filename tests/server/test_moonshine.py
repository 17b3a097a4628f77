"""The default engine in a server: whole sessions, partials to finals, and a loop that is free."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from bench.recordings import load
from rasr.audio import FORMATS, Samples
from rasr.client import Options, Pace, Result, ServerMessage, chunks_of, connect, stream_recording
from rasr.server.service import Service
from rasr.settings import Settings
from rasr.wire.sis.messages import Segment
from tests.decoder.models.weights import MOONSHINE
from tests.processes import until
from tests.server.event_loop import MOST_HELD_MS, watched

pytestmark = MOONSHINE.needed

BYTES_PER_S = 32_000


def settings() -> Settings:
    return Settings.model_validate(
        {
            "server": {"port": 0},
            "engines": {
                "moonshine": {"kind": "moonshine", "options": {"model": MOONSHINE.folder()}}
            },
            "properties": {"english": "moonshine"},
            "capacity": {"max_load": 0.0},
        }
    )


async def heard(
    url: str, samples: Samples, pace: Pace = Pace.FAST, *, halt_s: float = 0.0, **wanted: Any
) -> list[Segment]:
    """All segments of all results, partials too.

    Args:
        halt_s: once so much was said, the rest waits for the first partial, however slow the
            machine is; 0: it waits for nothing.
    """
    told: list[Segment] = []

    def listen(message: ServerMessage) -> None:
        if isinstance(message, Result):
            told.extend(message.segments)

    options = Options.of("english_16k_common", interim_results=True, **wanted)

    async def chunks() -> AsyncGenerator[bytes, None]:
        said = 0
        async for chunk in chunks_of([samples], FORMATS["pcm16k16bit"], 100):
            if 0 < halt_s <= said / BYTES_PER_S:
                await until(lambda: bool(told))
            said += len(chunk)
            yield chunk

    async with connect(url, options) as session:
        await stream_recording(session, chunks(), listen, pace=pace)
    return told


async def test_a_whole_session_never_holds_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = load("conversation").samples
    async with Service(settings()) as service:
        with watched(monkeypatch) as held:
            told = await heard(
                service.url, samples, add_punc=True, digit_norm=True, need_word_info=True
            )
    assert len(held) > 100
    assert max(held)[0] < MOST_HELD_MS, max(held)
    finals = [one for one in told if one.is_final]
    text = " ".join(one.text for one in finals)
    assert "The library will be open on Monday." in text
    assert "23 people were injured." in text


async def test_partials_grow_to_the_final_and_say_what_is_stable() -> None:
    async with Service(settings()) as service:
        # What comes at once is read at once, and has no partials.
        told = await heard(
            service.url, load("library").samples, Pace.REAL, halt_s=1.5, add_punc=True
        )
    partials = [one for one in told if not one.is_final]
    (final,) = [one for one in told if one.is_final]
    assert final.text == "The library will be open on Monday."
    assert partials
    for one in partials:
        assert one.stable is not None
        stable = one.text[: one.stable]
        assert final.text.startswith(stable)
        assert not one.text.endswith(".")
    told_stable = [one.stable or 0 for one in partials]
    assert told_stable == sorted(told_stable)


async def test_without_marks_and_digits_the_words_are_as_of_any_engine() -> None:
    async with Service(settings()) as service:
        told = await heard(service.url, load("injured").samples, add_punc=False, digit_norm=False)
    (final,) = [one for one in told if one.is_final]
    assert final.text.replace("-", " ") == "twenty three people were injured"


async def test_numbers_are_digits_whichever_way_the_model_wrote_them() -> None:
    async with Service(settings()) as service:
        told = await heard(service.url, load("injured").samples, add_punc=True, digit_norm=True)
    (final,) = [one for one in told if one.is_final]
    assert final.text == "23 people were injured."


async def test_words_have_times_of_their_own_where_they_are_asked_for() -> None:
    recording = load("library")
    async with Service(settings()) as service:
        told = await heard(service.url, recording.samples, add_punc=False, need_word_info=True)
    (final,) = [one for one in told if one.is_final]
    assert final.word_info is not None
    assert [re.sub(r"\W", "", one.word.lower()) for one in final.word_info] == [
        one.text for one in recording.words
    ]
