"""What can go wrong between a client and a server.

ClientError(Exception)
├── CannotConnect      there is no connection: address, network, or the handshake was refused
├── StartRefused       the server answered START with an ERROR; another START may follow
├── ResumeRefused      the server does not hold the recognition any more; why of a ConnectionLost
└── ConnectionLost     the connection broke for good; what was said since the last final is lost

The text of each is a sentence for a person. An ERROR that comes after START was accepted is none of
these: it is a message of the recognition, as is the END that follows it.
"""

from __future__ import annotations

from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode
from rasr.wire.sis.messages import Error


class ClientError(Exception):
    """Talking to a server failed."""

    def __init__(self, sentence: str, *, retryable: bool = False) -> None:
        super().__init__(sentence)
        self.retryable = retryable
        """True if the same may succeed a moment later, without anything being changed."""


class CannotConnect(ClientError):
    """There is no connection."""

    def __init__(
        self, sentence: str, *, retryable: bool = False, status: int | None = None
    ) -> None:
        super().__init__(sentence, retryable=retryable)
        self.status = status
        """The HTTP status with which the server refused the handshake; 401: it does not know who
        calls."""


class StartRefused(ClientError):
    """The server does not take this START."""

    def __init__(self, error: Error) -> None:
        super().__init__(
            f"the server refused the round: {error.error_msg} ({error.error_code})",
            retryable=ERROR_TABLE[error.error_code].retryable,
        )
        self.error = error

    @property
    def code(self) -> ErrorCode:
        """The code of that ERROR."""
        return self.error.error_code


class ResumeRefused(ClientError):
    """The server does not go on with this recognition."""

    def __init__(self, error: Error) -> None:
        super().__init__(
            f"the server does not hold the round any more: {error.error_msg} ({error.error_code})"
        )


class ConnectionLost(ClientError):
    """The connection closed before the last message was received."""

    def __init__(
        self,
        sentence: str,
        fatal: Error | None = None,
        *,
        code: int | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(sentence, retryable=retryable)
        self.fatal = fatal
        """The FATAL_ERROR that the server sent before it closed."""
        self.code = code
        """With which the server closed; None: it did not."""
