"""Where the other replicas are: each says so in the store that they share, again and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import structlog

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.admission import Admission
from rasr.server.channels.directory import ChannelDirectory
from rasr.server.errors import StartError
from rasr.server.neighbours import LiveNumbers, Neighbour, Neighbours
from rasr.server.silence import Silence
from rasr.server.ws.resuming import HeldRounds
from rasr.settings import ReplicaSettings
from rasr.store.on_demand import StoreOnDemand
from rasr.tasks import ended, faults_noticed, happens, watched

_log = structlog.get_logger("rasr.server")

_STOP_S = 1.0

_LATE_BEATS = 2
"""A replica of which nothing is heard for so many beats of ours is silent; later it is gone."""
BEAT_S = 2.0
"""So often a replica says that it lives."""


class Replicas:
    """One of them. It does nothing where its settings name no address."""

    def __init__(
        self,
        settings: ReplicaSettings,
        store: StoreOnDemand | None,
        rounds: HeldRounds,
        admission: Admission,
        channels: ChannelDirectory,
        neighbours: Neighbours,
        numbers: Callable[[], LiveNumbers],
        beat_s: float = BEAT_S,
    ) -> None:
        """
        Args:
            rounds: of this server; they are told where the others are.
            admission: of this server; it is told how many rounds each project has at the others.
            channels: of captions; it hears of the others as often as this does.
            neighbours: are told here.
            numbers: of this server, for the others.
        """
        # Paths are put behind it.
        self._address = settings.address.rstrip("/")
        self._store = store
        self._rounds = rounds
        self._admission = admission
        self._channels = channels
        self._neighbours = neighbours
        self._numbers = numbers
        self._beat_s = beat_s
        self._silence = Silence()
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def start(self) -> None:
        """Say from now on that this one lives.

        Raises:
            StartError: its address is none, or there is no store.
        """
        if not self._address:
            return
        try:
            parts = urlsplit(self._address)
            is_address = parts.scheme in ("ws", "wss") and bool(parts.hostname and parts.port)
        except ValueError:
            is_address = False
        if not is_address or parts.path.strip("/"):
            raise StartError(
                f"replicas.address is {self._address!r}; allowed: ws://host:port or wss://host:port"
            )
        if self._store is None:
            raise StartError("replicas.address needs a store, which all replicas share: store.url")
        await self.beat()
        self._task = watched(self._keep_beating(), name="replica-beat")

    async def stop(self) -> None:
        """It lives no more."""
        if self._task is None or self._store is None:
            return
        task, self._task = self._task, None
        await ended(task, self._over, _STOP_S)
        await self._channels.stop()
        try:
            async with (await self._store.kept()).writing() as work:
                await work.replicas.leave(self._rounds.replica)
        except DirectoryUnavailable as error:
            # The others will notice.
            _log.warning("replica_not_left", why=str(error))

    async def beat(self) -> None:
        """Say that this one lives, and hear of the others. Without the store all stays as it is."""
        assert self._store is not None, "it has been started"
        own = self._rounds.replica
        try:
            async with (await self._store.kept()).writing() as work:
                known = await work.replicas.beat(
                    own,
                    self._address,
                    self._admission.shared_rounds,
                    self._numbers().model_dump(),
                )
                for gone in self._silence.after(own, {at: one.beats for at, one in known.items()}):
                    await work.replicas.leave(gone)
                    del known[gone]
                await work.caption_channels.forget_lost()
        except DirectoryUnavailable as error:
            _log.warning("replica_not_heard", why=str(error))
            self._count_silence()
            return
        known.pop(own, None)
        self._rounds.elsewhere = {name: one.address for name, one in known.items()}
        self._neighbours.known = {
            name: Neighbour(one.address, LiveNumbers.read(one.numbers), self._silent_s(name))
            for name, one in known.items()
        }
        elsewhere: Counter[str] = Counter()
        for one in known.values():
            elsewhere.update(one.rounds)
        self._admission.rounds_elsewhere = elsewhere
        await self._channels.beat()

    def _silent_s(self, name: str) -> float:
        ago = self._silence.beats.get(name, 0)
        return ago * self._beat_s if ago >= _LATE_BEATS else 0.0

    def _count_silence(self) -> None:
        """The others could not be heard."""
        self._neighbours.known = {
            name: replace(one, silent_s=one.silent_s + self._beat_s)
            for name, one in self._neighbours.known.items()
        }

    async def _keep_beating(self) -> None:
        while not await happens(self._over, self._beat_s):
            with faults_noticed():
                await self.beat()
