"""Tokens and tickets: how they look and what is kept of them."""

from __future__ import annotations

import hashlib
import re
import secrets

TOKEN_LIFE_S = 24 * 3600.0
"""As long as those of the identity service that SIS uses."""
LONGEST_TOKEN = 16 << 10
"""Letters; identity services give out some of as many."""

_BYTES = 32
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """A token that nobody can guess, of 43 letters that may stand in headers, URLs and names of
    subprotocols."""
    return secrets.token_urlsafe(_BYTES)


def has_form(token: str) -> bool:
    """True if it looks like one of ours."""
    return _FORM.fullmatch(token) is not None


def digest(token: str) -> str:
    """What is kept of a token: from it the token cannot be made. A token is random and long, so
    that no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
