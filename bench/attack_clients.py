"""Clients that want to do harm, each in one way: what the verbs `attack` and `soak` let loose.

An attack is a coroutine that is given the address of a server and a time. It stops by itself, and
says what came of it. All of it goes to loopback: `check_loopback` refuses any other address.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from socket import SO_SNDBUF, SOL_SOCKET
from urllib.parse import urlsplit

import click
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode

from rasr.client import Mode, address_of

Attack = Callable[[str, float], Awaitable[str]]
"""The server's address, and for how long at most, s → what came of it."""

_ANSWER_S = 5.0
"""An answer that takes longer counts as none."""
_LEAVE_S = 0.5
_MIB = 1 << 20
_UNSENT_BYTES = 32 << 10


def check_loopback(url: str) -> None:
    """Refuse an address of another machine.

    Raises:
        click.UsageError: it is one.
    """
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise click.UsageError(f"--url: {url} is another machine; attacks are for this one alone")


# What a client is made of


class _Raw:
    """A connection that writes bytes by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send_until(self, data: bytes, until: float) -> bool:
        """Write; False if the other side does not take it in time, or has closed."""
        try:
            self.writer.write(data)
            async with asyncio.timeout_at(until):
                await self.writer.drain()
        except (OSError, TimeoutError):
            return False
        return not self.reader.at_eof()

    async def answer(self) -> str:
        """What comes first: the status of an answer, or how there is none."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                line = await self.reader.readline()
        except TimeoutError:
            return "no answer"
        except OSError:
            return "reset"
        return line.decode(errors="replace").partition(" ")[2].strip()[:3] or "closed"


@asynccontextmanager
async def _raw(url: str) -> AsyncIterator[_Raw]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    # What this machine's kernel holds has not been taken by the server.
    connection = writer.get_extra_info("socket")
    connection.setsockopt(SOL_SOCKET, SO_SNDBUF, _UNSENT_BYTES)
    try:
        yield _Raw(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def _session(url: str, audio_format: str = "pcm16k16bit") -> AsyncIterator[ClientConnection]:
    """A recognition that has begun."""
    socket = await connect(
        address_of(url, Mode.CONTINUE, "attack"),
        compression=None,
        proxy=None,
        ping_interval=None,
        max_size=None,
    )
    try:
        await socket.send(_start(audio_format))
        await socket.recv()
        yield socket
    finally:
        # Closing in order would wait until the server has taken what was sent.
        socket.transport.abort()


def _start(audio_format: str, **fields: object) -> str:
    config = {"audio_format": audio_format, "property": "english_16k_common"} | fields
    return json.dumps({"command": "START", "config": config})


def _path(url: str) -> str:
    return urlsplit(address_of(url, Mode.CONTINUE, "attack")).path


def _handshake(url: str, extra: str = "") -> bytes:
    return (
        f"GET {_path(url)} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extra}\r\n"
    ).encode()


def _frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


async def _crowd(count: int, one: Callable[[], Awaitable[str]]) -> str:
    """Several of the same at once; what came, counted."""

    async def guarded() -> str:
        try:
            return await one()
        except (OSError, TimeoutError, WebSocketException) as error:
            return type(error).__name__

    outcomes = Counter(await asyncio.gather(*(guarded() for _ in range(count))))
    return ", ".join(f"{number} × {what}" for what, number in outcomes.most_common())


@contextmanager
def _until(seconds: float) -> Iterator[float]:
    """A time of the loop's clock, with errors of connections that it ends forgiven."""
    with contextlib.suppress(OSError, TimeoutError, WebSocketException):
        yield asyncio.get_running_loop().time() + seconds


def _now() -> float:
    return asyncio.get_running_loop().time()


# Audio


async def wav_of_tiny_chunks(url: str, seconds: float) -> str:
    """A WAV header, then a message of 1 MiB of chunks of eight bytes."""
    head = b"RIFF" + struct.pack("<I", 0xFFFFFFF0) + b"WAVE"
    head += b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    chunks = (b"junk" + struct.pack("<I", 0)) * (_MIB // 8 - 64)
    sent = 0
    with _until(seconds) as until:
        async with _session(url) as socket:
            await socket.send(head)
            while _now() < until:
                await asyncio.wait_for(socket.send(chunks), until - _now())
                sent += 1
    return f"{sent} messages taken"


async def opus_of_tiny_packets(url: str, seconds: float) -> str:
    """Thirty connections send Ogg with packets of one byte that last 120 ms each."""
    page = _tiny_opus_page

    async def one() -> str:
        sent_s = 0.0
        with _until(seconds) as until:
            async with _session(url, "ogg-opus") as socket:
                await socket.send(_opus_head())
                number = 2
                while _now() < until:
                    data = b"".join(page(number + at) for at in range(2))
                    number += 2
                    await asyncio.wait_for(socket.send(data), until - _now())
                    sent_s += 2 * 255 * 0.12
        return f"{sent_s / 60:.0f} min of audio taken"

    return await _crowd(30, one)


def _opus_head() -> bytes:
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 312, 16000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)
    return _ogg(0, [head], flags=2) + _ogg(1, [tags])


def _tiny_opus_page(number: int) -> bytes:
    # Configuration 3 (SILK, 60 ms), code 1: two frames of the same size, which is none.
    return _ogg(number, [bytes([3 << 3 | 1])] * 255)


def _ogg(number: int, packets: list[bytes], flags: int = 0) -> bytes:
    lacing = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in packets)
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, 0, 1, number, 0, len(lacing))
    return head + lacing + b"".join(packets)


