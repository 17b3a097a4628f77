"""The audio of one peer on its way to the recognition.

It goes in pieces, in turns with others, and no faster than it is decoded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine

from rasr.runtime.fair_share import SessionShare
from rasr.runtime.runner import RecognitionRunner

_LONGEST_PAUSE_S = 5.0
_MOST_BUDGETS = 16
"""With so much undecoded audio nothing more is taken, pings or not: memory has an end."""
_HASTE = 8.0
"""Seconds of audio taken in a second when a connection has just reached its budget.

A ping waits behind the audio that the client has given its kernel before it, up to 1.7 MB on
loopback with the options of `rasr.server.listener`; taken at eight times the speed of speech that
is 7 s, and the official SDK gives up after 10 s. Slower from the start would drop such clients;
never slower would fill the memory.
"""


class Intake:
    """Feeds messages of audio. While it waits, no other message of the peer is read."""

    def __init__(
        self,
        share: SessionShare,
        backlog_s: float,
        heard: Callable[[], None],
        gone: Callable[[], bool],
    ) -> None:
        """
        Args:
            share: the time that the work on messages may take.
            backlog_s: undecoded audio from which on it is taken slowly.
            heard: called when the peer could be heard no sooner, because of a wait in here.
            gone: tells whether the peer has left; then the rest of its audio is dropped.
        """
        self._share = share
        self._backlog_s = backlog_s
        self._heard = heard
        self._gone = gone
        self._waiting: deque[bytes] = deque()
        self._taken_s = 0.0
        """Audio of the recognition before the newest piece."""
        self.is_slow = False
        """True while the peer cannot be heard."""

    def begin(self, runner: RecognitionRunner) -> None:
        """Audio that is taken now is for this recognition."""
        self._taken_s = runner.audio_s

    def add(self, data: bytes) -> None:
        """Audio of the newest message."""
        self._waiting.append(data)

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be taken."""
        return not self._waiting

    async def take(self, runner: RecognitionRunner | None) -> None:
        """Give all that was added to the recognition in pieces, none of which takes long."""
        while self._waiting:
            data = self._waiting.popleft()
            if runner is not None:
                await self._feed(runner, data)

    async def slowly(self, waiting: Coroutine[None, None, None]) -> None:
        """Wait for something. What the peer says meanwhile nobody hears, so it is not silent."""
        self.is_slow = True
        await waiting
        self.is_slow = False
        self._heard()

    async def turn(self) -> None:
        """Let others go first, where the peer has had its share."""
        if self._share.must_wait:
            await self.slowly(self._share.turn())

    async def _feed(self, runner: RecognitionRunner, data: bytes) -> None:
        for _ in self._share.measured(runner.steps(data)):
            if runner.backlog_s > self._backlog_s:
                seconds = max(0.0, runner.audio_s - self._taken_s)
                await self.slowly(_pause(runner, seconds, self._backlog_s))
            self._taken_s = runner.audio_s
            await self.turn()
            if self._gone():
                self._waiting.clear()
                return


async def _pause(runner: RecognitionRunner, seconds: float, budget_s: float) -> None:
    """Slow down a client whose audio comes faster than it is decoded, past one budget.

    With `n` budgets of undecoded audio, it is taken at 8/n times the speed of speech; TCP carries
    the pause to the client. Why not slower at once: see `_HASTE`.
    """
    used = runner.backlog_s / budget_s
    await asyncio.sleep(min(_LONGEST_PAUSE_S, seconds * used / _HASTE))
    while runner.backlog_s > _MOST_BUDGETS * budget_s:
        await runner.progress()
