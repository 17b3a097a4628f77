"""What is wrong with a field, in one sentence: which field, what came, what is allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rasr.wire.sis.errors import ErrorCode, ProtocolError

_SHOWN_CHARACTERS = 60
"""How much of a refused value an answer repeats."""


def fault(name: str, value: object, allowed: str, *, missing: bool = False) -> str:
    """The sentence about a field whose value is not allowed."""
    # The words of the service itself come first: clients are known to look for them.
    came = "is missing" if missing else f"is {shown(value)}"
    return f"'{name}' is invalid: it {came}; allowed: {allowed}"


def invalid(name: str, value: object, allowed: str, *, missing: bool = False) -> ProtocolError:
    """The error of a message in which this one field is wrong."""
    return ProtocolError(ErrorCode.INVALID, fault(name, value, allowed, missing=missing))


def refuse_missing(document: Mapping[str, object], names: Sequence[str], example: str) -> None:
    """See that a body has the fields that it needs.

    Args:
        example: a body that has them.

    Raises:
        ProtocolError: MISSING, with all that are.
    """
    missing = [f"'{name}'" for name in names if document.get(name) is None]
    if missing:
        sentence = f"the body has no {' and no '.join(missing)}; allowed: {example}"
        raise ProtocolError(ErrorCode.MISSING, sentence)


def shown(value: object) -> str:
    """A value of JSON as an answer may repeat it: short, and always text."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        text = "a deeply nested value"
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "…"
    # JSON can spell half a surrogate pair; sent back as it is, it would not encode as UTF-8.
    text = text.encode(errors="backslashreplace").decode()
    return repr(text) if isinstance(value, str) else text
