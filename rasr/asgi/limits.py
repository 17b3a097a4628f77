"""What one peer may ask of the server before the application is asked whether it wants it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    connections: int
    """Open at once, whatever they are used for. When so many are open, one that is not in use makes
    room for a new one; if all are in use the new one is refused."""
    connections_per_address: int = 0
    """Open at once from one address; 0: no bound."""
    message_bytes: int = 4 << 20
    """Of a websocket message; a longer one ends the connection with 1009."""
    head_bytes: int = 32 << 10
    """Of a request line and its headers together. Tokens of identity services take up to 16 KiB."""
    headers: int = 100
    """Of a request; browsers behind two proxies send about 30."""
    fragments: int = 1024
    """Of a websocket message. Each costs as much work as a message."""
    body_bytes: int = 32 << 20
    """Of a request, whether the application wants it or not."""
    body_buffer_bytes: int = 64 << 10
    """Of a request's body that the application has not taken; then no more of it is read."""
    head_timeout_s: float = 10.0
    """From the first byte of a request, or from the accepted connection, to the end of its head."""
    body_timeout_s: float = 30.0
    """Between two pieces of a body that the application waits for."""
    idle_timeout_s: float = 75.0
    """Between two requests."""
    linger_s: float = 2.0
    """What a peer still sends when it has been answered and is to go is read for so long."""
    send_timeout_s: float = 20.0
    """In which a peer takes something of what it is sent."""
    close_timeout_s: float = 10.0
    """From the closing frame that a websocket was sent to its own, and for the last bytes that any
    peer is sent."""
