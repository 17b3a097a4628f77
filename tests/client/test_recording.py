"""A recording through one round: how it is cut, when it is sent, when sending stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.audio import COMPRESSED_FORMATS, FORMATS, AudioFileError, AudioFormat, Samples, encode
from rasr.client import (
    ConnectionLost,
    Options,
    Pace,
    chunks_of,
    chunks_of_file,
    connect,
    stream_recording,
)
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.messages import (
    EndReason,
    Error,
    Event,
    EventName,
    ServerMessage,
    StartConfig,
    Started,
)
from rasr.wire.sis.modes import Mode
from tests.client.scripted import Peer, scripted
from tests.client.values import CONFIG, ended, final, partial

STARTED = Started("trace")
OPTIONS = Options(CONFIG)
CHUNK = bytes(3200)
"""100 ms of pcm16k16bit."""


class FastClock:
    """Time that passes when somebody wants to sleep."""

    def __init__(self) -> None:
        self.at_s = 1000.0
        self.wanted: list[float] = []

    def now(self) -> float:
        return self.at_s

    async def sleep_until(self, at_s: float) -> None:
        self.wanted.append(round(at_s - 1000.0, 6))
        self.at_s = max(self.at_s, at_s)
        await asyncio.sleep(0)


async def repeated(chunk: bytes, times: int) -> AsyncGenerator[bytes, None]:
    for _ in range(times):
        yield chunk


class Endless:
    """A microphone that is never switched off, but for being closed."""

    def __init__(self) -> None:
        self.closed = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            yield CHUNK
            await asyncio.Event().wait()
        finally:
            self.closed = True


def cut(lengths: list[int], audio_format: AudioFormat, chunk_ms: int) -> list[bytes]:
    audio = np.arange(sum(lengths), dtype=np.int16)
    blocks = np.split(audio, np.cumsum(lengths)[:-1])

    async def collect() -> list[bytes]:
        return [chunk async for chunk in chunks_of(blocks, audio_format, chunk_ms)]

    return asyncio.run(collect())


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 900), min_size=1, max_size=8),
    st.sampled_from(list(FORMATS.values())),
    st.sampled_from([10, 20, 100]),
)
def test_chunks_are_the_whole_sound_in_pieces_of_one_length(
    lengths: list[int], audio_format: AudioFormat, chunk_ms: int
) -> None:
    chunks = cut(lengths, audio_format, chunk_ms)
    audio: Samples = np.arange(sum(lengths), dtype=np.int16)
    assert b"".join(chunks) == encode(audio, audio_format.encoding)
    size = audio_format.sample_rate * chunk_ms // 1000 * audio_format.bytes_per_frame
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert all(0 < len(chunk) <= size for chunk in chunks[-1:])


async def test_at_the_pace_of_speech_a_chunk_is_due_when_its_last_sample_was_spoken() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.end()
        assert peer.chunks == [3200, 3200, 3200, 1600]
        await peer.send(final("text"), ended())

    async def chunks() -> AsyncGenerator[bytes, None]:
        for size in (3200, 3200, 3200, 1600):
            yield bytes(size)

    clock = FastClock()
    heard: list[ServerMessage] = []
    sent: list[float] = []
    async with scripted(script) as url, connect(url, OPTIONS) as session:
        await stream_recording(
            session,
            chunks(),
            heard.append,
            pace=Pace.REAL,
            clock=clock,
            on_sent=sent.append,
        )
    assert clock.wanted == [0.1, 0.2, 0.3, 0.35]
    assert sent == [0.1, 0.2, 0.3, 0.35]
    assert heard == [final("text"), ended()]


async def test_a_late_chunk_does_not_make_the_next_one_late() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.end()
        await peer.send(ended())

    clock = FastClock()

    def stumble(sent_s: float) -> None:
        if sent_s == 0.1:
            clock.at_s += 0.25

    async with scripted(script) as url, connect(url, OPTIONS) as session:
        await stream_recording(
            session,
            repeated(CHUNK, 4),
            lambda message: None,
            clock=clock,
            on_sent=stumble,
        )
    assert clock.wanted == [0.1, 0.2, 0.3, 0.4]
    assert round(clock.at_s - 1000, 6) == 0.4


async def test_fast_asks_no_clock() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.end()
        assert len(peer.chunks) == 500
        await peer.send(ended())

    clock = FastClock()
    async with scripted(script) as url, connect(url, OPTIONS) as session:
        await stream_recording(
            session,
            repeated(CHUNK, 500),
            lambda message: None,
            pace=Pace.FAST,
            clock=clock,
        )
    assert clock.wanted == []


@pytest.mark.parametrize(
    "event", [EventName.VOICE_END, EventName.EXCEEDED_AUDIO, EventName.EXCEEDED_SILENCE]
)
async def test_sending_stops_where_the_server_takes_no_more(event: EventName) -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.hear(1)
        await peer.send(final("all"), Event("trace", event, 100))
        await peer.end()
        await peer.send(ended())

    source = Endless()
    heard: list[ServerMessage] = []
    async with scripted(script) as url, connect(url, Options(CONFIG, Mode.SENTENCE)) as session:
        await stream_recording(session, source.chunks(), heard.append, pace=Pace.FAST)
    assert heard[-1] == ended()
    assert source.closed


@pytest.mark.parametrize("event", [EventName.VOICE_START, EventName.WARNING])
async def test_sending_goes_on_after_other_events(event: EventName) -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED, Event("trace", event, 0), partial("a"))
        await peer.end()
        assert len(peer.chunks) == 50
        await peer.send(ended())

    async with scripted(script) as url, connect(url, OPTIONS) as session:
        await stream_recording(session, repeated(CHUNK, 50), lambda message: None, pace=Pace.FAST)


async def test_an_error_ends_sending_and_its_end_ends_the_round() -> None:
    error = Error("trace", ErrorCode.RECOGNITION_FAILED, "the engine failed")

    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.hear(1)
        await peer.send(error, ended(EndReason.ERROR))
        await peer.websocket.wait_closed()
        assert len(peer.chunks) == 1

    source = Endless()
    heard: list[ServerMessage] = []
    async with scripted(script) as url, connect(url, OPTIONS) as session:
        await stream_recording(session, source.chunks(), heard.append, pace=Pace.FAST)
    assert heard == [error, ended(EndReason.ERROR)]


async def test_a_round_that_the_server_ends_on_its_own_is_a_loss() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.hear(1)
        await peer.send(final("so far"), ended())

    heard: list[ServerMessage] = []
    async with scripted(script) as url, connect(url, OPTIONS) as session:
        with pytest.raises(ConnectionLost, match="before it had all the sound"):
            await stream_recording(session, Endless().chunks(), heard.append, pace=Pace.FAST)
    assert heard == [final("so far"), ended()]


async def test_a_broken_connection_is_one_error_with_the_reason_of_the_server() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.hear(1)
        await peer.send(Error("trace", ErrorCode.INTERNAL, "the server failed", fatal=True))
        await peer.websocket.close(1011)

    async with scripted(script) as url, connect(url, OPTIONS) as session:
        with pytest.raises(ConnectionLost, match="the server failed"):
            await stream_recording(
                session,
                repeated(CHUNK, 10),
                lambda message: None,
                pace=Pace.FAST,
            )


async def test_a_fault_of_the_source_comes_out_as_it_is() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.websocket.wait_closed()

    async def damaged() -> AsyncGenerator[bytes, None]:
        yield CHUNK
        raise OSError("the file is damaged")

    async with scripted(script) as url, connect(url, OPTIONS) as session:
        with pytest.raises(OSError, match="the file is damaged"):
            await stream_recording(session, damaged(), lambda message: None, pace=Pace.FAST)


@pytest.mark.parametrize(("byte_rate", "times"), [(1000, [1.0, 2.0]), (None, [])])
async def test_compressed_sound_has_the_pace_of_its_bytes_or_none(
    byte_rate: float | None, times: list[float]
) -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.end()
        assert peer.chunks == [1000, 1000]
        await peer.send(ended())

    clock = FastClock()
    sent: list[float] = []
    webm = StartConfig(COMPRESSED_FORMATS["webm-opus"], CONFIG.property)
    async with scripted(script) as url, connect(url, Options(webm)) as session:
        await stream_recording(
            session,
            repeated(bytes(1000), 2),
            lambda message: None,
            byte_rate=byte_rate,
            clock=clock,
            on_sent=sent.append,
        )
    assert clock.wanted == sent == times


async def test_the_bytes_of_a_compressed_file_are_sent_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "sound.mp3"
    file.write_bytes(bytes(range(256)) * 40)
    chunks = [chunk async for chunk in chunks_of_file(file, COMPRESSED_FORMATS["mp3"])]
    assert len(chunks) == 3
    assert b"".join(chunks) == file.read_bytes()
    with pytest.raises(AudioFileError, match="cannot be opened"):
        await anext(chunks_of_file(tmp_path / "none.mp3", COMPRESSED_FORMATS["mp3"]))
