"""Names and ids: what they look like."""

from __future__ import annotations

import re
import secrets

from rasr.store.errors import Invalid
from rasr.store.schema import DESCRIPTION_LENGTH, NAME_LENGTH

_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST_ASKED = 255


def new_id() -> str:
    """An id as those of SIS: 32 hexadecimal digits that say nothing."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """True if it looks like an id; no name does."""
    return _ID.fullmatch(text) is not None


def check_name(field: str, name: str) -> str:
    """A name that may be given.

    Raises:
        Invalid: it may not.
    """
    if not 1 <= len(name) <= NAME_LENGTH or name != name.strip() or not name.isprintable():
        raise Invalid(
            f"{field} is {_shown(name)}; needed: 1 to {NAME_LENGTH} letters, digits or signs, "
            "without blanks at its ends"
        )
    if is_id(name):
        raise Invalid(f"{field} is {name!r}, which looks like an id; choose another name")
    return name


def check_description(text: str) -> str:
    """A description that may be given.

    Raises:
        Invalid: it may not.
    """
    if len(text) > DESCRIPTION_LENGTH or not (text.isprintable()):
        raise Invalid(
            f"description is {_shown(text)}; needed: one line of {DESCRIPTION_LENGTH} letters at "
            "most"
        )
    return text


def may_be_kept(text: str) -> bool:
    """False for what no row can have, and some databases cannot even be asked for."""
    return len(text) <= _LONGEST_ASKED and text.isprintable()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
