"""Heads of requests and answers: what ASGI wants to know of the one, what stands in the other."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import h11
from starlette.types import Scope

from rasr.asgi.addresses import Headers, client_address
from rasr.asgi.connection import Connection
from rasr.asgi.extensions import ABORT, SHALLOW


def scope_of(request: h11.Request, headers: Headers, connection: Connection) -> Scope:
    """The ASGI scope of a request."""
    path, _, query = _target(request.target).partition(b"?")
    client = client_address(connection.peer, headers, connection.proxies)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.http_version.decode("ascii"),
        "method": request.method.decode("ascii"),
        "scheme": _scheme(connection, headers),
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        # A port that a proxy does not tell is none of the client's.
        "client": (client, connection.peer_port if client == connection.peer else 0),
        "server": connection.own_address,
        "extensions": {ABORT: connection.abort, SHALLOW: connection.make_shallow},
    }


def asks_for_websocket(headers: Headers) -> bool:
    """True for the head of a handshake, right or wrong."""
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in headers)


def has_body(headers: Headers) -> bool:
    """True for the head of a request that has a body; one of no bytes is none."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")
        for name, value in headers
    )


def date() -> tuple[bytes, bytes]:
    """The header that every answer has (RFC 9110, section 6.6.1)."""
    return b"date", _formatted(int(time.time()))


def phrase(status: int) -> bytes:
    """The words behind the number of a status; none for one that nobody has named."""
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


def response(status: HTTPStatus, sentence: str) -> list[h11.Event]:
    """An answer that says one sentence, the last one of its connection."""
    content = f"{sentence}\n".encode()
    headers = [
        date(),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(content)),
        (b"connection", b"close"),
    ]
    return [
        h11.Response(status_code=status, headers=headers, reason=phrase(status)),
        h11.Data(data=content),
        h11.EndOfMessage(),
    ]


@lru_cache(maxsize=1)
def _formatted(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


def _target(target: bytes) -> bytes:
    """Path and query of a request's target, which may be a whole URL (RFC 9112, section 3.2)."""
    if target.startswith(b"/"):
        return target
    try:
        parts = urlsplit(target)
    except ValueError:
        return target
    if not parts.scheme:
        return target
    return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")


def _scheme(connection: Connection, headers: Headers) -> str:
    """What the client speaks, to this server or to the proxy before it."""
    if connection.proxies.has(connection.peer):
        for name, value in headers:
            if name == b"x-forwarded-proto":
                return "https" if value.strip().lower() in (b"https", b"wss") else "http"
    return "https" if connection.is_secure else "http"
