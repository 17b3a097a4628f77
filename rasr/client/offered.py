"""The voices that a server has."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from rasr.client.credentials import AccessKey
from rasr.client.errors import CannotConnect
from rasr.client.rest import RestClient

_PATH = "/tts/voices"


@dataclass(frozen=True, slots=True)
class OfferedVoice:
    """A voice of a server."""

    name: str
    languages: tuple[str, ...]
    """The one that it speaks best first."""
    gender: str
    age: str
    sample_rate: int
    """Of its own sound, Hz."""
    real_time: bool | None
    """Whether it may speak in real time there; None: the server has not measured it yet."""
    real_time_fault: str | None
    """Why it may not."""


@dataclass(frozen=True, slots=True)
class OfferedVoices:
    """What a server may be asked for as `property`."""

    voices: tuple[OfferedVoice, ...]
    """The preferred ones first."""
    official: Mapping[str, str | None]
    """Official name → the voice that speaks for it; None: nobody does."""


async def voices(
    url: str,
    *,
    project_id: str = "default",
    tls: ssl.SSLContext | None = None,
    token: str | None = None,
    key: AccessKey | None = None,
) -> OfferedVoices:
    """The voices of a server, and who speaks for the official names.

    Args:
        url: as of `connect`.
        token: for a server that asks who calls.
        key: for such a server, in place of a token.

    Raises:
        CannotConnect: there is no server of this kind, or it does not know who calls.
        CallRefused: it does not answer the question.
    """
    address = urlsplit(url)
    host = urlunsplit((address.scheme.replace("ws", "http"), address.netloc, "", "", ""))

    def ask() -> OfferedVoices:
        with RestClient(host, project_id, key or token, tls) as rest:
            document = rest.ask("GET", _PATH)
        try:
            return _read(document)
        except (KeyError, TypeError) as error:
            raise CannotConnect(f"what answers at {host} lists no voices") from error

    return await asyncio.to_thread(ask)


def _read(document: Any) -> OfferedVoices:
    found = tuple(
        OfferedVoice(
            one["name"],
            tuple(one["languages"]),
            one["gender"],
            one["age"],
            one["sample_rate"],
            one["real_time"],
            one["real_time_fault"],
        )
        for one in document["voices"]
    )
    return OfferedVoices(found, {one["name"]: one["voice"] for one in document["official"]})
