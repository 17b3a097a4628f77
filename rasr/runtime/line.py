"""The line to one client: one websocket after the other, in a round that survives its connection.

To the conversation above it is a socket like any other, which is silent for a while when the client
has lost its own. Outside of such rounds it hands everything on as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rasr.runtime.place import Peer, Place, Return
from rasr.wire.dialect import ResumeWords
from rasr.wire.resuming import ReceivedAudio, SentMessages

CLOSE_ELSEWHERE = 1012
"""Of the closing handshake: the server stops, and another one may go on with the round."""


class LineBook(Protocol):
    """Where the rounds of one client are found when it comes back."""

    grace_s: float
    """For so long a round is held without a connection."""

    def is_end(self, text: str) -> bool:
        """True if the client says with this that no more audio comes."""

    def enter(self, token: str, line: Line) -> None:
        """A round can be gone on with by this token."""

    def find(self, token: str) -> Line | None:
        """The line whose round this client may go on with by this token."""

    def remove(self, token: str) -> None:
        """It can be gone on with no more."""

    def resumed(self) -> None:
        """A client has come back to a round."""

    def lost(self) -> None:
        """Nobody came back to a round within the grace."""


@dataclass(slots=True)
class _Round:
    """What is remembered of a round that survives its connection."""

    token: str
    words: ResumeWords
    book: LineBook
    sent: SentMessages = field(default_factory=SentMessages)
    is_over: bool = False
    """Its last message has been sent; it is held until that is acknowledged."""

    def kept(self, text: str) -> str:
        """The message as it is sent: it has a number, by which it can be asked for again."""
        message = self.words.numbered(text, self.sent.next_number)
        self.sent.add(message)
        return message


class Line:
    """One client's. See `rasr.runtime.driver.Socket`."""

    def __init__(
        self,
        peer: Peer,
        book: LineBook | None = None,
        came_back: Callable[[], None] = lambda: None,
        settled: Callable[[], int | None] = lambda: None,
        *,
        send_timeout_s: float,
    ) -> None:
        """
        Args:
            book: None: no round survives its connection here.
            came_back: called when the client has.
            settled: up to which sample all has been told that a round has found, or was silence.
            send_timeout_s: a peer that takes nothing for so long is dropped.
        """
        self._book = book
        self._came_back = came_back
        self._settled = settled
        self._send_timeout_s = send_timeout_s
        self._loop = asyncio.get_running_loop()
        self._place: Place | None = Place(peer)
        self._round: _Round | None = None
        self._audio = ReceivedAudio()
        self._is_replaceable = False
        """Its websocket may be, so that who waits for a message of it has to wake up then."""
        self._may_wait = True
        self._changed = asyncio.Event()
        """Another websocket has come, or none will."""
        self._held_until = 0.0

    # For the driver

    @property
    def gone(self) -> bool:
        """True once the client has left for good: what it has said before is work for nobody."""
        if self._is_held:
            return False
        return self._place is None or self._place.peer.gone

    @property
    def may_move(self) -> bool:
        """True in a round that its client can begin anew elsewhere: more of its audio comes."""
        return self._round is not None and not self._audio.is_whole and self._place is not None

    @property
    def is_away(self) -> bool:
        """True while the client has no connection and may come back."""
        return self._place is None and self._is_held

    async def receive(self) -> str | bytes | None:
        """The next message; None once the client is gone for good."""
        while True:
            place = self._place
            if place is None:
                if not await self._comes_back():
                    return None
                continue
            receive = place.receive if self._is_replaceable else place.peer.receive
            message = await receive()
            if place is not self._place:
                # Another one has taken its place, and what came too late here is sent there again.
                continue
            if message is not None:
                await self._count(message)
                return message
            self._let_go(place)
            if place.peer.left_for_good:
                self._give_up()

    async def send(self, message: str | bytes) -> None:
        """Send a message, now or when the client is back; waits while it reads slowly.

        Raises:
            TimeoutError: the client takes nothing, and cannot come back.
        """
        if self._round is not None and isinstance(message, str):
            message = self._round.kept(message)
        await self._send(message)

    async def close(self, code: int, reason: str) -> None:
        """Close the connection, behind what was missed; nobody can come back.

        Raises:
            TimeoutError: the client takes nothing.
        """
        self._give_up()
        if self._place is not None:
            await self._place.close(code, reason, self._send_timeout_s)

    def abort(self) -> None:
        """Drop the connection at once; nobody can come back."""
        self._give_up()
        if self._place is not None:
            self._place.peer.abort()

    # For the connection

    def audio_begins(self, *, survives: bool) -> None:
        """A round is asked for: its audio is what comes from now on.

        Args:
            survives: it may be one that survives its connection.
        """
        self._give_up()
        self._audio = ReceivedAudio()
        self._is_replaceable = survives and self._book is not None

    def begin(self, token: str, words: ResumeWords) -> None:
        """What is sent from now on belongs to a round that survives its connection."""
        assert self._book is not None, "such rounds are offered where they can be found again"
        self._round = _Round(token, words, self._book)
        self._book.enter(token, self)

    def end_round(self) -> None:
        """The last message of the round has been sent."""
        if self._round is not None:
            self._round.is_over = True
            self._settle()

    def acknowledge(self, number: int) -> None:
        """The client has got the messages up to this one."""
        if self._round is not None:
            self._round.sent.acknowledge(number)
            self._settle()

    def hand_over(self) -> None:
        """Somebody else has its websocket from now on."""
        self._place = None

    def leave(self) -> None:
        """Nobody reads or writes here any more."""
        self._give_up()
        if self._place is not None:
            self._place.left.set()

    def wait_no_more(self) -> None:
        """Whoever is away, or leaves from now on, could not come back: the server stops."""
        self._may_wait = False
        self._changed.set()

    # Coming back

    def go_on(self, token: str, number: int) -> Return | None:
        """Let this line's websocket go on with the round of another line.

        Args:
            number: the client has got the messages up to this one.

        Returns:
            what is left to do; None: there is no such round, or it cannot be gone on with.
        """
        other = None if self._book is None else self._book.find(token)
        if other is None or other is self or (place := self._place) is None:
            return None
        back = other._take_in(place, number)
        if back is not None:
            self._place = None
        return back

    def _take_in(self, place: Place, number: int) -> Return | None:
        current = self._round
        if current is None or not self._is_held or number > current.sent.newest:
            return None
        if not current.sent.has_all_after(number):
            # Not with a hole in it.
            self.abort()
            return None
        current.sent.acknowledge(number)
        former, self._place = self._place, place
        place.caught_up.clear()
        current.book.resumed()
        self._came_back()
        if former is not None:
            former.give_way()
        self._changed.set()
        answer = current.words.resumed(self._audio.bytes, ended=self._audio.is_whole)
        return Return(current.sent, place, former, answer, number, self._send_timeout_s)

    async def _comes_back(self) -> bool:
        """Wait for another websocket. False: none will come."""
        if not self.is_away:
            return False
        try:
            async with asyncio.timeout_at(self._held_until):
                while self.is_away:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            if self._round is not None and self._place is None:
                self._round.book.lost()
                self._give_up()
        return self._place is not None

    @property
    def _is_held(self) -> bool:
        return self._round is not None and self._may_wait

    def _let_go(self, place: Place) -> None:
        place.left.set()
        if place is self._place:
            self._place = None
        if self._book is not None:
            self._held_until = self._loop.time() + self._book.grace_s

    def _settle(self) -> None:
        current = self._round
        if current is not None and current.is_over and current.sent.all_arrived:
            self._give_up()

    def _give_up(self) -> None:
        """The round cannot be gone on with any more."""
        current, self._round = self._round, None
        if current is not None:
            current.book.remove(current.token)
            self._changed.set()

    # Messages in

    async def _count(self, message: str | bytes) -> None:
        """Know how far the audio has come, and say so now and then."""
        if isinstance(message, bytes):
            if self._audio.came(len(message)) and self._round is not None:
                await self._send(self._round.words.received(self._audio.bytes, self._settled()))
        elif self._is_replaceable and self._book is not None and self._book.is_end(message):
            self._audio.is_whole = True

    # Messages out

    async def _send(self, message: str | bytes) -> None:
        place = self._place
        if place is None:
            return
        if self._round is not None and not place.caught_up.is_set():
            # It is sent with what was missed.
            return
        try:
            await place.send(message, self._send_timeout_s)
        except TimeoutError:
            if place is not self._place:
                # It is kept for the one that has come in its place.
                return
            if not self._is_held:
                raise
            place.peer.abort()
            self._let_go(place)
