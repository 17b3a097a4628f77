"""Passwords as hashes (Argon2id). Slow on purpose: call them in a thread."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST_PASSWORD = 1024
"""Letters. Longer ones are not hashed at all."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The least of OWASP's recommendations: about 20 ms of one core and 19 MiB for each try, as whoever
speaks meanwhile is not to hear of it."""


def hash_password(password: str) -> str:
    """The hash of a password, with its salt and parameters in it.

    Raises:
        ValueError: it is empty or too long.
    """
    if not 1 <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"a password has 1 to {LONGEST_PASSWORD} letters, not {len(password)}")
    return _HASHER.hash(password.encode("utf-8", "surrogatepass"))


def verify_password(hashed: str | None, password: str) -> bool:
    """True if `password` is that of the hash.

    Without a hash (no such user, or one without a password) it takes as long: who asks cannot tell
    by the time which names there are.
    """
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        _HASHER.verify(hashed or _of_nobody(), password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


@cache
def _of_nobody() -> str:
    return _HASHER.hash("nobody's")
