"""Channels of captions of several servers that share a store.

The store says which server has a channel, and nothing of what is said there. A server whose viewers
watch it copies it from there. One other server, its keeper, copies it in any case, so that it
outlives the server to which is spoken. docs/adr/0024 says why it is so.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import structlog

from rasr.captions import Broadcaster, ChannelBusy, ChannelRefusal
from rasr.identity.directory import DirectoryUnavailable
from rasr.server.channels.directory import ChannelDirectory, OwnChannels
from rasr.server.channels.following import Followings
from rasr.server.ws.resuming import HeldRounds
from rasr.settings import CaptionSettings, Settings
from rasr.store.on_demand import StoreOnDemand
from rasr.tasks import given_up, happens, watched

if TYPE_CHECKING:
    from rasr.store.caption_channels import CaptionChannels, StoredChannel

_log = structlog.get_logger("rasr.captions")

_SEEK_S = 3.0
"""A viewer waits for so long to hear whether there is such a channel elsewhere."""
_BRING_S = 5.0
"""A round waits for so long for what was said before: both that may have it are asked, 2 s each."""
_END_S = 1.0
"""A round elsewhere that has lost its speaker has ended by then."""
_LOOKUPS = 2
"""Viewers may come with a thousand names, and others want to be served by the store."""
_TRIES = 3
_Change: TypeAlias = "Callable[[CaptionChannels], Awaitable[object]]"


class SharedChannels:
    """As one of the servers sees them. See `rasr.server.channels.directory.ChannelDirectory`."""

    def __init__(
        self,
        settings: CaptionSettings,
        captions: Broadcaster,
        store: StoreOnDemand,
        rounds: HeldRounds,
    ) -> None:
        """
        Args:
            captions: of this server.
            rounds: of this server; it has a name there, and the others have.
        """
        self._captions = captions
        self._store = store
        self._rounds = rounds
        self._followings = Followings(settings, captions, rounds.replica)
        self._seeking: dict[str, asyncio.Task[None]] = {}
        self._claiming: Counter[str] = Counter()
        """Claims that are being answered: of their channels not everything is known yet."""
        self._sought: Counter[str] = Counter()
        """Those who wait to hear of a channel, by its name."""
        self._claims: dict[str, int] = {}
        """How often the channels of this server had been claimed when it heard of them last."""
        self._lookups = asyncio.Semaphore(_LOOKUPS)

    # For a round that begins

    async def claim(self, name: str, project: str) -> ChannelRefusal | None:
        """See the ChannelDirectory. Without the store it is as if this server were alone."""
        with _counted(self._claiming, name):
            try:
                return await self._claim(name, project)
            except DirectoryUnavailable as error:
                _log.warning("channel_not_shared", why=str(error))
                return await self._claim_alone(name, project)

    async def _claim(self, name: str, project: str) -> ChannelRefusal | None:
        own = self._rounds.replica
        for _ in range(_TRIES):
            async with (await self._store.kept()).writing() as work:
                found: StoredChannel | None = await work.caption_channels.claim(
                    name, own, self._keeper_of(name), project
                )
            assert found is not None, "it was claimed by somebody"
            if found.project != project:
                return ChannelBusy(name)
            # One to another server may be to one that is gone by now: there, too, begin anew.
            await self._followings.end(name)
            if found.replica == own:
                if found.claims == 1:
                    # Of another one of this name, which may have been another project's.
                    self._captions.drop(name)
            else:
                self._followings.begin(found)
                if not await self._is_brought(name):
                    return ChannelBusy(name)
                async with (await self._store.kept()).writing() as work:
                    found = await work.caption_channels.move(
                        found, own, self._keeper_of(name), is_claim=True
                    )
                if found is None:
                    continue
            self._claims[name] = found.claims
            return None
        return ChannelBusy(name)

    async def _claim_alone(self, name: str, project: str) -> ChannelRefusal | None:
        following = self._followings.of(name)
        if following is None:
            self._captions.drop(name)
            return None
        is_ours = following.project == project and await self._is_brought(name)
        return None if is_ours else ChannelBusy(name)

    async def _is_brought(self, name: str) -> bool:
        """What was said on a channel elsewhere is here, as far as anybody has it. False: somebody
        speaks there."""
        following = self._followings.of(name)
        if following is None:
            # Whoever asked for it at the same time has brought it.
            return True
        await happens(following.settled, _BRING_S)
        if not await happens(following.quiet, _END_S):
            return False
        await self._followings.end(name)
        self._captions.lose(name)
        return True

    # For viewers

    async def seek(self, name: str) -> None:
        """See the ChannelDirectory."""
        if name in self._captions.own:
            return
        with _counted(self._sought, name):
            if self._followings.of(name) is None:
                if name not in self._seeking:
                    self._seeking[name] = watched(self._look_for(name), name="seek-channel")
                await asyncio.wait({self._seeking[name]}, timeout=_SEEK_S)
            following = self._followings.of(name)
            if following is not None:
                await happens(following.settled, _SEEK_S)

    async def _look_for(self, name: str) -> None:
        try:
            # Nobody waits longer: those who come while the store hangs are not to pile up.
            async with (
                asyncio.timeout(_SEEK_S),
                self._lookups,
                (await self._store.kept()).reading() as work,
            ):
                found = await work.caption_channels.find(name)
        except (DirectoryUnavailable, TimeoutError) as error:
            _log.warning("channel_not_looked_for", why=str(error))
            return
        finally:
            del self._seeking[name]
        if found is not None and found.replica != self._rounds.replica:
            self._followings.begin(found)

    # Again and again

    async def beat(self) -> None:
        """Hear which channels are where, and say what has become of those of this server. Without
        the store all stays as it is."""
        try:
            await self._agree()
        except DirectoryUnavailable as error:
            _log.warning("channels_not_heard", why=str(error))

    async def stop(self) -> None:
        """Nothing is copied any more."""
        await given_up(*self._seeking.values())
        for name in self._followings.names:
            await self._followings.end(name)

    async def _agree(self) -> None:
        followed = self._followings.names
        asked = self._captions.watched | followed | self._captions.own.keys()
        async with (await self._store.kept()).reading() as work:
            found = await work.caption_channels.of(self._rounds.replica, asked)
        changes: list[_Change] = []
        there = {one.name for one in found}
        kept = {one.name for one in found if one.keeper == self._rounds.replica}
        for channel in found:
            if channel.name in self._claiming:
                continue
            if channel.replica == self._rounds.replica:
                changes += await self._of_ours(channel)
            else:
                changes += await self._of_others(channel, kept)
        missing = self._captions.own.keys() - there - self._claiming.keys()
        changes += [self._entry(name) for name in missing]
        # What was of this server until now may be watched here.
        wanted = self._captions.watched | kept
        for name in self._followings.names - wanted - self._claiming.keys() - self._sought.keys():
            await self._followings.end(name)
            self._captions.drop(name)
        # Of those that nobody has any more nothing is told.
        for name in (followed & self._followings.names) - there - self._claiming.keys():
            await self._followings.end(name)
            self._captions.lose(name)
        for name in self._claims.keys() - self._captions.own.keys() - self._claiming.keys():
            del self._claims[name]
        if changes:
            async with (await self._store.kept()).writing() as work:
                for change in changes:
                    await change(work.caption_channels)

    async def _of_ours(self, channel: StoredChannel) -> Sequence[_Change]:
        name = channel.name
        if name not in self._captions.own:
            await self._followings.end(name)
            if self._captions.channel_of(name) is None:
                return [lambda channels: channels.remove(channel)]
            self._captions.inherit(name, channel.project)
        self._claims[name] = channel.claims
        keeper = self._keeper_of(name)
        if keeper and channel.keeper not in self._rounds.elsewhere:
            return [lambda channels: channels.keep(channel, keeper)]
        return []

    async def _of_others(self, channel: StoredChannel, kept: Set[str]) -> Sequence[_Change]:
        name, own = channel.name, self._rounds.replica
        mine = self._captions.channel_of(name) if name in self._captions.own else None
        if mine is not None and mine.live:
            if self._claims.get(name) != channel.claims:
                # Somebody speaks to it there. What is said here is seen here, until it ends.
                return []
            # Others have thought that this one is gone.
            return [lambda channels: self._move_here(channels, channel)]
        if channel.address is None and channel.keeper == own and mine is None:
            copy = self._captions.channel_of(name)
            if copy is None:
                await self._followings.end(name)
                return [lambda channels: channels.remove(channel)]
            if not copy.live:
                # At the next beat it is ours.
                return [lambda channels: self._move_here(channels, channel)]
            # It is the store that hears nothing of the other one; here it goes on telling.
        if mine is not None or name in kept | self._captions.watched:
            self._followings.begin(channel)
        return []

    def _move_here(
        self, channels: CaptionChannels, channel: StoredChannel
    ) -> Awaitable[StoredChannel | None]:
        keeper = self._keeper_of(channel.name)
        return channels.move(channel, self._rounds.replica, keeper, is_claim=False)

    def _entry(self, name: str) -> _Change:
        project, keeper = self._captions.own[name], self._keeper_of(name)
        return lambda channels: channels.claim(name, self._rounds.replica, keeper, project)

    def _keeper_of(self, name: str) -> str:
        """The replica that copies a channel of this one: another one for each of them, and while
        the same ones live the same."""
        others = self._rounds.elsewhere

        def chance(one: str) -> bytes:
            return hashlib.sha256(f"{one}/{name}".encode()).digest()

        return min(others, key=chance, default="")


@contextmanager
def _counted(counts: Counter[str], name: str) -> Iterator[None]:
    counts[name] += 1
    try:
        yield
    finally:
        counts[name] -= 1
        if not counts[name]:
            del counts[name]


def channel_directory(
    settings: Settings, captions: Broadcaster, store: StoreOnDemand | None, rounds: HeldRounds
) -> ChannelDirectory:
    """That of a server as its settings have it."""
    if not settings.replicas.address or store is None:
        return OwnChannels()
    return SharedChannels(settings.captions, captions, store, rounds)
