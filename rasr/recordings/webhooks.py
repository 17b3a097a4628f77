"""Signatures of answers that are sent to callback URLs, as the specification Standard Webhooks has
them (https://www.standardwebhooks.com): many languages have a library that checks them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_PREFIX = "whsec_"
_KEY_BYTES = 32


def new_key() -> str:
    """A key that nobody can guess, in the form that the libraries take."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def headers(key: str | None, message_id: str, at: float, content: bytes) -> dict[str, str]:
    """The headers of a message.

    Args:
        key: None leaves it unsigned.
        message_id: the same each time it is sent: a receiver knows by it what it has already.
        at: seconds since 1970; a receiver refuses what is minutes old, so that nobody sends again
            what he has seen.
    """
    moment = str(int(at))
    told = {"webhook-id": message_id, "webhook-timestamp": moment}
    if key is not None:
        secret = base64.b64decode(key.removeprefix(_PREFIX))
        signed = b".".join((message_id.encode(), moment.encode(), content))
        digest = hmac.new(secret, signed, hashlib.sha256).digest()
        told["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return told
