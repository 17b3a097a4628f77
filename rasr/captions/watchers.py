"""Who watches a channel: viewers, and other servers, which copy it for viewers of their own.

Nothing is queued for a watcher: what it gets is read from the channel when it can take it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from rasr.captions.channel import Channel, Cursor
from rasr.captions.copies import nothing_there, told
from rasr.captions.event_stream import (
    KEEP_ALIVE,
    PREAMBLE,
    ChannelState,
    EventId,
    state_event,
)


class Channels(Protocol):
    """What a watcher asks of the broadcaster."""

    @property
    def closing(self) -> bool:
        """True once the server shuts down."""

    def channel_of(self, name: str) -> Channel | None:
        """The channel of this name, while it lives."""


class Watcher(ABC):
    """One connection that watches a name, whether there is such a channel or not."""

    def __init__(
        self,
        channels: Channels,
        name: str,
        last_event_id: str | None,
        abort: Callable[[], None],
    ) -> None:
        """
        Args:
            last_event_id: what it saw last; see `Channel.cursor`.
            abort: drops its connection at once.
        """
        self.name = name
        self.abort = abort
        self.is_queued = False
        """True while it waits for its turn to be woken."""
        self.comment_due = False
        """True if it is to be sent a comment where there are no events for it."""
        self._channels = channels
        self._last_event_id = last_event_id
        self._cursor = Cursor()
        self._channel: Channel | None = None
        self._gone = False
        self._woken = asyncio.Event()

    async def next_events(self) -> bytes | None:
        """What it has not been given, as soon as there is any; None: there is no more."""
        while not self._gone:
            self._woken.clear()
            events = self.new_events()
            if events:
                return events
            if self._is_over:
                return None
            await self._woken.wait()
        return None

    @abstractmethod
    def new_events(self) -> bytes:
        """What it has not been given, without waiting; empty if there is nothing."""

    @property
    @abstractmethod
    def _is_over(self) -> bool:
        """True once it has been given the last there is, as the server shuts down."""

    def _followed(self) -> Channel | None:
        """The channel as it is now; the cursor is where this watcher goes on in it."""
        channel = self._channels.channel_of(self.name)
        if channel is not self._channel:
            if self._channel is not None:
                self._last_event_id = str(EventId(self._channel.token, self._cursor.final))
            if channel is not None:
                self._cursor = channel.cursor(self._last_event_id)
            self._channel = channel
        if self._last_event_id is None:
            # One that is here already sees all of a channel that begins later.
            self._last_event_id = ""
        return channel

    def disconnect(self) -> None:
        """Its connection is gone: `next_events` ends."""
        self._gone = True
        self._woken.set()

    def wake(self) -> None:
        """There may be news: `next_events` looks again."""
        self.is_queued = False
        self._woken.set()


class Viewer(Watcher):
    """One that reads: it is given server-sent events."""

    _token: str | None = None
    _state_sent: ChannelState | None = None

    def new_events(self) -> bytes:
        """Events that it has not been given, without waiting; empty if there are none."""
        channel = self._followed()
        token = channel.token if channel else ""
        parts = [] if self._state_sent else [PREAMBLE]
        if token != self._token:
            # Which history this is has to be known before the first cue of it.
            self._token, self._state_sent = token, _state(channel)
            parts.append(state_event(self._state_sent, token))
        if channel is not None:
            parts.append(channel.since(self._cursor))
        if channel is None or channel.is_all_given(self._cursor):
            state = ChannelState.CLOSING if self._channels.closing else _state(channel)
            if state is not self._state_sent:
                self._state_sent = state
                parts.append(state_event(state, token))
        if self.comment_due:
            self.comment_due = False
            if not any(parts):
                parts.append(KEEP_ALIVE)
        return b"".join(parts)

    @property
    def _is_over(self) -> bool:
        return self._state_sent is ChannelState.CLOSING


class Copier(Watcher):
    """Another server, which copies the channel: it is given one message of `copies` at a time."""

    def __init__(
        self,
        channels: Channels,
        name: str,
        place: str,
        abort: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """
        Args:
            place: see `rasr.captions.copies.Copy.place`.
            clock: on which channels begin.
        """
        super().__init__(channels, name, place, abort)
        self._clock = clock
        self._told: tuple[str, bool] | None = None
        """Token and state that were told last."""

    def new_events(self) -> bytes:
        """The next message, without waiting; empty if there is nothing to be told."""
        self.comment_due = False
        channel = self._followed()
        now = ("", False) if channel is None else (channel.token, channel.live)
        if channel is None:
            message = nothing_there() if now != self._told else b""
            # A copy of nothing has nothing.
            self._last_event_id = ""
        else:
            changes = channel.changes(self._cursor)
            is_news = now != self._told or changes.missed or changes.finals or changes.rolling
            message = told(channel, self._cursor.final, changes, self._clock()) if is_news else b""
        self._told = now
        return message

    @property
    def _is_over(self) -> bool:
        return self._channels.closing


def _state(channel: Channel | None) -> ChannelState:
    if channel is None:
        return ChannelState.WAITING
    return ChannelState.LIVE if channel.live else ChannelState.ENDED
