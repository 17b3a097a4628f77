"""Whoever loses his credentials loses the websockets that he has open too, within a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from rasr.identity.directory import Directory, DirectoryUnavailable
from rasr.server.ws.connections import Connections
from rasr.tasks import faults_noticed, given_up, watched

_log = structlog.get_logger("rasr.auth")

_EVERY_S = 60.0


class Dismissal:
    """Looks, once a minute, whether those who are connected still may be."""

    def __init__(
        self, connections: Connections, directory: Directory | None, clock: Callable[[], float]
    ) -> None:
        """
        Args:
            directory: None: there are no accounts.
            clock: seconds since 1970.
        """
        self._connections = connections
        self._directory = directory
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from now on."""
        if self._directory is not None:
            self._task = watched(self._keep_looking(), name="dismissal", forever=True)

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            task, self._task = self._task, None
            await given_up(task)

    async def look(self) -> None:
        """Dismiss those whose credentials count no more. While the accounts cannot be asked,
        everybody stays."""
        principals = self._connections.principals
        if self._directory is None or not principals:
            return
        try:
            lapsed = await self._directory.lapsed(principals, self._clock())
        except DirectoryUnavailable as error:
            _log.warning("credentials_not_looked_at", why=str(error))
            return
        for one in lapsed:
            _log.info("caller_dismissed", user=one.user_name, credential=one.credential)
        self._connections.dismiss(lapsed)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            with faults_noticed():
                await self.look()
