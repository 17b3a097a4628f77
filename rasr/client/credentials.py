"""What a client shows at the handshake to a server that asks who calls."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from websockets.http11 import Request

from rasr.identity import signatures


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A pair of AK and SK, with which the handshake is signed. The secret itself is never sent."""

    id: str
    """The AK."""
    secret: str = field(repr=False)
    """The SK."""

    def __post_init__(self) -> None:
        check_text("the access key (AK)", self.id)
        check_text("the secret of the access key (SK)", self.secret)


Credential = str | AccessKey | None
"""A token, or a key, or nothing."""


def check_text(what: str, text: str) -> None:
    """See that a text can stand in a header.

    Raises:
        ValueError: it cannot; without the text, which may be a secret.
    """
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{what} has to be of letters, digits and signs, without blanks")


def show(credential: Credential, handshake: Request) -> None:
    """Add to a handshake the headers that show a credential."""
    if credential is None:
        return
    if isinstance(credential, str):
        handshake.headers["X-Auth-Token"] = credential
        return
    path, _, query = handshake.path.partition("?")
    host = handshake.headers["Host"].encode()
    request = signatures.Request("GET", path.encode(), query.encode(), [(b"host", host)])
    signed = signatures.sign(request, credential.id, credential.secret, time.time())
    handshake.headers.update(signed)
