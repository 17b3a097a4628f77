"""A round that another replica holds: the bytes of its client go there and back.

The client may have come here by a balancer that knows nothing of rounds. docs/adr/0023 says why.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import Scope
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from rasr.runtime.place import Peer
from rasr.server.ws.resuming import HeldRounds
from rasr.wire.sis.codec import encode_client
from rasr.wire.sis.messages import Resume

_log = structlog.get_logger("rasr.session")

_ANSWER_S = 2.0
"""Within which the other replica answers; else it is as good as gone."""
_PASSED = "x-rasr-passed-on"
"""A header: what comes with it is passed on no further."""
_OF_A_CONNECTION = frozenset({"host", "connection", "upgrade", "content-length", _PASSED})
_BROKEN = (1005, 1006)


async def pass_on(
    rounds: HeldRounds, scope: Scope, peer: Peer, token: str, number: int, send_timeout_s: float
) -> PassedOn | None:
    """Go on with a round at the replica that holds it.

    Args:
        scope: of the client's handshake; what it has shown there is shown to the other replica.
        peer: the client's websocket.
        number: the client has got the messages up to this one.
        send_timeout_s: a client that takes nothing for so long is dropped.

    Returns:
        what is left to do; None: no other replica goes on with it.
    """
    headers = Headers(scope=scope)
    address = rounds.address_of(token)
    if address is None or _PASSED in headers:
        return None
    try:
        async with asyncio.timeout(_ANSWER_S):
            remote = await _opened(address, scope, headers)
            try:
                await remote.send(encode_client(Resume(token, number)))
                answer = await remote.recv()
            except BaseException:
                remote.transport.abort()
                raise
            taken_up = json.loads(answer)["resp_type"] == "RESUMED"
    except (OSError, TimeoutError, WebSocketException, ValueError, KeyError) as error:
        _log.info("round_not_passed_on", to=address, why=type(error).__name__)
        return None
    if not taken_up or not isinstance(answer, str):
        await remote.close()
        return None
    _log.info("round_passed_on", to=address)
    return PassedOn(peer, remote, answer, send_timeout_s)


async def _opened(address: str, scope: Scope, headers: Headers) -> ClientConnection:
    parts = urlsplit(address)
    shown = [
        (name, value)
        for name, value in headers.items()
        if name not in _OF_A_CONNECTION and not name.startswith("sec-websocket-")
    ]
    query = scope["query_string"].decode("latin-1")
    # What is signed is the name by which the client has called.
    host = headers.get("host", parts.netloc)
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    uri = f"{parts.scheme}://{host}{path}" + (f"?{query}" if query else "")
    return await connect(
        uri,
        host=parts.hostname,
        port=parts.port,
        additional_headers=[*shown, (_PASSED, "1")],
        subprotocols=[Subprotocol(one) for one in scope.get("subprotocols", ())] or None,
        compression=None,
        proxy=None,
        max_size=None,
        user_agent_header=None,
        server_hostname=parts.hostname if parts.scheme == "wss" else None,
    )


class PassedOn:
    """A client whose round is at another replica, until one of the two is gone."""

    def __init__(
        self, peer: Peer, remote: ClientConnection, answer: str, send_timeout_s: float
    ) -> None:
        """
        Args:
            answer: of the other replica, goes to the client first.
        """
        self._peer = peer
        self._remote = remote
        self._answer = answer
        self._send_timeout_s = send_timeout_s

    async def run(self) -> None:
        """Hand everything on, both ways, and the end of each to the other."""
        try:
            async with asyncio.TaskGroup() as group:
                up = group.create_task(self._up(), name="pass-on")
                await self._down()
                up.cancel()
        finally:
            self._remote.transport.abort()

    async def _up(self) -> None:
        try:
            while (message := await self._peer.receive()) is not None:
                await self._remote.send(message)
        except ConnectionClosed:
            return
        if self._peer.left_for_good:
            await self._remote.close()
        else:
            # The round is held there, as if the client had lost that connection.
            self._remote.transport.abort()

    async def _down(self) -> None:
        try:
            await self._give(self._answer)
            while True:
                await self._give(await self._remote.recv())
        except TimeoutError:
            self._peer.abort()
        except ConnectionClosed:
            code = self._remote.close_code
            if code is None or code in _BROKEN:
                self._peer.abort()
            else:
                await self._peer.close(code, self._remote.close_reason or "")

    async def _give(self, message: str | bytes) -> None:
        async with asyncio.timeout(self._send_timeout_s):
            await self._peer.send(message)
