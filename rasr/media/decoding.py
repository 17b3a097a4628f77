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
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, nullcontext
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
_END_S = 10.0
"""For it to be known how a process has ended: milliseconds, unless the machine is busy. What is not
known by then counts as ended from outside, and a file that is at fault would be decoded again."""
_FROM_OUTSIDE = (signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM)
"""Signals by which somebody ends a process, and which no file brings about."""
_WAIT_S = 20.0
"""For other files to be done with."""


class AudioTooLong(AudioFileError):
    """A file has more audio than it may have."""


class DecodingLate(Exception):
    """Nothing was decoded in time: the machine is busy. The text says with what."""


class DecodingUnavailable(Exception):
    """Files cannot be decoded now, by no fault of the file."""


class DecodingKilled(DecodingUnavailable):
    """The process of a file was ended by somebody else, as the kernel does where the machine has no
    memory left."""

    def __init__(self) -> None:
        super().__init__(
            "the process that decodes it was ended from outside, twice, as happens where the "
            "machine has no memory left"
        )


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
        order = Order(
            declared, SAMPLE_RATE, limits.processor_s, limits.memory_bytes, only_info=True
        )
        async with self._place(caller):
            async with aclosing(self._frames(file, order, limits)) as frames:
                kind, payload = await anext(frames)
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
            DecodingUnavailable: it cannot be decoded, by no fault of the file; `DecodingKilled`:
                somebody has ended its process, and the next one as well.
        """
        most = round(limits.audio_s * sample_rate) * 2
        order = Order(declared, sample_rate, limits.processor_s, limits.memory_bytes, channel)
        place = nullcontext() if unhurried else self._place(caller)
        async with place, aclosing(self._frames(file, order, limits)) as frames:
            async for kind, piece in frames:
                if kind == FrameKind.END:
                    return
                if kind != FrameKind.PIECE or not piece:
                    raise AudioFileError("the audio cannot be decoded")
                most -= len(piece)
                if most < 0:
                    raise AudioTooLong(
                        f"the audio is too long; allowed: {limits.audio_s:g} s in one call"
                    )
                yield piece

    async def _frames(
        self, file: IO[bytes], order: Order, limits: Limits
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        """Yield what is told of a file. Where its process is ended from outside, another one tells
        the rest: the same file is told of in the same frames."""
        told = 0
        # The caller may close his once he has the first piece.
        with os.fdopen(os.dup(file.fileno()), "rb", buffering=0) as kept:
            begin = kept.tell()
            for is_last in (False, True):
                kept.seek(begin)
                async with self._begun(kept) as decoder:
                    decoder.writer.write(order.encode())
                    try:
                        for _ in range(told):
                            await decoder.next_frame(limits)
                        while True:
                            frame = await decoder.next_frame(limits)
                            told += 1
                            yield frame
                    except DecodingKilled:
                        _log.warning("audio_file_process_killed", is_tried_again=not is_last)
                        if is_last:
                            raise

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
    async def _begun(self, file: IO[bytes]) -> AsyncIterator[_Decoder]:
        """A process that has this file. At the end it is over."""
        try:
            decoder = await self._begin(file)
        except DecodingUnavailable:
            # What begins others had ended, or hangs, and nobody knew. By now it is replaced.
            decoder = await self._begin(file)
        try:
            yield decoder
        finally:
            decoder.close()

    async def _begin(self, file: IO[bytes]) -> _Decoder:
        await self.start()
        requests = self._requests
        assert requests is not None, "it has just been started"
        async with AsyncExitStack() as stack:
            near, far = socket.socketpair()
            end, end_told = socket.socketpair()
            stack.callback(near.close)
            stack.callback(end.close)
            with far, end_told:
                try:
                    fds = [far.fileno(), file.fileno(), end_told.fileno()]
                    socket.send_fds(requests, [b"\0"], fds)
                except OSError as error:
                    self._give_up(requests)
                    raise DecodingUnavailable("the process that decodes files hangs") from error
            end.setblocking(False)
            reader, writer = await asyncio.open_unix_connection(sock=near)
            stack.callback(writer.close)
            try:
                async with asyncio.timeout(_BEGIN_S):
                    await reader.readexactly(HEAD.size)
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
                self._give_up(requests)
                raise DecodingUnavailable("no process could be begun for the file") from error
            stack.pop_all()
            return _Decoder(reader, writer, end)

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


class _Decoder:
    """A process that has a file, from the server's side."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: socket.socket
    ) -> None:
        """
        Args:
            end: tells how the process has ended.
        """
        self._reader = reader
        self.writer = writer
        self._end = end

    def close(self) -> None:
        """Let it end: it notices that nobody listens any more."""
        self.writer.close()
        self._end.close()

    async def next_frame(self, limits: Limits) -> tuple[int, bytes]:
        """The next frame that is no fault: its kind, and its payload.

        Raises:
            AudioFileError: the file is at fault.
            DecodingLate: it takes too long.
            DecodingKilled: somebody has ended the process.
        """
        reader = self._reader
        try:
            async with asyncio.timeout(limits.piece_s):
                kind, length = HEAD.unpack(await reader.readexactly(HEAD.size))
                if length > MOST_BYTES:
                    raise AudioFileError("the audio cannot be decoded")
                payload = await reader.readexactly(length)
        except TimeoutError:
            late = f"nothing of the audio was decoded in {limits.piece_s:g} s"
            raise DecodingLate(late) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            if await self._was_killed():
                raise DecodingKilled from None
            # The kernel has ended it, or the file has brought the decoder to its end.
            raise AudioFileError(
                f"the audio cannot be decoded within {limits.processor_s} s of processor time and "
                f"{limits.memory_bytes >> 20} MB of memory"
            ) from None
        if kind == FrameKind.FAULT:
            raise AudioFileError(payload.decode(errors="replace"))
        return kind, payload

    async def _was_killed(self) -> bool:
        """True where no fault of the file, and no bound, has ended it."""
        try:
            async with asyncio.timeout(_END_S):
                told = await asyncio.get_running_loop().sock_recv(self._end, 1)
        except (TimeoutError, ConnectionError):
            told = b""
        # Where nothing is told, whoever would tell it has been ended as well.
        return not told or told[0] in _FROM_OUTSIDE


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
