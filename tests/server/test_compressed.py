"""Compressed audio, end to end, sent by the project's own client."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from importlib.resources import as_file, files

import numpy as np
import pytest

from rasr.audio import COMPRESSED_FORMATS, Samples, read_audio
from rasr.client import (
    Ended,
    EndReason,
    Error,
    ErrorCode,
    Event,
    EventName,
    Mode,
    Options,
    Result,
    ServerMessage,
    Session,
    connect,
)
from rasr.server.service import Service
from rasr.settings import Settings
from tests.audio.compressed import compressed, pieces_of
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings

PROPERTY = "english_16k_common"
SPOKEN: Samples = np.frombuffer(quiet(300) + voiced(900) + quiet(900) + voiced(700), np.int16)


def coded(samples: Samples, name: str, **how: object) -> bytes:
    return compressed(np.repeat(samples, 3), name, 48000, **how)  # type: ignore[arg-type]


async def told(session: Session, pieces: Iterable[bytes]) -> list[ServerMessage]:
    for piece in pieces:
        await session.send(piece)
    await session.end()
    return [message async for message in session]


def finals(messages: Iterable[ServerMessage]) -> list[tuple[str, int, int]]:
    return [
        (one.text, one.start_time, one.end_time)
        for message in messages
        if isinstance(message, Result)
        for one in message.segments
        if one.is_final
    ]


def odd_pieces(data: bytes) -> list[bytes]:
    """As a recorder in a browser cuts: anywhere, now much and now little."""
    pieces: list[bytes] = []
    at = 0
    for length in itertools.cycle((1, 3000, 17, 5, 1201, 2, 800, 4096)):
        if at >= len(data):
            return pieces
        pieces.append(data[at : at + length])
        at += length
    raise AssertionError("a cycle has an end")


@pytest.mark.parametrize("name", list(COMPRESSED_FORMATS))
async def test_a_round_of_compressed_sound_has_its_sentences_however_it_is_cut(
    service: Service, name: str
) -> None:
    data = coded(SPOKEN, name, live=name == "webm-opus")
    raw = Options.of(PROPERTY)
    async with connect(service.url, raw) as session:
        expected = finals(await told(session, [SPOKEN.tobytes()]))
    heard = []
    async with connect(service.url, Options.of(PROPERTY, name)) as session:
        for pieces in ([data], odd_pieces(data), pieces_of(data, 100)):
            messages = await told(session, pieces)
            assert messages[-1] == Ended(session.trace_id, EndReason.NORMAL)
            heard.append(finals(messages))
            await session.start()
    assert heard[0] == heard[1] == heard[2]
    assert len(expected) == len(heard[0]) == 2
    for (_, start, end), (_, start_there, end_there) in zip(heard[0], expected, strict=True):
        assert abs(start - start_there) <= 100
        assert abs(end - end_there) <= 100


async def test_the_property_may_be_of_either_rate(service: Service) -> None:
    options = Options.of("english_8k_common", "webm-opus")
    async with connect(service.url, options) as session:
        assert len(finals(await told(session, [coded(SPOKEN, "webm-opus")]))) == 2


async def test_bytes_that_are_something_else_end_the_round_and_not_the_connection(
    service: Service,
) -> None:
    async with connect(service.url, Options.of(PROPERTY, "webm-opus")) as session:
        await session.send(coded(SPOKEN, "ogg-opus"))
        messages = [message async for message in session]
        (error,) = [one for one in messages if isinstance(one, Error)]
        assert error.error_code is ErrorCode.INVALID
        assert "cannot be read as 'webm-opus': it is Ogg" in error.error_msg
        assert messages[-1] == Ended(session.trace_id, EndReason.ERROR)
        await session.start()
        assert len(finals(await told(session, [coded(SPOKEN, "webm-opus")]))) == 2


async def test_what_was_said_before_the_damage_is_recognised(service: Service) -> None:
    data = coded(SPOKEN, "ogg-opus")
    async with connect(service.url, Options.of(PROPERTY, "ogg-opus")) as session:
        await session.send(data + bytes(100))
        messages = [message async for message in session]
    assert len(finals(messages)) == 2
    assert [type(one) for one in messages[-2:]] == [Error, Ended]


async def test_a_header_that_is_not_whole_is_an_error_at_the_end(service: Service) -> None:
    async with connect(service.url, Options.of(PROPERTY, "webm-opus")) as session:
        messages = await told(session, [coded(SPOKEN, "webm-opus")[:60]])
    assert isinstance(messages[0], Error)
    assert "it ended before its sound began" in messages[0].error_msg
    assert messages[-1] == Ended(session.trace_id, EndReason.ERROR)


async def test_the_limit_of_a_mode_counts_the_sound_and_not_the_bytes(service: Service) -> None:
    audio = np.frombuffer(quiet(61_000), np.int16)
    options = Options.of(PROPERTY, "ogg-opus", mode=Mode.SHORT)
    async with connect(service.url, options) as session:
        messages = await told(session, [coded(audio, "ogg-opus")])
    (event,) = [one for one in messages if isinstance(one, Event)]
    assert (event.event, event.timestamp) == (EventName.EXCEEDED_AUDIO, 60_000)


async def test_a_message_beyond_the_limit_is_refused_whole() -> None:
    data = coded(SPOKEN, "webm-opus")
    async with Service(fake_settings(session={"max_message_bytes": len(data) - 1})) as service:
        async with connect(service.url, Options.of(PROPERTY, "webm-opus")) as session:
            await session.send(data)
            messages = [message async for message in session]
    assert isinstance(messages[0], Error)
    assert f"the binary frame is too long: {len(data)} bytes" in messages[0].error_msg


async def test_silence_is_told_of_compressed_sound_too(service: Service) -> None:
    silence = np.zeros(16000 * 4, np.int16)
    async with connect(service.url, Options.of(PROPERTY, "mp3", warnings=True)) as session:
        messages = await told(session, [coded(silence, "mp3")])
    (event,) = [one for one in messages if isinstance(one, Event)]
    assert event.warning == "silence"


async def test_a_long_message_lets_other_sessions_speak(service: Service) -> None:
    # Ten minutes in one message, which takes a second and more to decode.
    minutes = coded(np.tile(SPOKEN, 220), "ogg-opus", bit_rate=8000)
    assert len(minutes) < 1 << 20
    options = Options.of(PROPERTY, "ogg-opus")
    async with connect(service.url, options) as flood, connect(service.url, options) as speaker:
        await flood.send(minutes)
        await flood.end()
        assert len(finals(await told(speaker, [coded(SPOKEN, "ogg-opus")]))) == 2
        last = None
        async for message in flood:
            last = message
        assert last == Ended(flood.trace_id, EndReason.NORMAL)
        assert flood.arrived_s > speaker.arrived_s


@pytest.mark.long
@pytest.mark.engine
async def test_the_demo_as_a_browser_records_it_has_the_same_words_as_raw_sound() -> None:
    with as_file(files("rasr") / "data" / "demo.flac") as demo:
        raw = np.concatenate(list(read_audio(demo, 16000)))
        full = np.concatenate(list(read_audio(demo, 48000)))
    recorded = compressed(full, "webm-opus", 48000, live=True, bit_rate=48000)
    settings = Settings.model_validate(
        {"server": {"port": 0}, "decoding": {"workers": 1, "streams_per_worker": 2}}
    )
    texts = []
    async with Service(settings) as service:
        for name, pieces in (
            ("pcm16k16bit", pieces_of(raw.tobytes(), 3200)),
            ("webm-opus", odd_pieces(recorded)),
        ):
            async with connect(service.url, Options.of(PROPERTY, name)) as session:
                texts.append([text for text, _, _ in finals(await told(session, pieces))])
    assert texts[1] == texts[0]
    assert len(" ".join(texts[0]).split()) > 10
