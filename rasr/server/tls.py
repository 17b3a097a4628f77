"""TLS of the server: its certificate, read at start and again when it is told to."""

from __future__ import annotations

import ssl
from pathlib import Path

from rasr.server.errors import StartError
from rasr.settings import ServerSettings


def tls_context(settings: ServerSettings) -> ssl.SSLContext | None:
    """What peers are accepted with; None where the server speaks no TLS.

    Raises:
        StartError: the certificate or its key cannot be used.
    """
    if not settings.tls_cert and not settings.tls_key:
        return None
    for name, value in (("tls_cert", settings.tls_cert), ("tls_key", settings.tls_key)):
        other = "tls_key" if name == "tls_cert" else "tls_cert"
        if not value:
            raise StartError(f"server.{name} is empty; with server.{other} it is needed too")
        try:
            Path(value).read_bytes()
        except OSError as error:
            raise StartError(f"server.{name}: {value} cannot be read: {error.strerror}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A peer could ask for work again and again.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A key with a password would make the server ask at a terminal that nobody sees.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise StartError(
            f"server.tls_cert: {settings.tls_cert} and server.tls_key: {settings.tls_key} are no "
            "certificate and its private key without a password, both PEM "
            f"({getattr(error, 'reason', None) or error})"
        ) from error
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")
