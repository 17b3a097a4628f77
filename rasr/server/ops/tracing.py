"""Whether calls are traced, by OpenTelemetry, of which nothing is loaded where they are not."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from rasr.server.errors import StartError
from rasr.settings import TracingSettings


class Tracing(Protocol):
    """Traces the calls of one server."""

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application, each of whose calls is traced."""

    async def stop(self) -> None:
        """Send what was not sent yet, if the collector takes it at once."""


def tracing(settings: TracingSettings) -> Tracing | None:
    """What the settings want; None: nothing is traced.

    Raises:
        StartError: it cannot be had.
    """
    if not settings.endpoint:
        return None
    if not _is_address(settings.endpoint):
        raise StartError(
            f"tracing.endpoint: {settings.endpoint[:60]!r} is no address of a collector; allowed: "
            "http:// or https://, a host and a port, such as http://127.0.0.1:4318"
        )
    try:
        from rasr.server.ops.open_telemetry import OpenTelemetry
    except ImportError as error:
        raise StartError(
            "tracing.endpoint is set, and OpenTelemetry is not installed: pip install 'rasr[otel]'"
        ) from error
    return OpenTelemetry(settings)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # A port that is none is noticed when it is read.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
