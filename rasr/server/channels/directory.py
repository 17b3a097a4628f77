"""Where channels of captions are: the seam between a server and whatever knows of the others."""

from __future__ import annotations

from typing import Protocol

from rasr.captions import ChannelRefusal

REPLICA_HEADER = "X-Rasr-Replica"
"""Of who copies a channel: the name of the server that he means. At its address another one may
have been started meanwhile, which has nothing."""


class ChannelDirectory(Protocol):
    """What one server asks."""

    async def claim(self, name: str, project: str) -> ChannelRefusal | None:
        """Why no recognition may publish to a channel here; None: it may, and what was said on it
        at other servers is here.

        Args:
            project: whose recognition it is, as far as anybody was asked.
        """

    async def seek(self, name: str) -> None:
        """See that a channel can be watched here, wherever it is. It takes some seconds at most."""

    async def beat(self) -> None:
        """Hear from the others, and let them hear. It is called again and again."""

    async def stop(self) -> None:
        """Nothing more is wanted of the others."""


class OwnChannels:
    """Of a server alone: there are none but its own."""

    async def claim(self, name: str, project: str) -> ChannelRefusal | None:
        """Nobody else has it."""
        return None

    async def seek(self, name: str) -> None:
        """It is here, or nowhere."""

    async def beat(self) -> None:
        """There are no others."""

    async def stop(self) -> None:
        """There are no others."""
