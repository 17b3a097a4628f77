"""Who may reach a server that starts: with accounts anybody, without them only its own machine."""

from __future__ import annotations

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.auth.authenticator import Authenticator
from rasr.server.errors import StartError


async def check_reach(authenticator: Authenticator, host: str, *, is_local: bool) -> bool:
    """Whether callers are asked who they are. Whoever can be reached from other machines asks,
    unless he is told not to.

    Args:
        is_local: only its own machine can reach it.

    Raises:
        StartError: it can be reached, and would ask nobody; or its accounts cannot be read, which
            is to be known now, and not when the first caller is refused.
    """
    try:
        asks = await authenticator.begin()
    except DirectoryUnavailable as error:
        raise StartError(f"the accounts cannot be read: {error}") from error
    if is_local or asks or authenticator.is_open:
        return asks
    raise StartError(
        f"server.host: {host} can be reached from other machines, and nobody would be asked who "
        "they are; make an account first (docs/accounts.md), listen on 127.0.0.1, or say "
        'auth.kind = "none" in the settings (--no-auth on the command line) if that is what you '
        "want"
    )
