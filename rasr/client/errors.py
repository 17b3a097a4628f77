"""What can go wrong between a client and a server.

ClientError(Exception)
├── CannotConnect      no conversation came about: address, network, or the handshake was refused
├── RoundRefused       the server answered START with an ERROR; another START may follow
└── ConnectionLost     the conversation broke off; what was said since the last final is lost

Each is a sentence for a person. An ERROR in the middle of a round is none of these: it is a message
of the round, as is the END that follows it.
"""

from __future__ import annotations

from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode
from rasr.wire.sis.messages import Error


class ClientError(Exception):
    """A conversation with a server failed."""

    def __init__(self, sentence: str, *, retryable: bool = False) -> None:
        super().__init__(sentence)
        self.retryable = retryable
        """True if the same may succeed a moment later, without anything being changed."""


class CannotConnect(ClientError):
    """There is no connection."""


class RoundRefused(ClientError):
    """The server does not take this START."""

    def __init__(self, error: Error) -> None:
        super().__init__(
            f"the server refused to start: {error.error_msg} ({error.error_code})",
            retryable=ERROR_TABLE[error.error_code].retryable,
        )
        self.error = error

    @property
    def code(self) -> ErrorCode:
        return self.error.error_code


class ConnectionLost(ClientError):
    """The socket closed in the middle of the conversation."""

    def __init__(
        self, sentence: str, fatal: Error | None = None, *, retryable: bool = False
    ) -> None:
        super().__init__(sentence, retryable=retryable)
        self.fatal = fatal
        """The FATAL_ERROR that the server sent before it closed."""
