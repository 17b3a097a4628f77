"""Answers that may take minutes: plain ones that keep a client from giving up, and progress.

Clients take a silence of a minute or two for a broken connection. JSON may have blanks before it,
so a plain answer that is late begins with some. Who asks for server-sent events is told how far it
is instead.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from fastapi import Response
from starlette.types import Receive, Scope, Send

from rasr.asgi import ABORT
from rasr.tasks import given_up

PROMPT_S = 30.0
"""So long a plain answer may take and still have a status of its own."""
BLANK_S = 20.0
"""Between two blanks."""
TELL_S = 1.0
"""Between two events that tell how far it is."""

EVENT_STREAM = "text/event-stream"
_NO_STORE = (b"cache-control", b"no-store")

ErrorBody = Callable[[Exception], Mapping[str, Any]]
"""What a client is told of an error."""


class LateAnswer(Response):
    """The result of work, when it is there. A client that leaves gives the work up."""

    def __init__(self, work: asyncio.Future[bytes], error_body: ErrorBody) -> None:
        """
        Args:
            work: makes the body.
        """
        super().__init__(media_type="application/json")
        self._work = work
        self._error_body = error_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await _start(send, self.media_type)
            async for part in self._parts():
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except Exception as error:
            # Its status has been told. Whoever reads on finds the reason, and a connection that
            # breaks, so that nobody takes this for a result.
            await send(
                {
                    "type": "http.response.body",
                    "body": json.dumps(self._error_body(error)).encode(),
                    "more_body": True,
                }
            )
            scope.get("extensions", {}).get(ABORT, _nothing)()
        else:
            await send({"type": "http.response.body", "body": b""})
        finally:
            await given_up(self._work)

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        while not (await asyncio.wait({self._work}, timeout=BLANK_S))[0]:
            yield b" "
        yield self._work.result()


class ProgressAnswer(Response):
    """Events: `progress` each second, then `result` or `error`. A client that leaves gives the work
    up."""

    def __init__(
        self,
        work: asyncio.Future[bytes],
        progress: Callable[[], Mapping[str, Any]],
        error_body: ErrorBody,
    ) -> None:
        """
        Args:
            work: makes the result, a line of JSON.
            progress: how far it is.
        """
        super().__init__(media_type=EVENT_STREAM)
        self._work = work
        self._progress = progress
        self._error_body = error_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await _start(send, EVENT_STREAM)
            async with aclosing(self._events()) as events:
                async for name, data in events:
                    event = b"event: %b\ndata: %b\n\n" % (name, data)
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await given_up(self._work)

    async def _events(self) -> AsyncGenerator[tuple[bytes, bytes], None]:
        is_over = False
        while not is_over:
            yield b"progress", json.dumps(self._progress()).encode()
            is_over = bool((await asyncio.wait({self._work}, timeout=TELL_S))[0])
        try:
            result = self._work.result()
        except Exception as error:
            yield b"error", json.dumps(self._error_body(error)).encode()
        else:
            yield b"progress", json.dumps(self._progress()).encode()
            yield b"result", result


async def _start(send: Send, media_type: str | None) -> None:
    headers = [(b"content-type", (media_type or "").encode()), _NO_STORE]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def _nothing() -> None:
    """Stands in for an extension that the server beneath does not have."""
