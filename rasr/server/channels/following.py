"""A channel of another server, copied here for as long as somebody wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from rasr.captions import Broadcaster, Copy, CopyBroken
from rasr.server.channels.directory import REPLICA_HEADER
from rasr.settings import CaptionSettings
from rasr.tasks import given_up, happens, watched

if TYPE_CHECKING:
    from rasr.store.caption_channels import StoredChannel

_log = structlog.get_logger("rasr.captions")

_ANSWER_S = 2.0
"""Within which another server answers; else it is as good as gone."""
_PING_S = 2.0
"""So often it is asked whether it is there, and within twice that it has to say so."""
_PAUSE_S = 0.2
"""Before a connection that was lost is made again."""
_AGAIN_S = 2.0
"""Before those are asked again that did not answer."""
_AT_ONCE = 0.0
"""On the clock of the event loop."""
_MOST_BYTES = 4 << 20
"""Of one message: 64 cues, each with its sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server that has a channel."""

    replica: str
    """Its name: at its address another one may have been started meanwhile, which has nothing."""
    address: str

    @classmethod
    def of(cls, replica: str, address: str | None) -> Self | None:
        """The place of a server; None where its address is not known."""
        return None if address is None else cls(replica, address)


@dataclass(frozen=True, slots=True)
class Places:
    """The servers that have a channel; None: none that is known."""

    spoken: Place | None
    """Where is spoken, or was at last."""
    kept: Place | None
    """Where is a copy in any case."""


class Following:
    """One channel. It begins at once."""

    def __init__(
        self,
        captions: Broadcaster,
        make_copy: Callable[[], Copy],
        name: str,
        project: str,
        where: Places,
    ) -> None:
        """
        Args:
            captions: of this server; the copy is shown there.
            make_copy: makes one that is empty.
            project: whose channel it is.
        """
        self._captions = captions
        self._make_copy = make_copy
        self._copy = make_copy()
        self._name = name
        self.project = project
        self._where = where
        self._again = asyncio.Event()
        self.settled = asyncio.Event()
        """What there is has been told, or cannot be had now."""
        self.quiet = asyncio.Event()
        """As far as the server says to which is spoken, nobody speaks."""
        self._source: Place | None = None
        """The one that is asked."""
        self._limit: asyncio.Timeout | None = None
        """Until then it has to tell what it has; and it is left then."""
        self._task = watched(self._follow(), name="follow-channel", forever=True)

    def at(self, where: Places) -> None:
        """It is, or may be by now, at these addresses."""
        if self._where == where:
            return
        # One that only the store hears no more goes on telling, here.
        good = (where.spoken,) if where.spoken else (self._where.spoken, where.kept)
        self._where = where
        self._again.set()
        if self._limit is not None and self._source not in good:
            # Where it was, nothing may be told of it any more.
            _end_at(self._limit, _AT_ONCE)

    async def stop(self) -> None:
        """The copy is kept up no more."""
        await given_up(self._task)

    async def _follow(self) -> None:
        while True:
            self._again.clear()
            where, is_told = self._where, False
            for place in (where.spoken, where.kept):
                if place is not None and not is_told and not self._again.is_set():
                    is_told = await self._from(place)
            if self._again.is_set():
                continue
            self._captions.lose(self._name)
            self.quiet.set()
            self.settled.set()
            await happens(self._again, _PAUSE_S if is_told else _AGAIN_S)

    async def _from(self, place: Place) -> bool:
        """Follow what one server tells until it is gone, or has no more to do with the channel.
        False: it has told nothing."""
        self._source = place
        socket: ClientConnection | None = None
        try:
            async with asyncio.timeout(_ANSWER_S) as self._limit:
                socket = await connect(
                    f"{place.address}/captions/{self._name}/copy",
                    additional_headers={
                        "Last-Event-ID": self._copy.place,
                        REPLICA_HEADER: place.replica,
                    },
                    compression=None,
                    proxy=None,
                    max_size=_MOST_BYTES,
                    ping_interval=_PING_S,
                    ping_timeout=2 * _PING_S,
                    # One that does not answer a ping does not answer a farewell either.
                    close_timeout=_PAUSE_S,
                    user_agent_header=None,
                )
                return await self._read(socket, self._limit)
        except (OSError, TimeoutError, WebSocketException, ValueError) as error:
            if not self._again.is_set():
                _log.info("channel_not_reached", to=place.address, why=type(error).__name__)
            return False
        finally:
            self._limit = None
            if socket is not None:
                socket.transport.abort()

    async def _read(self, socket: ClientConnection, limit: asyncio.Timeout) -> bool:
        now = asyncio.get_running_loop().time
        is_spoken, is_told = self._source == self._where.spoken, False
        try:
            async for message in socket:
                self._copy.take(message if isinstance(message, bytes) else b"")
                is_told = True
                if self._copy.is_whole:
                    self._show(is_spoken=is_spoken)
                _end_at(limit, None if self._copy.is_whole else now() + _ANSWER_S)
                # A history of hours is many messages, and the audio of others does not wait for it.
                await asyncio.sleep(0)
        except ConnectionClosed:
            pass
        except CopyBroken as error:
            _log.warning("channel_copied_anew", why=str(error))
            self._copy = self._make_copy()
        return is_told

    def _show(self, *, is_spoken: bool) -> None:
        channel = self._copy.channel
        if channel is None:
            self._captions.drop(self._name)
        elif not self._captions.show(self._name, channel):
            _log.warning("channel_not_copied", copies=self._captions.copies)
        if channel is not None and channel.live and is_spoken:
            self.quiet.clear()
        else:
            self.quiet.set()
        self.settled.set()


def _end_at(limit: asyncio.Timeout, when: float | None) -> None:
    if not limit.expired() and limit.when() != _AT_ONCE:
        limit.reschedule(when)


class Followings:
    """All channels that one server copies."""

    def __init__(self, settings: CaptionSettings, captions: Broadcaster, replica: str) -> None:
        """
        Args:
            captions: of this server.
            replica: its name.
        """
        self._settings = settings
        self._captions = captions
        self._replica = replica
        self._known: dict[str, Following] = {}

    @property
    def names(self) -> set[str]:
        """Of all of them."""
        return set(self._known)

    def of(self, name: str) -> Following | None:
        """The one of this name."""
        return self._known.get(name)

    def begin(self, channel: StoredChannel) -> None:
        """Copy a channel of another server from now on, from where it is now; not one to which
        somebody speaks here."""
        mine = self._captions.channel_of(channel.name)
        if channel.name in self._captions.own:
            if mine is not None and mine.live:
                return
            self._captions.give_away(channel.name)
        is_kept_here = channel.keeper == self._replica
        where = Places(
            Place.of(channel.replica, channel.address),
            None if is_kept_here else Place.of(channel.keeper, channel.keeper_address),
        )
        known = self._known.get(channel.name)
        if known is None:
            self._known[channel.name] = Following(
                self._captions, self._new_copy, channel.name, channel.project, where
            )
        else:
            known.at(where)

    async def end(self, name: str) -> None:
        """Copy a channel no more; what there is of it stays."""
        following = self._known.pop(name, None)
        if following is not None:
            await following.stop()

    def _new_copy(self) -> Copy:
        return Copy(self._settings.history_cues, asyncio.get_running_loop().time)
