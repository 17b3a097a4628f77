"""What the server offers to applications beyond ASGI: entries of `scope["extensions"]`."""

from __future__ import annotations

ABORT = "rasr.abort"
"""A call that drops the connection. ASGI itself has none, and closing in order waits for a peer
that may never read. Where a server lacks it the kernel drops the peer a minute later
(`rasr.server.listener`)."""

GONE = "rasr.gone"
"""Of a websocket: a call that tells whether the peer has closed, or is gone. ASGI itself tells it
behind all messages that came before, and they may be work for minutes."""

SHALLOW = "rasr.shallow"
"""Of HTTP: a call after which little more is buffered for the peer than the network needs, so that
`send` waits where a reader is slow."""
