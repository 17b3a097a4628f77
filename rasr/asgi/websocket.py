"""A websocket: frames of the websockets package to calls of an ASGI application, and back.

Two things that the package leaves to whoever calls it are bounded here: a message comes in so many
fragments at most, and to a peer that does not read only the newest of its pings is answered, as RFC
6455, section 5.5.3, allows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from starlette.types import Message
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

from rasr.asgi.connection import Connection

_PONG = 0x8A
"""First byte of a pong: the last frame, opcode 10."""


class WebSocket:
    """A websocket behind its handshake: `rasr.asgi.connection.Handler`, `receive` and `send`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._protocol = Protocol(
            Side.SERVER, state=State.OPEN, max_size=connection.limits.message_bytes
        )
        self._messages: deque[Message] = deque()
        self._arrived: asyncio.Future[None] | None = None
        """Of the application, which waits for a message."""
        self._parts: bytearray | None = None
        """Of a message whose last fragment has not come."""
        self._opcode = Opcode.BINARY
        self._fragments = 0
        self._pong: bytes | None = None
        """The newest pong that a slow peer is owed."""
        self._has_failed = False
        """A fault of the peer was found here; nothing behind it counts."""
        self._is_closing = False
        """The application has closed; it reads no more messages."""
        self.is_over = False
        """The peer has closed, or is gone."""

    # Bytes in

    def feed(self, data: bytes) -> None:
        """Read frames."""
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            if self._has_failed:
                break
            assert isinstance(frame, Frame), "the handshake was before"
            self._take(frame)
        self._flush()
        if self._protocol.eof_sent:
            self._peer_is_gone()
            if self._protocol.close_rcvd is None:
                self._connection.linger()
            else:
                self._connection.close()
        elif self._messages:
            self._connection.hold()

    def lost(self) -> None:
        """The peer is gone."""
        self._peer_is_gone()

    def writable(self) -> None:
        """Answer the newest ping that came while the peer did not read."""
        if self._pong is not None:
            pong, self._pong = self._pong, None
            self._connection.write(pong)

    def beat(self) -> None:
        """Send a pong that nobody has asked for (RFC 6455, section 5.5.3)."""
        if self._protocol.state is State.OPEN and not self._connection.peer_is_slow:
            self._protocol.send_pong(b"")
            self._flush()

    def _take(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY if frame.fin:
                self._message(frame.opcode, frame.data)
            case Opcode.TEXT | Opcode.BINARY:
                self._opcode, self._parts = frame.opcode, bytearray(frame.data)
                self._fragments = 1
            case Opcode.CONT:
                assert self._parts is not None, "the package refuses what continues nothing"
                self._parts += frame.data
                self._fragments += 1
                if self._fragments > self._connection.limits.fragments:
                    self._fail(
                        CloseCode.MESSAGE_TOO_BIG,
                        f"a message of more than {self._connection.limits.fragments} fragments",
                    )
                elif frame.fin:
                    parts, self._parts = self._parts, None
                    self._message(self._opcode, parts)

    def _message(self, opcode: Opcode, data: bytes | bytearray | memoryview) -> None:
        if opcode is Opcode.BINARY:
            self._arrive({"type": "websocket.receive", "bytes": bytes(data)})
            return
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError as error:
            self._fail(
                CloseCode.INVALID_DATA, f"the text is not UTF-8: {error.reason} at {error.start}"
            )
            return
        self._arrive({"type": "websocket.receive", "text": text})

    def _fail(self, code: CloseCode, reason: str) -> None:
        self._has_failed = True
        self._parts = None
        self._protocol.fail(code, reason)

    def _arrive(self, message: Message) -> None:
        if self.is_over or (self._is_closing and message["type"] == "websocket.receive"):
            return
        self._messages.append(message)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def _peer_is_gone(self) -> None:
        if self.is_over:
            return
        received = self._protocol.close_rcvd
        sent = self._protocol.close_sent
        known = received or sent
        self._arrive(
            {
                "type": "websocket.disconnect",
                "code": known.code if known is not None else CloseCode.ABNORMAL_CLOSURE,
                "reason": known.reason if known is not None else "",
            }
        )
        self.is_over = True
        self._parts = None

    # Bytes out

    def _flush(self) -> None:
        """Send what the package has to say."""
        slow = self._connection.peer_is_slow
        kept = []
        for data in self._protocol.data_to_send():
            if slow and data and data[0] == _PONG:
                self._pong = data
            elif data:
                kept.append(data)
        if kept:
            self._connection.write(b"".join(kept))

    # The application's side

    async def receive(self) -> Message:
        """The next message; `websocket.disconnect` is the last one."""
        while not self._messages:
            if self.is_over:
                return {"type": "websocket.disconnect", "code": CloseCode.ABNORMAL_CLOSURE}
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                await self._arrived
            finally:
                self._arrived = None
        message = self._messages.popleft()
        if not self._messages:
            self._connection.release()
        return message

    async def send(self, message: Message) -> None:
        """Send a message or close; waits while the peer reads slowly.

        Raises:
            OSError: the peer is gone.
        """
        if message["type"] == "websocket.close":
            self.close(message.get("code", CloseCode.NORMAL_CLOSURE), message.get("reason") or "")
            return
        text: str | None = message.get("text")
        data: Any = message.get("bytes")
        try:
            if text is not None:
                self._protocol.send_text(text.encode())
            else:
                self._protocol.send_binary(data)
        except InvalidState as error:
            raise OSError("the peer is gone") from error
        self._flush()
        await self._connection.drained()
        if not self._connection.is_open:
            raise OSError("the peer is gone")

    def close(self, code: int, reason: str) -> None:
        """Begin to close, and drop the connection if the peer does not answer in time."""
        try:
            self._protocol.send_close(code, reason)
        except InvalidState:
            return
        self._flush()
        self._is_closing = True
        self._messages.clear()
        self._connection.release()
        self._connection.deadline.set(
            self._connection.limits.close_timeout_s, self._connection.abort
        )
