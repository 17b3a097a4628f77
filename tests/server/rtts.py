"""A stand-in for the official SDK's client of real-time synthesis: as strict as it.

It sends one START and waits for END. It takes binary frames at any time after
START, needs a `trace_id` in every message, and knows no `resp_type` but START, END and the two of
errors; RESULT it takes only where the test has asked for subtitles, which the SDK cannot.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.processes import LONG_S
from tests.server.sdk import PROJECT

PATH = f"/v1/{PROJECT}/rtts"
DEFAULTS = {
    "audio_format": "pcm",
    "sample_rate": "8000",
    "property": "chinese_xiaoyan_common",
    "speed": 0,
    "pitch": 0,
    "volume": 50,
}
"""What the SDK sends."""


def start(text: Any, **config: Any) -> str:
    """The frame that asks for a text."""
    return json.dumps({"command": "START", "text": text, "config": DEFAULTS | config})


@dataclass
class RttsClient:
    """One connection. Everything received is in `messages` and `sound`, in order."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    """Of all that came: a message by its kind, a frame as "sound"."""

    async def __aenter__(self) -> Self:
        self.socket: ClientConnection = await connect(
            self.url + PATH,
            compression=None,
            proxy=None,
            open_timeout=LONG_S,
            additional_headers=self.headers,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.socket.close()

    async def say(self, text: Any, **config: Any) -> bytes:
        """The sound of a text, all of it."""
        await self.socket.send(start(text, **config))
        while await self.receive() not in ("END", "ERROR", "FATAL_ERROR"):
            pass
        return b"".join(self.frames)

    async def error(self, frame: str | bytes) -> tuple[str, str]:
        """Code and sentence of the error that answers a frame."""
        await self.socket.send(frame)
        while await self.receive() not in ("ERROR", "FATAL_ERROR"):
            pass
        return self.messages[-1]["error_code"], self.messages[-1]["error_msg"]

    async def receive(self) -> str:
        """What comes next."""
        async with asyncio.timeout(LONG_S):
            came = await self.socket.recv()
        if isinstance(came, bytes):
            assert "START" in self.order, "the SDK is not ready for sound"
            self.frames.append(came)
            self.order.append("sound")
            return "sound"
        message = json.loads(came)
        message["trace_id"]  # KeyError, as in the SDK
        assert message["resp_type"] in ("START", "END", "ERROR", "FATAL_ERROR", "RESULT")
        self.messages.append(message)
        self.order.append(message["resp_type"])
        return str(message["resp_type"])

    async def closed(self) -> int | None:
        """The close code, once the server has closed."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed:
            return self.socket.close_code

    @property
    def words(self) -> list[dict[str, Any]]:
        """Of all RESULTs."""
        return [word for one in self.messages for word in one.get("result", ())]
