"""The hub: one speaker, a thousand viewers, by the name of a channel.

Owns which channels there are, how long they live, who watches them, and the waking of viewers.
Viewers are woken a few at a time, so that between them the loop gets to the sound of the speaker
and to results. Nothing is queued for a viewer: what he gets is read from the channel when he can
take it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from rasr.captions.channel import Channel, Cursor, Said
from rasr.captions.events import KEEP_ALIVE, PREAMBLE, ChannelState, state_event
from rasr.settings import CaptionSettings
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.messages import Segment

_log = structlog.get_logger("rasr.captions")

KEEP_ALIVE_S = 15.0
_WOKEN_AT_ONCE = 50
"""At about 40 µs each that is 2 ms, as much as a step of the server's own work."""


class Refused(Exception):
    """There is no room for another viewer; the text says so."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Loop(Protocol):
    """What the hub needs of an event loop."""

    def time(self) -> float: ...

    def call_soon(self, callback: Callable[[], None]) -> Any: ...

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer: ...


class Hub:
    """All channels of a server."""

    def __init__(self, settings: CaptionSettings, loop: Loop) -> None:
        self._settings = settings
        self._loop = loop
        self._channels: dict[str, Channel] = {}
        self._expiry: dict[str, Timer] = {}
        self._viewers: dict[str, set[Viewer]] = {}
        self._count = 0
        self._to_wake: deque[Viewer] = deque()
        self._keep_alive: Timer | None = None
        self._closing = False
        self._empty = asyncio.Event()
        self._empty.set()

    # The speaker

    def refusal(self, name: str) -> ProtocolError | None:
        """Why a round may not publish to `name` now, if so."""
        channel = self._channels.get(name)
        if channel is not None and channel.live:
            return ProtocolError(
                ErrorCode.INVALID,
                f"'caption_channel' is invalid: it is {name!r}, to which another round is "
                "publishing; allowed: a channel without an open round",
            )
        if channel is None and len(self._channels) >= self._settings.max_channels:
            return ProtocolError(
                ErrorCode.FULL,
                f"'caption_channel' is refused: the server keeps {len(self._channels)} of "
                f"{self._settings.max_channels} caption channels; try again when one has gone, "
                f"{self._settings.grace_s:g} s after its round",
            )
        return None

    def open(self, name: str) -> Publisher:
        """A round begins to publish; nobody must have refused it."""
        channel = self._channels.get(name)
        if channel is None:
            channel = Channel(secrets.token_hex(4), self._settings.history_cues)
            self._channels[name] = channel
        elif name in self._expiry:
            self._expiry.pop(name).cancel()
        channel.begin(self._loop.time())
        self._wake(name)
        return Publisher(self, name, channel)

    def _ended(self, name: str) -> None:
        if not self._closing:
            self._expiry[name] = self._loop.call_later(
                self._settings.grace_s, lambda: self._expire(name)
            )
        self._wake(name)

    def _expire(self, name: str) -> None:
        del self._expiry[name]
        channel = self._channels.pop(name)
        viewers = len(self._viewers.get(name, ()))
        _log.info("channel_gone", channel=name, cues=channel.said, viewers=viewers)
        self._wake(name)

    # Readers

    def said(self, name: str) -> Said | None:
        """What was said so far on a channel, while it lives."""
        channel = self._channels.get(name)
        return None if channel is None else channel.kept()

    @property
    def channels(self) -> int:
        return len(self._channels)

    @property
    def viewers(self) -> int:
        return self._count

    # Viewers

    def join(self, name: str, last_event_id: str | None, abort: Callable[[], None]) -> Viewer:
        """A viewer comes; `leave` lets him go.

        Args:
            abort: drops his connection at once.

        Raises:
            Refused
        """
        if self._closing:
            raise Refused("the server is shutting down")
        if self._count >= self._settings.max_viewers:
            raise Refused(
                f"{self._count} of {self._settings.max_viewers} viewers are here; "
                "try again when one has left"
            )
        viewer = Viewer(self, name, last_event_id, abort)
        self._viewers.setdefault(name, set()).add(viewer)
        self._count += 1
        self._empty.clear()
        if self._keep_alive is None:
            self._keep_alive = self._loop.call_later(KEEP_ALIVE_S, self._comment)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        watching = self._viewers[viewer.name]
        watching.remove(viewer)
        if not watching:
            del self._viewers[viewer.name]
        self._count -= 1
        if self._count == 0:
            self._empty.set()
            if self._keep_alive is not None:
                self._keep_alive.cancel()
                self._keep_alive = None

    def channel_of(self, name: str) -> Channel | None:
        return self._channels.get(name)

    @property
    def closing(self) -> bool:
        return self._closing

    def _wake(self, name: str) -> None:
        idle = not self._to_wake
        for viewer in self._viewers.get(name, ()):
            # Who waits for his turn already is told of this too when it comes.
            if not viewer.is_queued:
                viewer.is_queued = True
                self._to_wake.append(viewer)
        if idle and self._to_wake:
            self._wake_some()

    def _wake_some(self) -> None:
        for _ in range(min(_WOKEN_AT_ONCE, len(self._to_wake))):
            self._to_wake.popleft().wake()
        if self._to_wake:
            self._loop.call_soon(self._wake_some)

    def _comment(self) -> None:
        self._keep_alive = self._loop.call_later(KEEP_ALIVE_S, self._comment)
        for name, viewers in self._viewers.items():
            for viewer in viewers:
                viewer.comment_due = True
            self._wake(name)

    # The end

    async def quiet(self) -> None:
        """Wait until nobody watches."""
        await self._empty.wait()

    async def close(self, deadline_s: float) -> None:
        """Tell every viewer that this is the end; who does not take it in time is dropped."""
        self._closing = True
        for timer in self._expiry.values():
            timer.cancel()
        self._expiry.clear()
        for name in self._viewers:
            self._wake(name)
        try:
            async with asyncio.timeout(deadline_s):
                await self.quiet()
        except TimeoutError:
            for viewer in [one for viewers in self._viewers.values() for one in viewers]:
                viewer.abort()
            await self.quiet()


class Publisher:
    """A round's way to its channel."""

    def __init__(self, hub: Hub, name: str, channel: Channel) -> None:
        self._hub = hub
        self._name = name
        self._channel = channel

    def publish(self, segments: tuple[Segment, ...]) -> None:
        for segment in segments:
            self._channel.publish(segment)
        self._hub._wake(self._name)

    def close(self) -> None:
        """The round is over."""
        self._channel.end()
        self._hub._ended(self._name)