async def loud_messages_of_ulaw(url: str, seconds: float) -> str:
    """Eight connections send messages of 1 MiB of µ-law, 131 s each, as fast as they are taken."""
    noise = bytes(range(256)) * (_MIB // 256)

    async def one() -> str:
        sent = 0
        with _until(seconds) as until:
            async with _session(url, "ulaw8k8bit") as socket:
                while _now() < until:
                    await asyncio.wait_for(socket.send(noise), until - _now())
                    sent += 1
        return f"{sent} messages taken"

    return await _crowd(8, one)


# Frames


async def _frames(url: str, seconds: float, frames: bytes, count: int) -> str:
    async def one() -> str:
        sent = 0
        with _until(seconds) as until:
            async with _raw(url) as raw:
                await raw.send_until(_handshake(url), until)
                await raw.reader.readuntil(b"\r\n\r\n")
                await raw.send_until(_frame(Opcode.TEXT, _start("pcm16k16bit").encode()), until)
                while _now() < until and await raw.send_until(frames, until):
                    sent += len(frames)
        return f"{sent / 1e6:.0f} MB taken"

    return await _crowd(count, one)


async def frames_of_a_byte(url: str, seconds: float) -> str:
    """Eight connections send binary frames of one byte or none, as fast as they are taken."""
    frames = (_frame(Opcode.BINARY, b"a") + _frame(Opcode.BINARY, b"")) * 1000
    return await _frames(url, seconds, frames, 8)


async def unread_pings(url: str, seconds: float) -> str:
    """Three connections send pings and read nothing."""
    return await _frames(url, seconds, _frame(Opcode.PING, bytes(125)) * 1000, 3)


async def fragments_of_a_byte(url: str, seconds: float) -> str:
    """A message that never ends, in fragments of a byte."""
    first = _frame(Opcode.BINARY, b"a", fin=False)
    rest = _frame(Opcode.CONT, b"a", fin=False) * 1000
    sent = 0
    with _until(seconds) as until:
        async with _raw(url) as raw:
            await raw.send_until(_handshake(url), until)
            await raw.reader.readuntil(b"\r\n\r\n")
            await raw.send_until(first, until)
            while _now() < until and await raw.send_until(rest, until):
                sent += 1000
    return f"{sent} fragments taken"


# HTTP


async def odd_handshakes(url: str, seconds: float) -> str:
    """Handshakes with a long header, many headers, a long path and a body."""
    long_path = _handshake(url).replace(b" HTTP", b"/" + b"a" * 40_000 + b" HTTP", 1)
    odd = {
        "header of 9 kB": _handshake(url, f"X-Auth-Token: {'t' * 9000}\r\n"),
        "header of 40 kB": _handshake(url, f"X-Auth-Token: {'t' * 40_000}\r\n"),
        "150 headers": _handshake(url, "".join(f"X-{n}: 1\r\n" for n in range(150))),
        "long path": long_path,
        "body": _handshake(url, "Content-Length: 2\r\n") + b"hi",
    }

    async def one(request: bytes) -> str:
        try:
            async with _raw(url) as raw:
                await raw.send_until(request, _now() + seconds)
                return await raw.answer()
        except OSError as error:
            return type(error).__name__

    answers = await asyncio.gather(*(one(request) for request in odd.values()))
    return ", ".join(f"{what}: {answer}" for what, answer in zip(odd, answers, strict=True))


async def endless_headers(url: str, seconds: float) -> str:
    """A request whose headers do not end."""
    line = b"X-Header: " + b"a" * 1000 + b"\r\n"
    sent, answer = 0, "cut off"
    with _until(seconds) as until:
        async with _raw(url) as raw:
            await raw.send_until(b"GET / HTTP/1.1\r\nHost: localhost\r\n", until)
            while _now() < until and await raw.send_until(line * 100, until):
                sent += 100 * len(line)
            answer = await raw.answer()
    return f"{sent / 1e6:.1f} MB taken, then {answer}"


async def silent_connections(url: str, seconds: float) -> str:
    """Three hundred connections that say nothing: who is still there at the end?"""
    async with contextlib.AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(_raw(url)) for _ in range(300)]
        await asyncio.sleep(seconds)
        there = sum(not one.reader.at_eof() for one in silent)
    return f"{there} of 300 still open after {seconds:.0f} s"


