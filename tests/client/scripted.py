"""A server that does what a test tells it to, message by message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from rasr.wire.sis.codec import decode_client, encode_server
from rasr.wire.sis.messages import ClientMessage, End, ServerMessage, Start
from rasr.wire.sis.modes import Mode
from tests.client.values import CONFIG, STARTED, ended, final, partial


@dataclass
class Peer:
    """The server's end of one connection."""

    websocket: ServerConnection
    audio: bytes = b""
    """All that came so far."""
    chunks: list[int] = field(default_factory=list)
    """Their lengths."""

    async def send(self, *messages: ServerMessage) -> None:
        for message in messages:
            await self.websocket.send(encode_server(message))

    async def command(self) -> ClientMessage:
        """The next command; audio before it is kept."""
        async for data in self.websocket:
            if isinstance(data, str):
                return decode_client(data, Mode.CONTINUE)
            self.take(data)
        raise AssertionError("the client closed where a command was expected")

    async def start(self) -> Start:
        command = await self.command()
        assert isinstance(command, Start)
        return command

    async def end(self) -> End:
        command = await self.command()
        assert isinstance(command, End)
        return command

    async def hear(self, chunks: int) -> None:
        """Wait for so many chunks."""
        for _ in range(chunks):
            data = await self.websocket.recv()
            assert isinstance(data, bytes)
            self.take(data)

    def take(self, data: bytes) -> None:
        self.audio += data
        self.chunks.append(len(data))


Script = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def scripted(
    script: Script,
    refuse: Callable[[ServerConnection, Request], Response | None] | None = None,
) -> AsyncIterator[str]:
    """The URL of a server that plays `script` with each client. Its faults fail the test."""
    faults: list[BaseException] = []

    async def play(websocket: ServerConnection) -> None:
        try:
            await script(Peer(websocket))
        except AssertionError as fault:
            faults.append(fault)

    async with serve(
        play,
        "127.0.0.1",
        0,
        compression=None,
        process_request=refuse,
        # Closing waits for the client's answer, which stands behind audio that no script reads.
        max_queue=None,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"
    if faults:
        raise faults[0]


async def one_round(peer: Peer) -> None:
    """A round of two chunks, "ab" and "cd": a partial after them, a final after END."""
    assert await peer.start() == Start(CONFIG)
    await peer.send(STARTED)
    await peer.hear(2)
    await peer.send(partial("hel"))
    assert await peer.end() == End(cancel=False)
    assert peer.audio == b"abcd"
    await peer.send(final("hello"), ended())
