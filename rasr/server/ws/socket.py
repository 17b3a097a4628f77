"""One websocket of the application: from ASGI's messages to a connection and back.

It speaks ASGI itself: a framework's websocket object costs as much for each message as the work on
it does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from rasr.asgi import ABORT, GONE

_CLOSED_ON_PURPOSE = (1000, 1001)
"""By a client that has all it wants, and by the browser of a person who leaves the page."""


class AsgiSocket:
    """A websocket as `rasr.runtime.place.Peer`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._gone = False
        self.left_for_good = False
        """True if the peer has closed in order, as one does who does not mean to come back."""

    async def accept(self, subprotocol: str | None = None) -> None:
        """Complete the handshake.

        Args:
            subprotocol: is chosen if the peer offers it.
        """
        await self._receive()  # websocket.connect
        offered = subprotocol in self._scope.get("subprotocols", ())
        chosen = subprotocol if offered else None
        await self._send({"type": "websocket.accept", "subprotocol": chosen})

    async def refuse(
        self, status: int, body: Mapping[str, str], more: Mapping[str, str] | None = None
    ) -> None:
        """Answer the handshake with HTTP and a JSON body, as a gateway does.

        Args:
            more: headers of the answer.
        """
        await self._receive()
        headers = [(b"content-type", b"application/json")]
        headers += [(name.encode(), value.encode()) for name, value in (more or {}).items()]
        content = json.dumps(body).encode()
        await self._send(
            {"type": "websocket.http.response.start", "status": status, "headers": headers}
        )
        await self._send({"type": "websocket.http.response.body", "body": content})

    @property
    def gone(self) -> bool:
        """True once the peer has left, whatever it has said before."""
        is_gone = self._scope.get("extensions", {}).get(GONE)
        return is_gone is not None and bool(is_gone())

    async def receive(self) -> str | bytes | None:
        """The next message; None once the peer is gone."""
        if self._gone:
            return None
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._gone = True
            self.left_for_good = message.get("code") in _CLOSED_ON_PURPOSE
            return None
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        return text if text is not None else data

    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while the peer reads slowly."""
        kind = "text" if isinstance(message, str) else "bytes"
        await self._tell({"type": "websocket.send", kind: message})

    async def close(self, code: int, reason: str) -> None:
        """Close the websocket with this code and reason."""
        await self._tell({"type": "websocket.close", "code": code, "reason": reason})

    def abort(self) -> None:
        """Drop the connection at once, whatever has not been sent."""
        abort = self._scope.get("extensions", {}).get(ABORT)
        if abort is not None:
            abort()

    async def _tell(self, message: dict[str, object]) -> None:
        # To a peer that is gone there is nothing to send; the server says so by raising, if it has
        # noticed before `receive` has told us.
        if not self._gone:
            try:
                await self._send(message)
            except (OSError, RuntimeError):
                pass
