"""One websocket of the application: from the ASGI scope to a driver and back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

ABORT = "rasr.abort"
"""Extension of the ASGI scope: a call that drops the connection. ASGI itself has none, and closing
in order waits for a peer that may never read. Where a server lacks it the kernel drops the peer a
minute later (`rasr.server.listener`)."""

_GONE = (WebSocketDisconnect, OSError, RuntimeError)
"""What Starlette raises on sending to a peer that is gone; RuntimeError once it has noticed."""


class AsgiSocket:
    """A Starlette websocket as `rasr.session.driver.Socket`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes | None:
        if self._websocket.client_state is WebSocketState.DISCONNECTED:
            return None
        message: dict[str, Any] = dict(await self._websocket.receive())
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        return text if text is not None else data

    async def send(self, text: str) -> None:
        # A peer that is gone is told by `receive`; there is nobody to send to.
        with suppress(*_GONE):
            await self._websocket.send_text(text)

    async def close(self, code: int, reason: str) -> None:
        with suppress(*_GONE):
            await self._websocket.close(code, reason)

    def abort(self) -> None:
        abort = self._websocket.scope.get("extensions", {}).get(ABORT)
        if abort is not None:
            abort()