class Viewer:
    """Somebody who watches a name, whether there is a channel or not."""

    def __init__(
        self, hub: Hub, name: str, last_event_id: str | None, abort: Callable[[], None]
    ) -> None:
        self.name = name
        self.abort = abort
        self.is_queued = False
        self.comment_due = False
        self._hub = hub
        self._last_event_id = last_event_id
        self._cursor = Cursor()
        self._token: str | None = None
        self._told: ChannelState | None = None
        self._gone = False
        self._woken = asyncio.Event()

    async def next(self) -> bytes | None:
        """Events that he has not been given, as soon as there are any; None: there are no more."""
        while not self._gone:
            self._woken.clear()
            news = self.news()
            if news:
                return news
            if self._told is ChannelState.CLOSING:
                return None
            await self._woken.wait()
        return None

    def news(self) -> bytes:
        """What is new for him, without waiting."""
        channel = self._hub.channel_of(self.name)
        token = channel.token if channel else ""
        parts = [] if self._told else [PREAMBLE]
        if token != self._token:
            # Which history this is has to be known before the first cue of it.
            self._token, self._told = token, _state(channel)
            parts.append(state_event(self._told, token))
            if channel is not None:
                self._cursor = channel.cursor(self._last_event_id)
            # Whoever is here sees all of a channel that begins later.
            self._last_event_id = ""
        if channel is not None:
            parts.append(channel.since(self._cursor))
        if channel is None or channel.is_all_given(self._cursor):
            state = ChannelState.CLOSING if self._hub.closing else _state(channel)
            if state is not self._told:
                self._told = state
                parts.append(state_event(state, token))
        if self.comment_due:
            self.comment_due = False
            if not any(parts):
                parts.append(KEEP_ALIVE)
        return b"".join(parts)

    def go(self) -> None:
        """His connection is gone."""
        self._gone = True
        self._woken.set()

    def wake(self) -> None:
        self.is_queued = False
        self._woken.set()


def _state(channel: Channel | None) -> ChannelState:
    if channel is None:
        return ChannelState.WAITING
    return ChannelState.LIVE if channel.live else ChannelState.ENDED
