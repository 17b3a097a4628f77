"""Recordings that are sent to the server, and how requests name them.

They come in parts, so that each can be signed, read whole and sent again, and are kept in the
store: whichever server takes the job has them.
"""

from __future__ import annotations

from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.faults import invalid

MOST_PART_BYTES = 4 << 20
MOST_PARTS = 1 << 16
MOST_AT_ONCE = 100
"""Of a project."""
KEPT_S = 86_400.0
"""So long without a job."""
_SCHEME = "upload:"
_LONGEST_NAME = 255


def upload_of(data_url: str) -> str | None:
    """The id of the recording that was sent, where `data_url` names one."""
    return data_url.removeprefix(_SCHEME) if data_url.startswith(_SCHEME) else None


def url_of(upload_id: str) -> str:
    """What `data_url` names a recording with that was sent."""
    return f"{_SCHEME}{upload_id}"


def check_parts(parts: list[int]) -> None:
    """See that a recording is whole.

    Raises:
        ProtocolError: it is not.
    """
    if not parts:
        raise ProtocolError(ErrorCode.INVALID, "'data_url' is invalid: no part of the upload came")
    missing = next((number for number, part in enumerate(parts) if number != part), None)
    if missing is not None:
        raise ProtocolError(
            ErrorCode.INVALID, f"'data_url' is invalid: part {missing} of the upload did not come"
        )


def part_number(text: str) -> int:
    """The number of a part, as it stands in a path.

    Raises:
        ProtocolError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and int(text) < MOST_PARTS):
        raise invalid("part", text, f"a whole number from 0 to {MOST_PARTS - 1}")
    return int(text)


def check_name(field: str, text: str) -> None:
    """See that a row can have it: where nobody is asked who he is, it may be anything.

    Raises:
        ProtocolError: it cannot.
    """
    if len(text) > _LONGEST_NAME or not text.isprintable():
        raise invalid(field, text, f"{_LONGEST_NAME} printable characters at most")
