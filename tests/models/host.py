"""A host of release files on loopback, that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request; `host` is who serves it."""

    protocol_version = "HTTP/1.1"
    host: Host

    def do_GET(self) -> None:
        # What a server says and does after a broken response is nobody's business here.
        self.close_connection = True
        self.host.asked.append(self.headers.get("Range"))
        self.host.answer(self)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def reply(self, code: int, body: bytes, announced: int | None = None, **headers: str) -> None:
        """A response with `body`, of which `announced` bytes are promised."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


@dataclass
class Host:
    """Serves one body; `answer` says how."""

    body: bytes
    answer: Answer = field(default=lambda request: ranged(request))
    asked: list[str | None] = field(default_factory=list)
    """The Range header of each request."""
    url: str = ""

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


def ranged(request: Request, most: int | None = None) -> None:
    """Range and If-Range obeyed; the connection breaks after `most` bytes of the body."""
    host = request.host
    start = 0
    asked = request.headers.get("Range")
    version = request.headers.get("If-Range")
    if asked is not None and version in (None, host.tag):
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
    rest = host.body[start:]
    sent = rest if most is None else rest[:most]
    if start:
        where = f"bytes {start}-{len(host.body) - 1}/{len(host.body)}"
        request.reply(206, sent, len(rest), ETag=host.tag, Content_Range=where)
    else:
        request.reply(200, sent, len(rest), ETag=host.tag)


def breaking(most: int) -> Answer:
    return lambda request: ranged(request, most)


def once(first: Answer, then: Answer = ranged) -> Answer:
    """`first` for the first request, `then` for those after it."""
    return lambda request: (first if len(request.host.asked) == 1 else then)(request)


def whole(request: Request) -> None:
    """A server that has never heard of Range."""
    request.reply(200, request.host.body)


def refusing(code: int) -> Answer:
    return lambda request: request.reply(code, b"no")


def portal(request: Request) -> None:
    """A guest network's own page, whatever was asked for; it ends where the connection does."""
    request.send_response(200)
    request.send_header("Connection", "close")
    request.end_headers()
    request.wfile.write(b"<html>Please log in</html>")


def silent(request: Request) -> None:
    """Hangs up without an answer, as where there is no network."""


@contextmanager
def hosting(body: bytes, answer: Answer = ranged) -> Iterator[Host]:
    """A host at `url`, for as long as the block runs."""
    host = Host(body, answer)
    handler = type("Handler", (Request,), {"host": host})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        host.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()
