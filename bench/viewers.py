"""Viewers of a caption channel: the load process of `captions`.

`python -m bench.viewers URL NAME COUNT`: opens so many streams of events, says `ready`, and when
its standard input closes writes one line of JSON for each final: its number, and when each viewer
received it. Raw sockets, and nothing is parsed before the end: the load shares the cores with what
it measures. Times are of the clock that all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import uvloop

_FINAL = re.compile(rb'"id": (\d+),[^\n]*"final": true')
_AT_ONCE = 50
"""Connections being opened; more overflow the listener's queue."""


class _Viewer(asyncio.Protocol):
    """One stream."""

    def __init__(self, request: bytes) -> None:
        self.received: list[tuple[float, bytes]] = []
        self.answered = asyncio.Event()
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not registered as such.
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self.received.append((time.monotonic(), data))
        self.answered.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.answered.set()

    def finals(self) -> dict[int, float]:
        """When each final was there, whole."""
        out: dict[int, float] = {}
        rest = b""
        for at_s, data in self.received:
            # A chunk of HTTP may be cut anywhere, a line of JSON is whole when its end is there.
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                found = _FINAL.search(line)
                if found is not None:
                    out.setdefault(int(found[1]), at_s)
        return out


async def _watch(url: str, name: str, count: int) -> None:
    parts = urlsplit(url)
    request = f"GET /captions/{name}/events HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"{url!r} has no host and port")
    host, port = parts.hostname, parts.port
    loop = asyncio.get_running_loop()
    opening = asyncio.Semaphore(_AT_ONCE)
    viewers = [_Viewer(request) for _ in range(count)]

    async def open_one(viewer: _Viewer) -> None:
        async with opening:
            await loop.create_connection(lambda: viewer, host, port)
            await viewer.answered.wait()

    await asyncio.gather(*(open_one(viewer) for viewer in viewers))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    finals: dict[int, list[float]] = {}
    for viewer in viewers:
        for number, at_s in viewer.finals().items():
            finals.setdefault(number, []).append(at_s)
    for number, times in sorted(finals.items()):
        print(json.dumps({"number": number, "received_s": times}))


if __name__ == "__main__":
    uvloop.run(_watch(sys.argv[1], sys.argv[2], int(sys.argv[3])))
