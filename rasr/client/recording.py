"""A whole recording through one round: cut, coded, sent at a pace, answered.

Owns the pace. Load is open loop: a chunk is due when its last sample would have been spoken,
counted from the start, so that a late chunk does not make all later ones late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from enum import StrEnum
from typing import Protocol, assert_never

import numpy as np

from rasr.audio import AudioFormat, Samples, encode, read_audio
from rasr.audio.files import AudioPath
from rasr.client.connection import Connection
from rasr.client.errors import ConnectionLost
from rasr.protocol.messages import (
    Ended,
    EndReason,
    Error,
    Event,
    EventName,
    Result,
    ServerMessage,
    StartConfig,
    Started,
)

CHUNK_MS = 100
"""What SIS recommends for live feedback (50 to 1000 ms)."""


class Pace(StrEnum):
    REAL = "real"
    """As it would be spoken."""
    FAST = "fast"
    """As fast as the server takes it."""


class Clock(Protocol):
    """Time in seconds, from any beginning."""

    def now(self) -> float: ...

    async def sleep_until(self, at_s: float) -> None: ...


class LoopClock:
    """The clock of the running event loop."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep_until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self.now()))


async def chunks_of(
    blocks: Iterable[Samples], audio_format: AudioFormat, chunk_ms: int = CHUNK_MS
) -> AsyncGenerator[bytes, None]:
    """Samples at the format's rate, blocks of any size, as the chunks that a client sends.

    All chunks last `chunk_ms`, the last one what is left.
    """
    size = audio_format.sample_rate * chunk_ms // 1000
    kept: Samples = np.empty(0, np.int16)
    for block in blocks:
        kept = np.concatenate((kept, block))
        whole = len(kept) - len(kept) % size
        for start in range(0, whole, size):
            yield encode(kept[start : start + size], audio_format.encoding)
        kept = kept[whole:]
    if len(kept):
        yield encode(kept, audio_format.encoding)


def chunks_of_file(path: AudioPath, audio_format: AudioFormat) -> AsyncGenerator[bytes, None]:
    """The sound of a file of any kind, as the chunks that a client sends.

    Raises:
        AudioFileError: at the first chunk or at a later one.
    """
    return chunks_of(read_audio(path, audio_format.sample_rate), audio_format)


async def stream_recording(
    connection: Connection,
    config: StartConfig,
    chunks: AsyncGenerator[bytes, None],
    on_message: Callable[[ServerMessage], None],
    *,
    pace: Pace = Pace.REAL,
    clock: Clock | None = None,
    on_sent: Callable[[float], None] | None = None,
) -> None:
    """Play one round: START, the chunks, END, until the server's own END.

    Sending stops early where the server says that it takes no more.

    Args:
        on_message: called with each message of the round as it comes.
        on_sent: called after each chunk with the seconds of sound sent so far.

    Raises:
        RoundRefused: before anything of `chunks` was read.
        ConnectionLost: also where the server, shutting down, ended the round on its own.
        Exception: whatever `chunks` and the two callbacks raise.
    """
    await connection.start(config)
    cut_short = False
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(
                _send(connection, config.audio_format, chunks, pace, clock or LoopClock(), on_sent)
            )
            async for message in connection:
                on_message(message)
                match message:
                    case Event(event=EventName.VOICE_START | EventName.WARNING):
                        pass
                    case Event():
                        sending.cancel()
                        await connection.end()
                    case Error():
                        sending.cancel()
                    case Ended():
                        sending.cancel()
                        cut_short = message.reason is EndReason.NORMAL and not connection.end_sent
                    case Started() | Result():
                        pass
                    case _:
                        assert_never(message)
    except BaseExceptionGroup as group:
        # Two tasks, and the one that fails stops the other: there is one cause.
        raise group.exceptions[0] from None
    if cut_short:
        raise ConnectionLost("the server ended the round before it had all the sound")


async def _send(
    connection: Connection,
    audio_format: AudioFormat,
    chunks: AsyncGenerator[bytes, None],
    pace: Pace,
    clock: Clock,
    on_sent: Callable[[float], None] | None,
) -> None:
    began = clock.now()
    bytes_per_s = audio_format.sample_rate * audio_format.bytes_per_sample
    sent = 0
    try:
        # Closed at once where sending stops early: a microphone is not to listen on.
        async with aclosing(chunks):
            async for chunk in chunks:
                sent += len(chunk)
                if pace is Pace.REAL:
                    await clock.sleep_until(began + sent / bytes_per_s)
                await connection.send(chunk)
                if on_sent is not None:
                    on_sent(sent / bytes_per_s)
        await connection.end()
    except ConnectionLost:
        # The receiving side is told as well, after the messages that say why.
        pass
