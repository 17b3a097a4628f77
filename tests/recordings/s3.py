"""A server of S3 and STS on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from moto.server import ThreadedMotoServer

from tests.processes import LONG_S

BUCKET = "calls"


@dataclass
class S3:
    """The server; everybody may write to it."""

    url: str

    def put(self, key: str, body: bytes, *, public: bool = False) -> None:
        """Keep an object."""
        headers = {"x-amz-acl": "public-read"} if public else {}
        url = f"{self.url}/{BUCKET}/{quote(key)}"
        httpx.put(url, content=body, headers=headers, timeout=LONG_S).raise_for_status()


@contextmanager
def s3(objects: Mapping[str, bytes]) -> Iterator[S3]:
    """A server with a bucket with these objects."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        running = S3(f"http://{host}:{port}")
        # What it needs is imported by the first request, which takes seconds.
        httpx.put(f"{running.url}/{BUCKET}", timeout=LONG_S).raise_for_status()
        for key, body in objects.items():
            running.put(key, body)
        yield running
    finally:
        server.stop()
