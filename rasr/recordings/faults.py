"""Why a recording is not to be had, as an error of SIS. The text names the host, and no secret: of
a URL neither what stands behind `?` nor a user.
"""

from __future__ import annotations

import re

from rasr.wire.sis.errors import ErrorCode, ProtocolError

_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")


class RecordingFault(ProtocolError):
    """A recording is not to be had, or an answer cannot be sent."""

    def __init__(
        self, code: ErrorCode, message: str, *, may_pass: bool = False, after_s: float = 0.0
    ) -> None:
        super().__init__(code, message)
        self.may_pass = may_pass
        """True if the same may succeed later."""
        self.after_s = after_s
        """When the other side wants to be asked again, at the earliest."""


def illegal(message: str) -> RecordingFault:
    """A URL that may not be asked."""
    return RecordingFault(ErrorCode.ILLEGAL_URL, message)


def failed(message: str, *, may_pass: bool = False, after_s: float = 0.0) -> RecordingFault:
    """A URL that does not give what is wanted."""
    return RecordingFault(ErrorCode.DOWNLOAD_FAILED, message, may_pass=may_pass, after_s=after_s)


def said_by(status: int, body: bytes) -> str:
    """What a service says that does not give what was asked for: the code in its answer, as S3 and
    its like have one, else the status.
    """
    found = _CODE.search(body)
    return found[1].decode() if found else f"HTTP {status}"