async def unread_requests(url: str, seconds: float) -> str:
    """Requests for `/metrics`, one behind the other, whose answers nobody reads."""
    requests = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
    sent = 0
    with _until(seconds) as until:
        async with _raw(url) as raw:
            transport = raw.writer.transport
            assert isinstance(transport, asyncio.Transport), "it is read as well"
            transport.pause_reading()
            while _now() < until and await raw.send_until(requests, until):
                sent += 100
    return f"{sent} requests taken"


async def hostile_subtitles(url: str, seconds: float) -> str:
    """Subtitles of 800 segments of 9,800 letters without a space, asked for by one who leaves."""
    segment = {"text": "a" * 9800, "start_time": 0, "end_time": 1000}
    body = json.dumps({"segments": [segment] * 800}).encode()
    head = (
        "POST /subtitles/vtt HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    answer = "cut off"
    with _until(seconds) as until:
        async with _raw(url) as raw:
            await raw.send_until(head + body, until)
            answer = await raw.answer()
    return answer


# Messages


async def starts_and_ends(url: str, seconds: float) -> str:
    """START and END by turns on one connection, while another one speaks."""
    rounds = 0
    begun = time.monotonic()
    with _until(seconds) as until:
        async with _session(url), _session(url) as socket:
            while _now() < until:
                await socket.send('{"command":"END"}')
                while json.loads(await asyncio.wait_for(socket.recv(), 5))["resp_type"] != "END":
                    pass
                await socket.send(_start("pcm16k16bit"))
                await asyncio.wait_for(socket.recv(), 5)
                rounds += 1
    return f"{rounds / (time.monotonic() - begun):.0f} recognitions a second"


async def deep_starts(url: str, seconds: float) -> str:
    """Messages of text of 1 MiB: nested lists, long lists of hot words, numbers of many digits."""
    config = {"audio_format": "pcm16k16bit", "property": "english_16k_common"}
    words = [f"word{n}" for n in range(100_000)]
    texts = [
        "[" * (_MIB - 1),
        '{"a":' * (_MIB // 6),
        json.dumps({"command": "START", "config": config | {"user_words": words}}),
        '{"command":"START","config":{"vad_tail":' + "9" * 1_000_000 + "}}",
        json.dumps({f"k{n}": n for n in range(60_000)}),
    ]

    async def one(text: str) -> str:
        answer = "closed"
        with _until(seconds) as until:
            async with connect(
                address_of(url, Mode.CONTINUE, "attack"),
                compression=None,
                proxy=None,
                close_timeout=_LEAVE_S,
            ) as socket:
                await socket.send(text)
                message = await asyncio.wait_for(socket.recv(), until - _now())
                answer = str(json.loads(message)["resp_type"])
        return answer

    return ", ".join([await one(text) for text in texts])


ATTACKS: dict[str, Attack] = {
    "WAV of tiny chunks": wav_of_tiny_chunks,
    "Opus of tiny packets": opus_of_tiny_packets,
    "messages of 131 s": loud_messages_of_ulaw,
    "frames of a byte": frames_of_a_byte,
    "unread pings": unread_pings,
    "fragments of a byte": fragments_of_a_byte,
    "odd handshakes": odd_handshakes,
    "endless headers": endless_headers,
    "silent connections": silent_connections,
    "unread requests": unread_requests,
    "hostile subtitles": hostile_subtitles,
    "STARTs and ENDs": starts_and_ends,
    "hostile STARTs": deep_starts,
}
"""By the names that a report gives them."""
