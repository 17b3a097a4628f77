"""A stand-in for the official Python SDK: as strict as it, about the same things.

What it demands is written down in the specification, section 3.10: a `trace_id` on every message,
no `resp_type` that it does not know, START and END answered, text only. Within which time they are
is for benchmarks to say.

It shares nothing with `rasr.client` on purpose: that client and the server have one codec, so that
a mistake in it would be made at both ends and noticed at neither.
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

PROJECT = "0123456789abcdef0123456789abcdef"


class SdkError(Exception):
    """What the SDK would throw."""


@dataclass
class SdkClient:
    """One connection. Everything received is in `messages`, in order."""

    url: str
    path: str = "rasr/continue-stream"
    messages: list[dict[str, Any]] = field(default_factory=list)
    state: str = "connected"

    async def __aenter__(self) -> Self:
        self._changed = asyncio.Condition()
        self._socket: ClientConnection = await connect(
            f"{self.url}/v1/{PROJECT}/{self.path}",
            compression=None,
            proxy=None,
            open_timeout=LONG_S,
            additional_headers={"content-length": "0"},
            origin="http://127.0.0.1",  # type: ignore[arg-type]
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._socket.close()
        await self._reader

    async def start(self, **config: Any) -> None:
        if self.state not in ("connected", "ended"):
            raise SdkError(f"status {self.state} can't send start")
        defaults = {
            "audio_format": "pcm16k16bit",
            "property": "english_16k_common",
            "add_punc": "no",
            "digit_norm": "yes",
            "vad_head": 10000,
            "vad_tail": 500,
            "max_seconds": 30,
            "interim_results": "no",
            "vad_threshold": 0,
            "need_word_info": "no",
        }
        self.state = "starting"
        await self._socket.send(json.dumps({"command": "START", "config": defaults | config}))
        await self._wait_while("starting")

    async def audio(self, data: bytes, chunk: int = 4000) -> None:
        if self.state not in ("started", "ended"):
            raise SdkError(f"status {self.state} can't send binary data")
        for at in range(0, len(data), chunk):
            await self._socket.send(data[at : at + chunk])

    async def end(self) -> None:
        if self.state == "ended":
            return
        if self.state == "error":
            raise SdkError("status error can't send end")
        self.state = "ending"
        await self._socket.send('{"command": "END", "cancel": "false"}')
        await self._wait_while("ending")

    async def text(self, text: str) -> None:
        await self._socket.send(text)

    async def until(self, resp_type: str) -> dict[str, Any]:
        """The first message of this kind that was not asked for before."""
        async with asyncio.timeout(LONG_S), self._changed:
            while True:
                for message in self.messages:
                    if message["resp_type"] == resp_type and "seen" not in message:
                        message["seen"] = True
                        return message
                await self._changed.wait()

    async def closed(self) -> int:
        """The close code, once the server has closed."""
        async with asyncio.timeout(LONG_S):
            await self._reader
        assert self._socket.close_code is not None
        return self._socket.close_code

    @property
    def told(self) -> list[str]:
        """Each message in a word or two."""
        return [_short(message) for message in self.messages]

    @property
    def finals(self) -> list[dict[str, Any]]:
        return [
            segment
            for message in self.messages
            for segment in message.get("segments", [])
            if segment["is_final"]
        ]

    @property
    def text_of_finals(self) -> str:
        return " ".join(segment["result"]["text"] for segment in self.finals)

    async def _wait_while(self, state: str) -> None:
        async with asyncio.timeout(LONG_S), self._changed:
            await self._changed.wait_for(lambda: self.state != state)

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                assert isinstance(text, str), "the SDK would parse a binary frame as JSON"
                message = json.loads(text)
                message["trace_id"]  # KeyError, as in the SDK
                async with self._changed:
                    self.messages.append(message)
                    self._follow(message["resp_type"])
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        async with self._changed:
            if self.state in ("starting", "ending"):
                self.state = "error"
            self._changed.notify_all()

    def _follow(self, resp_type: str) -> None:
        match resp_type:
            case "START":
                self.state = "started"
            case "END":
                self.state = "ended"
            case "ERROR" | "FATAL_ERROR":
                self.state = "error"
            case "RESULT" | "EVENT":
                pass
            case other:
                raise AssertionError(f"the SDK does not know {other}")


def _short(message: dict[str, Any]) -> str:
    match message["resp_type"]:
        case "RESULT":
            (segment,) = message["segments"]
            return "final" if segment["is_final"] else "partial"
        case "EVENT":
            return str(message["event"])
        case "ERROR" | "FATAL_ERROR" as kind:
            return f"{kind} {message['error_code']}"
        case "END":
            return f"END {message['reason']}"
        case other:
            return str(other)
