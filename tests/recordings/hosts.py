"""Hosts on loopback that do what a test wants, byte by byte, and names that lead to them."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rasr.recordings.addresses import Address
from rasr.recordings.connecting import Connector
from rasr.recordings.fetching import Fetcher, UrlSource
from rasr.recordings.policy import FetchPolicy
from rasr.settings import RecordingSettings

LOOPBACK = "127.0.0.1"


@dataclass
class Asked:
    """A request that a host got."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Host:
    """Answers one request after the other; the last answer is given again and again."""

    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Of connections that are open."""

    def url(self, path: str = "/a.wav", host: str = "files.example", scheme: str = "http") -> str:
        """A URL of it."""
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            method, path, _ = first.split(" ")
            headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append(Asked(method, path, headers, body))
            number = min(len(self.asked), len(self.answers)) - 1
            await self.answers[number](self.asked[-1], writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()


@asynccontextmanager
async def serving(*answers: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[Host]:
    """A host that gives these answers."""
    host = Host(list(answers))
    server = await asyncio.start_server(host.serve, LOOPBACK, 0, ssl=context)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for task in set(host.tasks):
            task.cancel()
        await asyncio.gather(*host.tasks, return_exceptions=True)


def saying(
    body: bytes = b"", status: str = "200 OK", announced: int | None = None, **headers: str
) -> Answer:
    """A response of which `announced` bytes are promised."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        length = len(body) if announced is None else announced
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {length}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return answer


def raw(content: bytes) -> Answer:
    """These bytes, whatever they are."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return answer


def ranged(body: bytes, most: int | None = None, tag: str = '"v1"') -> Answer:
    """Range and If-Range obeyed; the connection breaks after `most` bytes of the body."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        start = 0
        wanted = asked.headers.get("range")
        if wanted is not None and asked.headers.get("if-range") in (None, tag):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        rest = body[start:]
        sent = rest if most is None else rest[:most]
        where = f"bytes {start}-{len(body) - 1}/{len(body)}"
        await (
            saying(sent, "206 Partial Content", len(rest), ETag=tag, Content_Range=where)
            if start
            else saying(sent, "200 OK", len(rest), ETag=tag)
        )(asked, writer)

    return answer


def leading(location: str, status: str = "302 Found") -> Answer:
    """A redirect."""
    return saying(b"", status, Location=location)


def chunks(*parts: bytes, end: bool = True) -> Answer:
    """A body of parts, whose length is not told."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in parts:
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        if end:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    return answer


async def without_end(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """A body that goes on until nobody takes it."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        await writer.drain()


async def hanging(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Nothing, until the other side is gone."""
    await asyncio.Event().wait()


class Names:
    """Names and what they lead to; what comes next at each question, then the last again."""

    def __init__(self, **addresses: Sequence[Sequence[str]]) -> None:
        self.addresses: dict[str, list[Sequence[str]]] = {
            "files.example": [[LOOPBACK]],
            "other.example": [[LOOPBACK]],
            **{name.replace("_", "."): list(found) for name, found in addresses.items()},
        }
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        found = self.addresses[host]
        texts = found.pop(0) if len(found) > 1 else found[0]
        return [ipaddress.ip_address(text) for text in texts]


@dataclass
class Waits:
    """How long was waited between tries; nobody waits."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def settings(**changed: object) -> RecordingSettings:
    """Settings that let this machine be asked by the name of its hosts."""
    return RecordingSettings.model_validate({"allowed_hosts": (LOOPBACK,), **changed})


def fetcher(
    of: RecordingSettings,
    names: Names | None = None,
    waits: Waits | None = None,
    context: ssl.SSLContext | None = None,
) -> Fetcher:
    """A fetcher that resolves names here and never waits."""
    return Fetcher(of, Connector(names or Names(), context), waits or Waits())


def source(url: str, of: RecordingSettings) -> UrlSource:
    """The recording at a URL, under the policy of the settings."""
    policy = FetchPolicy.of(of)
    return UrlSource(policy.read(url, "data_url"), policy)
