"""A client that loses its connection when it is told to, and speaks the words of resuming itself.

It shares nothing with `rasr.client`, so that a mistake in there is noticed here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.processes import LONG_S

PROJECT = "0123456789abcdef0123456789abcdef"


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until it holds; the test's own time limit is the end of patience."""
    while not condition():  # noqa: ASYNC110, nobody tells
        await asyncio.sleep(0.005)


@dataclass
class RawClient:
    """One websocket."""

    socket: ClientConnection
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, **command: Any) -> None:
        await self.socket.send(json.dumps(command))

    async def start(self, **config: Any) -> dict[str, Any]:
        """Begin a round that survives this connection; what the answer offers."""
        defaults = {
            "audio_format": "pcm16k16bit",
            "property": "english_16k_common",
            "resume": "yes",
        }
        await self.say(command="START", config=defaults | config)
        answer = await self.next("START")
        offer: dict[str, Any] = answer["resume"]
        return offer

    async def resume(self, token: str, seq: int = 0) -> dict[str, Any]:
        """The answer to RESUME."""
        await self.say(command="RESUME", token=token, seq=seq)
        return await self.next("RESUMED", "ERROR")

    async def audio(self, data: bytes, chunk: int = 3200) -> None:
        for at in range(0, len(data), chunk):
            await self.socket.send(data[at : at + chunk])

    async def next(self, *kinds: str) -> dict[str, Any]:
        """The next message of these kinds; what comes before it is kept as well."""
        async with asyncio.timeout(LONG_S):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                self.messages.append(message)
                if message["resp_type"] in kinds:
                    return message

    async def heard(self, audio_bytes: int) -> None:
        """Wait until the server has acknowledged so much audio."""
        while max(self.acknowledged, default=0) < audio_bytes:
            await self.next("ACK")

    async def rest(self) -> int:
        """Read to the end of the connection; how it was closed."""
        async with asyncio.timeout(LONG_S):
            try:
                while True:
                    self.messages.append(json.loads(await self.socket.recv()))
            except ConnectionClosed as closed:
                return 1006 if closed.rcvd is None else closed.rcvd.code

    def break_off(self) -> None:
        """The connection is reset: nothing is said."""
        self.socket.transport.abort()

    @property
    def numbers(self) -> list[int]:
        """Of the messages that have one."""
        return [message["seq"] for message in self.messages if "seq" in message]

    @property
    def acknowledged(self) -> list[int]:
        """Bytes of audio, as the server has said one time after the other."""
        return [one["audio_bytes"] for one in self.messages if one["resp_type"] == "ACK"]

    @property
    def finals(self) -> list[str]:
        return [
            segment["result"]["text"]
            for message in self.messages
            for segment in message.get("segments", [])
            if segment["is_final"]
        ]


@asynccontextmanager
async def raw_client(
    url: str,
    path: str = "rasr/continue-stream",
    project: str = PROJECT,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[RawClient]:
    address = f"{url}/v1/{project}/{path}"
    async with connect(
        address,
        compression=None,
        proxy=None,
        open_timeout=LONG_S,
        ping_interval=None,
        additional_headers=headers,
    ) as socket:
        yield RawClient(socket)
