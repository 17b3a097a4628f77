"""What a person is told when a server is ready: where it is, what it recognises, who reaches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from rasr.server.listener import in_url

_NAMED = ("127.0.0.1", "::1")
"""What every browser reaches by the name localhost."""
_OPEN = "Nobody is asked who they are; docs/accounts.md says how to make accounts."
_ASKED = "Callers are asked who they are. Keys, usage, hot words, live sessions: {console}"
_HTTPS = "Phones and other machines need https for the microphone; docs/team.md says how."


def ready_message(
    url: str, others: Sequence[str], engines: Mapping[str, str], *, asks: bool
) -> str:
    """Some lines without a line break at the end. The first one has the addresses for this machine.

    Args:
        url: `ws://host:port`, or `wss:`, for this machine.
        others: addresses at which other machines may reach it.
        engines: what is recognised → what recognises it.
        asks: callers are asked who they are.
    """
    place = urlsplit(url)
    host = "localhost" if place.hostname in _NAMED else in_url(place.hostname or "")
    is_secure = place.scheme == "wss"
    scheme = "https" if is_secure else "http"
    page = f"{scheme}://{host}:{place.port}"
    lines = [f"Open {page} in a browser. Clients: {url}"]
    served: dict[str, list[str]] = {}
    for key, engine in engines.items():
        served.setdefault(engine, []).append(key)
    lines += [f"Recognises {', '.join(keys)}: {engine}" for engine, keys in served.items()]
    if others:
        at = ", ".join(f"{scheme}://{in_url(one)}:{place.port}" for one in others)
        lines += [f"From other machines: {at}"]
        lines += [] if is_secure else [_HTTPS]
    lines.append(_ASKED.format(console=f"{page}/console") if asks else _OPEN)
    return "\n".join(lines)
