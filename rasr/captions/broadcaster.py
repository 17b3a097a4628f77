"""The broadcaster: one recognition publishes to a channel, a thousand viewers follow its name.

Owns which channels there are, how long they live, who watches them, and the waking of viewers.
Viewers are woken a few at a time, so that between them the event loop gets to audio and to results.
Nothing is queued for a viewer: what it gets is read from the channel when it can take it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from rasr.captions.channel import Channel, ChannelHistory, Cursor
from rasr.captions.event_stream import KEEP_ALIVE, PREAMBLE, ChannelState, state_event
from rasr.captions.timed_text import timed_text
from rasr.recognition.events import Final, Partial, RecognitionEvent
from rasr.settings import CaptionSettings

_log = structlog.get_logger("rasr.captions")

KEEP_ALIVE_S = 15.0
"""A viewer is sent a comment so often."""
_WOKEN_AT_ONCE = 50
"""At about 40 µs each that is 2 ms, as much as a step of the server's own work."""


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


class ViewerRefused(Exception):
    """There is no room for another viewer; the text says so."""


class Timer(Protocol):
    """A call that will be made later."""

    def cancel(self) -> None:
        """Do not make it."""


class Loop(Protocol):
    """What the broadcaster needs of an event loop."""

    def time(self) -> float:
        """Seconds of a monotonic clock."""

    def call_soon(self, callback: Callable[[], None]) -> object:
        """Call at the next turn of the loop."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call in `delay` seconds."""


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
        self._viewers: dict[str, set[Viewer]] = {}
        self._count = 0
        self._to_wake: deque[Viewer] = deque()
        self._keep_alive: Timer | None = None
        self._closing = False
        self._empty = asyncio.Event()
        self._empty.set()

    # Publishers

    def refusal(self, name: str, project: str = "") -> ChannelRefusal | None:
        """Why a recognition may not publish to `name` now; None where it may.

        Args:
            project: whose recognition it is, as far as anybody was asked.
        """
        settings, channel = self._settings, self._channels.get(name)
        if channel is not None and (channel.live or self._projects[name] != project):
            # What another project has published is not to be gone on with.
            return ChannelBusy(name)
        if channel is None and self._is_full and self._least_needed() is None:
            return TooManyChannels(name, len(self._channels), settings.max_channels)
        return None

    def open(self, name: str, owner: str = "", project: str = "") -> Publisher:
        """Let a recognition publish to `name`, for which there must be no `refusal`.

        Args:
            owner: whose it is; who leaves many channels behind loses the first of them to others.
            project: as in `refusal`.
        """
        channel = self._channels.get(name)
        if channel is None:
            if self._is_full and (spare := self._least_needed()) is not None:
                self._expiry[spare].cancel()
                self._expire(spare)
            self._owners[name] = owner
            self._projects[name] = project
            channel = Channel(secrets.token_hex(4), self._settings.history_cues)
            self._channels[name] = channel
        elif name in self._expiry:
            self._expiry.pop(name).cancel()
        channel.begin(self._loop.time())
        self._wake(name)
        return Publisher(channel, partial(self._wake, name), partial(self._ended, name))

    @property
    def _is_full(self) -> bool:
        return len(self._channels) >= self._settings.max_channels

    def _least_needed(self) -> str | None:
        """The channel that gives way to a new one: ended and watched by nobody, of the owner who
        has most of these; None if there is none."""
        ended = [name for name in self._expiry if name not in self._viewers]
        if not ended:
            return None
        ((most, _),) = Counter(self._owners[name] for name in ended).most_common(1)
        return next(name for name in ended if self._owners[name] == most)

    def _ended(self, name: str) -> None:
        if not self._closing:
            self._expiry[name] = self._loop.call_later(
                self._settings.grace_s, lambda: self._expire(name)
            )
        self._wake(name)

    def _expire(self, name: str) -> None:
        del self._expiry[name]
        channel = self._channels.pop(name)
        del self._owners[name]
        del self._projects[name]
        viewers = len(self._viewers.get(name, ()))
        _log.info("channel_gone", channel=name, cues=channel.final_cues, viewers=viewers)
        self._wake(name)

    # Readers

    def history(self, name: str) -> ChannelHistory | None:
        """What was recognised so far on a channel; None where there is no such channel."""
        channel = self._channels.get(name)
        return None if channel is None else channel.history()

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return len(self._channels)

    @property
    def viewers(self) -> int:
        """How many viewers there are, of all channels together."""
        return self._count

    # Viewers

    def join(self, name: str, last_event_id: str | None, abort: Callable[[], None]) -> Viewer:
        """Take in a viewer of `name`, whether there is such a channel or not.

        Args:
            last_event_id: what it saw last; see `Channel.cursor`.
            abort: drops its connection at once.

        Raises:
            ViewerRefused: there are too many, or the server is shutting down.
        """
        if self._closing:
            raise ViewerRefused("the server is shutting down")
        if self._count >= self._settings.max_viewers:
            raise ViewerRefused(
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
        """Forget a viewer that `join` took in."""
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
        """The channel of this name, while it lives."""
        return self._channels.get(name)

    @property
    def closing(self) -> bool:
        """True once `close` was called."""
        return self._closing

    def _wake(self, name: str) -> None:
        idle = not self._to_wake
        for viewer in self._viewers.get(name, ()):
            # One that waits for its turn already is told of this too when it comes.
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

    async def wait_without_viewers(self) -> None:
        """Wait until nobody watches."""
        await self._empty.wait()

    async def close(self, deadline_s: float) -> None:
        """Tell every viewer that this is the end; one that does not take it in time is dropped."""
        self._closing = True
        for timer in self._expiry.values():
            timer.cancel()
        self._expiry.clear()
        for name in self._viewers:
            self._wake(name)
        try:
            async with asyncio.timeout(deadline_s):
                await self.wait_without_viewers()
        except TimeoutError:
            for viewer in [one for viewers in self._viewers.values() for one in viewers]:
                viewer.abort()
            await self.wait_without_viewers()


class Publisher:
    """A subscriber of one recognition: its partials and finals go to a channel."""

    def __init__(
        self, channel: Channel, on_change: Callable[[], None], on_close: Callable[[], None]
    ) -> None:
        """
        Args:
            channel: it has begun.
            on_change: called when there is something new for viewers.
            on_close: called when the recognition is over.
        """
        self._channel = channel
        self._on_change = on_change
        self._on_close = on_close

    def on_event(self, event: RecognitionEvent) -> None:
        """Publish a partial that has text and every final; other events are no captions.

        A final without text withdraws the partials of its segment.
        """
        match event:
            case Final():
                self._publish(event)
            case Partial() if event.hypothesis.text:
                self._publish(event)
            case _:
                pass

    def close(self) -> None:
        """The recognition is over; partials that have no final are withdrawn. To be called once."""
        self._channel.end()
        self._on_close()

    def _publish(self, event: Partial | Final) -> None:
        self._channel.publish(timed_text(event))
        self._on_change()


class Viewer:
    """One connection that watches a name, whether there is such a channel or not."""

    def __init__(
        self,
        broadcaster: Broadcaster,
        name: str,
        last_event_id: str | None,
        abort: Callable[[], None],
    ) -> None:
        self.name = name
        self.abort = abort
        self.is_queued = False
        """True while it waits for its turn to be woken."""
        self.comment_due = False
        """True if it is to be sent a comment where there are no events for it."""
        self._broadcaster = broadcaster
        self._last_event_id = last_event_id
        self._cursor = Cursor()
        self._token: str | None = None
        self._state_sent: ChannelState | None = None
        self._gone = False
        self._woken = asyncio.Event()

    async def next_events(self) -> bytes | None:
        """Events that it has not been given, as soon as there are any; None: there are no more."""
        while not self._gone:
            self._woken.clear()
            events = self.new_events()
            if events:
                return events
            if self._state_sent is ChannelState.CLOSING:
                return None
            await self._woken.wait()
        return None

    def new_events(self) -> bytes:
        """Events that it has not been given, without waiting; empty if there are none."""
        channel = self._broadcaster.channel_of(self.name)
        token = channel.token if channel else ""
        parts = [] if self._state_sent else [PREAMBLE]
        if token != self._token:
            # Which history this is has to be known before the first cue of it.
            self._token, self._state_sent = token, _state(channel)
            parts.append(state_event(self._state_sent, token))
            if channel is not None:
                self._cursor = channel.cursor(self._last_event_id)
            # A viewer that is here already sees all of a channel that begins later.
            self._last_event_id = ""
        if channel is not None:
            parts.append(channel.since(self._cursor))
        if channel is None or channel.is_all_given(self._cursor):
            state = ChannelState.CLOSING if self._broadcaster.closing else _state(channel)
            if state is not self._state_sent:
                self._state_sent = state
                parts.append(state_event(state, token))
        if self.comment_due:
            self.comment_due = False
            if not any(parts):
                parts.append(KEEP_ALIVE)
        return b"".join(parts)

    def disconnect(self) -> None:
        """Its connection is gone: `next_events` ends."""
        self._gone = True
        self._woken.set()

    def wake(self) -> None:
        """There may be new events: `next_events` looks again."""
        self.is_queued = False
        self._woken.set()


def _state(channel: Channel | None) -> ChannelState:
    if channel is None:
        return ChannelState.WAITING
    return ChannelState.LIVE if channel.live else ChannelState.ENDED
