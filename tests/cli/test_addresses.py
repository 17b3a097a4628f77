"""Addresses of servers as people write them."""

from __future__ import annotations

import click
import pytest

from rasr.cli.addresses import captions_address, http_url, server_url


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("127.0.0.1:8765", "ws://127.0.0.1:8765"),
        ("127.0.0.1", "ws://127.0.0.1:8765"),
        ("localhost/", "ws://localhost:8765"),
        ("[::1]:9000", "ws://[::1]:9000"),
        ("[::1]", "ws://[::1]:8765"),
        ("http://localhost:8765/", "ws://localhost:8765"),
        ("https://talk.example", "wss://talk.example"),
        ("WS://talk.example:1", "ws://talk.example:1"),
        ("wss://talk.example/v1/me/rasr/short-stream?a=b", None),
    ],
)
def test_what_people_write_becomes_the_address_of_a_websocket(
    written: str, address: str | None
) -> None:
    assert server_url(written) == (address or written)


@pytest.mark.parametrize(
    "written", ["", " ", "ws://", "ftp://localhost", "localhost:http", "http://[::1", "file:///x"]
)
def test_what_is_no_address_is_refused_with_what_is_one(written: str) -> None:
    with pytest.raises(click.UsageError, match=r"is no address of a server; allowed: host:port"):
        server_url(written)


def test_pages_are_on_the_same_server() -> None:
    assert http_url("wss://talk.example/v1/me") == "https://talk.example"
    assert captions_address("ws://[::1]:9000", "stage") == "http://[::1]:9000/captions/stage"
