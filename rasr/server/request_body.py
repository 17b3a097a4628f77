"""The bodies of requests, as far as somebody is ready to hold them."""

from __future__ import annotations

from starlette.requests import Request


async def read_body(request: Request, most_bytes: int) -> bytes | None:
    """The body, or None where it is too long.

    Raises:
        ClientDisconnect: the client has left before it was here.
    """
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most_bytes:
            return None
    return bytes(content)
