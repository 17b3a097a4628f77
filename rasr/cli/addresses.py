"""Addresses of servers: as people write them, and what follows from one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import click

from rasr.settings import ServerSettings

Command = TypeVar("Command", bound=Callable[..., Any])

_DEFAULT_PORT = ServerSettings().port
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
"""How people write the address of a server → the scheme of its websockets."""


def server_url(text: str) -> str:
    """The address of a server as a person writes it, as `ws://host:port` or `wss://host:port`.

    Raises:
        click.UsageError: it is none.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "ws", text.strip()
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if scheme.lower() not in _SCHEMES or not host:
        raise click.UsageError(
            f"{text!r} is no address of a server; allowed: host:port, ws://host:port, "
            "wss://host:port, and http or https in place of ws or wss"
        )
    # Whoever leaves the scheme out means a server of this kind, at its usual port.
    usual = f":{_DEFAULT_PORT}" if port is None and not separator else ""
    address = (_SCHEMES[scheme.lower()], parts.netloc + usual, parts.path.rstrip("/"))
    return urlunsplit((*address, parts.query, ""))


def url_option(command: Command) -> Command:
    """Give a command the option `--url URL`, handed on as `url`: ws:// or wss://, or None."""
    return click.option(
        "--url",
        metavar="URL",
        callback=lambda context, parameter, value: value and server_url(value),
        help="Server to use, such as 127.0.0.1:8765 or wss://talk.example. Without it one is "
        "started for as long as the command runs.",
    )(command)


def http_url(url: str) -> str:
    """The address of the pages and other things over HTTP of the server at `url`."""
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"


def captions_address(url: str, channel: str) -> str:
    """The address of the page that shows the captions of `channel`, on the server at `url`."""
    return f"{http_url(url)}/captions/{channel}"
