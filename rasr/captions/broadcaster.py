"""The broadcaster: one recognition publishes to a channel, a thousand viewers follow its name.

Owns which channels there are and how long they live. Where several servers are one, some channels
are copies of those of other servers: who keeps them up shows them here.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from rasr.captions.audience import Audience, Loop, Timer
from rasr.captions.channel import Channel, ChannelHistory
from rasr.captions.publisher import Publisher
from rasr.captions.watchers import Copier, Viewer, Watcher
from rasr.settings import CaptionSettings

_log = structlog.get_logger("rasr.captions")

_COPIES = 4
"""So many copies are kept for each channel that may be here: they are of several other servers."""


@dataclass(frozen=True, slots=True)
class ChannelBusy:
    """Another recognition is publishing to the channel."""

    name: str


@dataclass(frozen=True, slots=True)
class TooManyChannels:
    """The channel is not there, and there are as many others as are kept, all of them in use."""

    name: str
    channels: int
    """So many there are."""
    max_channels: int


ChannelRefusal = ChannelBusy | TooManyChannels
"""Why a recognition may not publish to a channel."""


class Broadcaster:
    """All caption channels of a server, and all who watch them."""

    def __init__(self, settings: CaptionSettings, loop: Loop) -> None:
        self._settings = settings
        self._loop = loop
        self._channels: dict[str, Channel] = {}
        self._owners: dict[str, str] = {}
        """Who opened each channel."""
        self._projects: dict[str, str] = {}
        """Of each channel; empty where nobody was asked who he is."""
        self._expiry: dict[str, Timer] = {}
        """Of channels to which nobody publishes; the one that ended first is the first."""
        self._copies: set[str] = set()
        """Channels that are copies."""
        self._audience = Audience(settings.max_viewers, loop)

    # Publishers

    def refusal(self, name: str, project: str = "") -> ChannelRefusal | None:
        """Why a recognition may not publish to `name` now; None where it may.

        Args:
            project: whose recognition it is, as far as anybody was asked.
        """
        channel = None if name in self._copies else self._channels.get(name)
        if channel is not None and (channel.live or self._projects[name] != project):
            # What another project has published is not to be gone on with.
            return ChannelBusy(name)
        if channel is None and self._is_full and self._least_needed() is None:
            return TooManyChannels(name, self.channels, self._settings.max_channels)
        return None

    def open(self, name: str, owner: str = "", project: str = "") -> Publisher:
        """Let a recognition publish to `name`, for which there must be no `refusal`.

        Args:
            owner: whose it is; who leaves many channels behind loses the first of them to others.
            project: as in `refusal`.
        """
        if name not in self._projects:
            if self._is_full and (spare := self._least_needed()) is not None:
                self._expiry[spare].cancel()
                self._expire(spare)
            self._own(name, owner, project)
        channel = self._channels.get(name)
        if channel is None:
            channel = Channel(secrets.token_hex(4), self._settings.history_cues)
            self._channels[name] = channel
        self._stays(name)
        channel.begin(self._loop.time())
        self._audience.wake(name)
        return Publisher(channel, partial(self._audience.wake, name), partial(self._ended, name))

    def _own(self, name: str, owner: str, project: str) -> None:
        self._copies.discard(name)
        self._owners[name] = owner
        self._projects[name] = project

    def _stays(self, name: str) -> None:
        if name in self._expiry:
            self._expiry.pop(name).cancel()

    @property
    def _is_full(self) -> bool:
        return self.channels >= self._settings.max_channels

    def _least_needed(self) -> str | None:
        """The channel that gives way to a new one: ended and watched by nobody, of the owner who
        has most of these; None if there is none."""
        ended = [
            name
            for name in self._expiry
            if name in self._owners and not self._audience.watches(name)
        ]
        if not ended:
            return None
        ((most, _),) = Counter(self._owners[name] for name in ended).most_common(1)
        return next(name for name in ended if self._owners[name] == most)

    def _ended(self, name: str) -> None:
        if not self.closing:
            self._expiry[name] = self._loop.call_later(
                self._settings.grace_s, lambda: self._expire(name)
            )
        self._audience.wake(name)

    def _expire(self, name: str) -> None:
        del self._expiry[name]
        channel = self._channels.pop(name)
        self._disown(name)
        self._copies.discard(name)
        viewers = self._audience.watches(name)
        _log.info("channel_gone", channel=name, cues=channel.final_cues, viewers=viewers)
        self._audience.wake(name)

    def _disown(self, name: str) -> None:
        self._owners.pop(name, None)
        self._projects.pop(name, None)

    # Copies of channels of other servers

    @property
    def own(self) -> Mapping[str, str]:
        """The channels that are no copies, and the project of each."""
        return self._projects

    @property
    def copies(self) -> int:
        """How many copies there are."""
        return len(self._copies)

    @property
    def watched(self) -> set[str]:
        """The names that viewers watch and that are no channels of this server."""
        return self._audience.watched - self._projects.keys()

    def show(self, name: str, channel: Channel) -> bool:
        """Those who watch a name see this copy, which has news. False: there are too many copies,
        or the channel is ours."""
        if name in self._projects:
            return False
        if name not in self._copies:
            if self.copies >= _COPIES * self._settings.max_channels:
                return False
            self._copies.add(name)
        self._channels[name] = channel
        self._stays(name)
        self._audience.wake(name)
        return True

    def lose(self, name: str) -> None:
        """Nobody tells any more what becomes of a copy: it is as a channel that has ended."""
        if name in self._copies and name not in self._expiry:
            self._channels[name].end()
            self._ended(name)

    def drop(self, name: str) -> None:
        """A copy is not wanted any more, or what it is a copy of is gone."""
        if name in self._copies:
            self._stays(name)
            self._copies.discard(name)
            del self._channels[name]
            self._audience.wake(name)

    def inherit(self, name: str, project: str) -> None:
        """A copy is a channel of this server from now on: what it was a copy of is gone."""
        self.lose(name)
        self._own(name, "", project)

    def give_away(self, name: str) -> None:
        """A channel of this server to which nobody speaks is a copy from now on: another server
        goes on with it."""
        self._disown(name)
        self._copies.add(name)

    # Readers

    def history(self, name: str) -> ChannelHistory | None:
        """What was recognised so far on a channel; None where there is no such channel."""
        channel = self._channels.get(name)
        return None if channel is None else channel.history()

    @property
    def channels(self) -> int:
        """How many channels there are, without copies."""
        return len(self._projects)

    @property
    def viewers(self) -> int:
        """How many viewers there are, of all channels together."""
        return self._audience.viewers

    # Watchers

    def join(self, name: str, last_event_id: str | None, abort: Callable[[], None]) -> Viewer:
        """Take in a viewer of `name`, whether there is such a channel or not.

        Args:
            last_event_id: what it saw last; see `Channel.cursor`.
            abort: drops its connection at once.

        Raises:
            ViewerRefused: there are too many, or the server is shutting down.
        """
        viewer = Viewer(self, name, last_event_id, abort)
        self._audience.admit(viewer)
        return viewer

    def join_copier(self, name: str, place: str, abort: Callable[[], None]) -> Copier:
        """Take in another server, which copies the channel `name`. They take no places of viewers.

        Args:
            place: what it has; see `rasr.captions.copies.Copy`.
            abort: drops its connection at once.

        Raises:
            ViewerRefused: there are too many, or the server is shutting down.
        """
        copier = Copier(self, name, place, abort, self._loop.time)
        self._audience.admit(copier)
        return copier

    def leave(self, watcher: Watcher) -> None:
        """Forget one that `join` or `join_copier` took in."""
        self._audience.leave(watcher)

    def channel_of(self, name: str) -> Channel | None:
        """The channel of this name, while it lives."""
        return self._channels.get(name)

    @property
    def closing(self) -> bool:
        """True once `close` was called."""
        return self._audience.closing

    # The end

    async def wait_without_viewers(self) -> None:
        """Wait until nobody watches."""
        await self._audience.wait_until_empty()

    async def close(self, deadline_s: float) -> None:
        """Tell every viewer that this is the end; one that does not take it in time is dropped."""
        for timer in self._expiry.values():
            timer.cancel()
        self._expiry.clear()
        await self._audience.close(deadline_s)
