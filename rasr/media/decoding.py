"""Decoding files in processes of their own, from the server's side.

FFmpeg reads what strangers send, so it does not do so in the server. Each file has a process that
the kernel bounds in processor time and memory, that has no other file, and that ends with its call.
What it decodes comes piece by piece, no faster than it is taken: a recording of five hours costs no
more memory than one of a minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import IO

import structlog

from rasr.audio import SAMPLE_RATE, AudioFileError, AudioInfo, FileFormat
from rasr.media.frames import HEAD, MOST_BYTES, FrameKind, Order
from rasr.media.places import Places
from rasr.media.worker import fork_for_each
from rasr.scheduling import ChildProcess, WorkerDied
from rasr.tasks import watched

_log = structlog.get_logger("rasr.media")

_BEGIN_S = 10.0
"""For a process to begin; it takes milliseconds."""
_WARM_S = 2.0
"""After the start of a server, which has enough to do until then."""
_WAIT_S = 20.0
"""For other files to be done with."""


class AudioTooLong(AudioFileError):
    """A file has more audio than it may have."""


class DecodingLate(Exception):
    """Nothing was decoded in time: the machine is busy. The text says with what."""


class DecodingUnavailable(Exception):
    """Files cannot be decoded now, by no fault of the file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may have and take."""

    audio_s: float
    """Seconds of audio."""
    processor_s: int = 3
    """Time of a core. A minute of any codec takes less than 0.3 s."""
    memory_bytes: int = 256 << 20
    """Beside what a process has when it begins."""
    piece_s: float = 15.0
    """To the next piece, two seconds of audio."""


class AudioFiles:
    """Decodes files, some at a time. One serves a whole server."""

    def __init__(self, at_once: int) -> None:
        """
        Args:
            at_once: files that are decoded at the same time; more wait.
        """
        self._process = ChildProcess("audio-files")
        """Begins the others."""
        self._requests: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._warming: asyncio.Task[None] | None = None
        self._places = Places(at_once)

    async def start(self) -> None:
        """Load what decodes, unless it is loaded: half a second that the first file need not wait.

        Raises:
            DecodingUnavailable: it cannot be had.
        """
        async with self._starting:
            if self._requests is not None:
                return
            near, far = socket.socketpair()
            with far:
                try:
                    await self._process.start(fork_for_each, far, died=self._died)
                except (WorkerDied, OSError) as error:
                    near.close()
                    raise DecodingUnavailable("the process that decodes files ended") from error
                except BaseException:
                    near.close()
                    raise
            near.setblocking(False)
            self._requests = near

    def warm(self) -> None:
        """Load what decodes in a moment, so that the first file finds it."""
        self._warming = watched(self._warm(), name="warm-audio-files")

    async def _warm(self) -> None:
        await asyncio.sleep(_WARM_S)
        try:
            await self.start()
        except DecodingUnavailable as error:
            # The first file tries again.
            _log.warning("audio_files_not_loaded", reason=str(error))

    @property
    def process_id(self) -> int | None:
        """Of the process that begins the others; None where there is none."""
        return self._process.pid

    def close(self) -> None:
        """Decode no more. Files that are being decoded go on until their calls end."""
        if self._warming is not None:
            self._warming.cancel()
        self._process.stop()
        self._forget()

    async def info(
        self, file: IO[bytes], declared: FileFormat, limits: Limits, caller: str = ""
    ) -> AudioInfo:
        """What a file says of its audio; nothing of it is decoded.

        Args:
            file: see `pieces`. Whoever decodes it next opens it anew: its position has moved.
            caller: see `pieces`.

        Raises:
            AudioFileError, DecodingLate, DecodingUnavailable: see `pieces`.
        """
        async with self._place(caller), self._begun(file) as (reader, writer):
            order = Order(
                declared, SAMPLE_RATE, limits.processor_s, limits.memory_bytes, only_info=True
            )
            writer.write(order.encode())
            kind, payload = await _next_frame(reader, limits)
            try:
                values = json.loads(payload if kind == FrameKind.INFO else b"null")
                return AudioInfo(
                    None if values["duration_s"] is None else float(values["duration_s"]),
                    int(values["sample_rate"]),
                    int(values["channels"]),
                )
            except (TypeError, ValueError, KeyError, OverflowError) as error:
                raise AudioFileError("the audio cannot be decoded") from error

    async def pieces(
        self,
        file: IO[bytes],
        declared: FileFormat,
        sample_rate: int,
        limits: Limits,
        caller: str = "",
        *,
        channel: int | None = None,
        unhurried: bool = False,
    ) -> AsyncGenerator[bytes, None]:
        """Yield the audio of a file as mono int16 samples, little-endian, piece by piece.

        Close the iterator to give the file up.

        Args:
            file: seekable, with a descriptor. It is read by another process, and may be closed here
                once the first piece has come.
            sample_rate: Hz of the samples.
            caller: whose it is; of those who wait, callers with fewer files go first.
            channel: the one to decode, counted from 0; None for the mean of all.
            unhurried: pieces are taken as slowly as they are recognised, which may be for minutes.
                Such a file takes no place from those that are read at once; whoever reads it says
                how many there are.

        Raises:
            AudioFileError: the file is not what it is declared to be, cannot be read, has too much
                audio (`AudioTooLong`), or takes more than it may.
            DecodingLate: it takes too long, by no fault of the file.
            DecodingUnavailable: it cannot be decoded, by no fault of the file.
        """
        most = round(limits.audio_s * sample_rate) * 2
        place = nullcontext() if unhurried else self._place(caller)
        async with place, self._begun(file) as (reader, writer):
            order = Order(declared, sample_rate, limits.processor_s, limits.memory_bytes, channel)
            writer.write(order.encode())
            while piece := await _next_piece(reader, limits):
                most -= len(piece)
                if most < 0:
                    raise AudioTooLong(
                        f"the audio is too long; allowed: {limits.audio_s:g} s in one call"
                    )
                yield piece

    @asynccontextmanager
    async def _place(self, caller: str) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(_WAIT_S):
                    await held.enter_async_context(self._places.place(caller))
            except TimeoutError:
                raise DecodingLate("too many files are being decoded") from None
            yield

    @asynccontextmanager
    async def _begun(
        self, file: IO[bytes]
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """The two directions of a process that has this file. At the end it is over."""
        try:
            reader, writer = await self._begin(file)
        except DecodingUnavailable:
            # What begins others had ended, or hangs, and nobody knew. By now it is replaced.
            reader, writer = await self._begin(file)
        try:
            yield reader, writer
        finally:
            # The process notices that nobody listens any more.
            writer.close()

    async def _begin(self, file: IO[bytes]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await self.start()
        requests = self._requests
        assert requests is not None, "it has just been started"
        near, far = socket.socketpair()
        with far:
            try:
                socket.send_fds(requests, [b"\0"], [far.fileno(), file.fileno()])
            except OSError as error:
                near.close()
                self._give_up(requests)
                raise DecodingUnavailable("the process that decodes files hangs") from error
        reader, writer = await asyncio.open_unix_connection(sock=near)
        try:
            async with asyncio.timeout(_BEGIN_S):
                await reader.readexactly(HEAD.size)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            writer.close()
            self._give_up(requests)
            raise DecodingUnavailable("no process could be begun for the file") from error
        except BaseException:
            writer.close()
            raise
        return reader, writer

    def _give_up(self, requests: socket.socket) -> None:
        """Whoever comes next gets another process that begins others, unless there is one already.

        Args:
            requests: of the one that is of no use.
        """
        if self._requests is requests:
            self._process.kill()
            self._forget()

    def _died(self) -> None:
        _log.error("audio_files_process_died")
        self._forget()

    def _forget(self) -> None:
        if self._requests is not None:
            self._requests.close()
            self._requests = None


async def _next_piece(reader: asyncio.StreamReader, limits: Limits) -> bytes:
    """The next piece of audio; empty at the end."""
    match await _next_frame(reader, limits):
        case FrameKind.PIECE, payload if payload:
            return payload
        case FrameKind.END, _:
            return b""
        case _:
            raise AudioFileError("the audio cannot be decoded")


async def _next_frame(reader: asyncio.StreamReader, limits: Limits) -> tuple[int, bytes]:
    """The next frame that is no fault: its kind, and its payload."""
    try:
        async with asyncio.timeout(limits.piece_s):
            kind, length = HEAD.unpack(await reader.readexactly(HEAD.size))
            if length > MOST_BYTES:
                raise AudioFileError("the audio cannot be decoded")
            payload = await reader.readexactly(length)
    except TimeoutError:
        raise DecodingLate(f"nothing of the audio was decoded in {limits.piece_s:g} s") from None
    except (asyncio.IncompleteReadError, ConnectionError):
        # The kernel has ended it, or the file has brought the decoder to its end.
        raise AudioFileError(
            f"the audio cannot be decoded within {limits.processor_s} s of processor time and "
            f"{limits.memory_bytes >> 20} MB of memory"
        ) from None
    if kind == FrameKind.FAULT:
        raise AudioFileError(payload.decode(errors="replace"))
    return kind, payload


def file_of(data: bytes) -> IO[bytes]:
    """Bytes as a file that another process can read."""
    if sys.platform == "linux":
        file: IO[bytes] = os.fdopen(os.memfd_create("audio"), "w+b", buffering=0)
    else:
        # The same, by a file that has no name.
        file = os.fdopen(_nameless(), "w+b", buffering=0)
    file.write(data)
    file.seek(0)
    return file


def _nameless() -> int:
    descriptor, name = tempfile.mkstemp()
    os.unlink(name)
    return descriptor
