"""A whole recording through one recognition: cut into chunks, sent at a pace, answered.

Owns the pace. A chunk is due when its last sample would have been spoken, counted from the start of
the recording and not from the chunk before, so that a late chunk does not make all later ones late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from enum import StrEnum
from typing import assert_never

import numpy as np

from rasr.audio import AudioFileError, AudioFormat, CompressedFormat, Samples, encode, read_audio
from rasr.audio.files import AudioPath
from rasr.client.clock import Clock, LoopClock
from rasr.client.errors import ConnectionLost
from rasr.client.session import Session
from rasr.wire.sis.messages import (
    Ended,
    EndReason,
    Error,
    Event,
    EventName,
    Result,
    ServerMessage,
    Started,
)

CHUNK_MS = 100
"""Length of a chunk of raw audio; SIS recommends 50 to 1000 ms for live feedback."""
COMPRESSED_CHUNK_BYTES = 4096
"""Length of a chunk of compressed audio, in bytes: about a second of Opus at 32 kbit/s."""


class Pace(StrEnum):
    """How fast a recording is sent."""

    REAL = "real"
    """As it would be spoken."""
    FAST = "fast"
    """As fast as the server takes it."""


async def chunks_of(
    blocks: Iterable[Samples], audio_format: AudioFormat, chunk_ms: int = CHUNK_MS
) -> AsyncGenerator[bytes, None]:
    """Samples as the chunks that a client sends, each of `chunk_ms` but the last one.

    Args:
        blocks: mono int16 at the rate of `audio_format`, shape (n,), any n.
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


def chunks_of_file(
    path: AudioPath, audio_format: AudioFormat | CompressedFormat
) -> AsyncGenerator[bytes, None]:
    """The audio of a file as the chunks that a client sends.

    For raw formats the file may be of any kind and is decoded here; for the others its bytes are
    sent as they are.

    Raises:
        AudioFileError: at the first chunk or at a later one.
    """
    match audio_format:
        case AudioFormat():
            return chunks_of(read_audio(path, audio_format.sample_rate), audio_format)
        case CompressedFormat():
            return _asynchronous(_bytes_of(path))
        case _:
            assert_never(audio_format)


async def _asynchronous(chunks: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk


def _bytes_of(path: AudioPath) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while chunk := file.read(COMPRESSED_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise AudioFileError(f"{path} cannot be opened: {error.strerror}") from error


async def stream_recording(
    session: Session,
    chunks: AsyncGenerator[bytes, None],
    on_message: Callable[[ServerMessage], None],
    *,
    pace: Pace = Pace.REAL,
    byte_rate: float | None = None,
    clock: Clock | None = None,
    on_sent: Callable[[float], None] | None = None,
) -> None:
    """Send the chunks and END in the recognition that is open, and read up to the server's END.

    Sending stops early where the server says that it takes no more.

    Args:
        on_message: called with each message of the recognition as it comes.
        byte_rate: bytes for each second of audio, for formats that do not say it; without it
            such audio has no pace but that of `chunks`, and `on_sent` is not called.
        on_sent: called after each chunk with the seconds of audio sent so far.

    Raises:
        ConnectionLost: also where the server, shutting down, ended the recognition on its own.
        Exception: whatever `chunks` and the two callbacks raise.
    """
    cut_short = False
    byte_rate = byte_rate or _byte_rate(session.config.audio_format)
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(
                _send(session, byte_rate, chunks, pace, clock or LoopClock(), on_sent)
            )
            async for message in session:
                on_message(message)
                match message:
                    case Event(event=EventName.VOICE_START | EventName.WARNING):
                        pass
                    case Event():
                        sending.cancel()
                        await session.end()
                    case Error():
                        sending.cancel()
                    case Ended():
                        sending.cancel()
                        cut_short = message.reason is EndReason.NORMAL and not session.end_sent
                    case Started() | Result():
                        pass
                    case _:
                        assert_never(message)
    except BaseExceptionGroup as group:
        # Two tasks, and the one that fails stops the other: there is one cause.
        raise group.exceptions[0] from None
    if cut_short:
        raise ConnectionLost("the server ended the recognition before it had all the sound")


async def _send(
    session: Session,
    byte_rate: float | None,
    chunks: AsyncGenerator[bytes, None],
    pace: Pace,
    clock: Clock,
    on_sent: Callable[[float], None] | None,
) -> None:
    began = clock.now()
    sent = 0
    try:
        # Closed at once where sending stops early: a microphone is not to listen on.
        async with aclosing(chunks):
            async for chunk in chunks:
                sent += len(chunk)
                if pace is Pace.REAL and byte_rate is not None:
                    await clock.sleep_until(began + sent / byte_rate)
                await session.send(chunk)
                if on_sent is not None and byte_rate is not None:
                    on_sent(sent / byte_rate)
        await session.end()
    except ConnectionLost:
        # The task that receives meets it as well, after the messages that say why.
        pass


def _byte_rate(audio_format: AudioFormat | CompressedFormat) -> int | None:
    if isinstance(audio_format, CompressedFormat):
        return None
    return audio_format.bytes_per_second
