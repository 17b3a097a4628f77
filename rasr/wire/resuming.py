"""What both ends of a round remember so that it survives its connection, in any dialect.

The server numbers its messages and keeps them until the client acknowledges them; the client keeps
its audio until the server acknowledges that. Both are pure: no socket, no clock, and both bounded.
What no longer fits is forgotten, the oldest first, and a round that would need it cannot be taken
up any more: it is never taken up with a hole in it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MOST_SENT_BYTES = 1 << 20
"""Of messages of one round that are not acknowledged. Thousands of them, where a client that
acknowledges has a few dozen on their way."""
ACKNOWLEDGED_BYTES = 16 << 10
"""So much audio has come when it is acknowledged again: half a second of `pcm16k16bit`."""
ACKNOWLEDGED_MESSAGES = 16
"""So many messages have come when a client acknowledges them again; finals at once."""
_OVERHEAD_BYTES = 100
"""What an empty message takes, about: an object and its place in a queue."""


class SentMessages:
    """The server's side: what was sent and is not acknowledged."""

    def __init__(self, most_bytes: int = MOST_SENT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: deque[tuple[int, str]] = deque()
        self._bytes = 0
        self.newest = 0
        """The number of the newest message; 0: none was sent."""
        self.acknowledged = 0
        """The client has got all up to this number."""

    @property
    def next_number(self) -> int:
        """Of the message that is added next."""
        return self.newest + 1

    @property
    def kept_bytes(self) -> int:
        """What the messages take that are kept; never more than the bound."""
        return self._bytes

    @property
    def all_arrived(self) -> bool:
        """True if the client has acknowledged everything."""
        return self.acknowledged == self.newest

    def add(self, text: str) -> None:
        """A message that is sent now."""
        self.newest += 1
        self._kept.append((self.newest, text))
        self._bytes += _size(text)
        while self._bytes > self._most_bytes:
            self._forget_oldest()

    def acknowledge(self, number: int) -> None:
        """The client has got all messages up to this one. More than was sent says no more."""
        self.acknowledged = max(self.acknowledged, min(number, self.newest))
        while self._kept and self._kept[0][0] <= self.acknowledged:
            self._forget_oldest()

    def has_all_after(self, number: int) -> bool:
        """True if a client that has got all up to `number` can be sent all the others."""
        oldest = self._kept[0][0] if self._kept else self.next_number
        return oldest - 1 <= number <= self.newest

    def after(self, number: int) -> list[str]:
        """The messages behind this one, in order."""
        return [text for at, text in self._kept if at > number]

    def _forget_oldest(self) -> None:
        _, text = self._kept.popleft()
        self._bytes -= _size(text)


class ReceivedAudio:
    """The server's side: how far the audio has come."""

    def __init__(self) -> None:
        self.bytes = 0
        """Since START."""
        self.is_whole = False
        """END has come."""
        self._told = 0

    def came(self, length: int) -> bool:
        """A message of audio came. True: that is to be acknowledged."""
        self.bytes += length
        if self.bytes - self._told < ACKNOWLEDGED_BYTES:
            return False
        self._told = self.bytes
        return True


class SentAudio:
    """The client's side: what was given to be sent and has not surely arrived; also what has, and
    is not settled, so that another server can begin with it.

    Audio waits in here also while there is no connection.
    """

    def __init__(self, most_bytes: int, most_unsettled_bytes: int = 0) -> None:
        """
        Args:
            most_bytes: of audio that is kept because it has not arrived.
            most_unsettled_bytes: of audio that is kept although it has.
        """
        self._most_bytes = most_bytes
        self._most_unsettled_bytes = most_unsettled_bytes
        self._sent: deque[_Chunk] = deque()
        self._waiting: deque[_Chunk] = deque()
        self._end = 0
        """Where the next chunk begins, in bytes since START."""
        self._arrived = 0
        self._settled = 0

    @property
    def kept_bytes(self) -> int:
        """Audio that is kept. Only what was never sent can be more than the bound."""
        return self._end - self._start

    @property
    def is_full(self) -> bool:
        """True if more would push out what has not surely arrived."""
        return self._end - max(self._start, self._arrived) >= self._most_bytes

    @property
    def _start(self) -> int:
        return self._sent[0].begin if self._sent else self._sent_to

    @property
    def _sent_to(self) -> int:
        return self._waiting[0].begin if self._waiting else self._end

    def add(self, data: bytes) -> None:
        """More audio. What was sent makes room for it, the oldest first."""
        if not data:
            return
        self._waiting.append(_Chunk(self._end, data))
        self._end += len(data)
        most = self._most_bytes + self._most_unsettled_bytes
        while self._sent and self.kept_bytes > most:
            self._sent.popleft()

    def next(self) -> bytes | None:
        """What is to be sent next; None: all was sent."""
        return self._waiting[0].data if self._waiting else None

    def went(self) -> None:
        """That was sent."""
        self._sent.append(self._waiting.popleft())

    def arrived(self, upto: int) -> None:
        """The server has got all audio up to this byte."""
        self._arrived = max(self._arrived, min(upto, self._sent_to))
        self._forget()

    def settled(self, upto: int) -> None:
        """Nobody needs audio before this byte any more: it was recognised, or nobody spoke."""
        self._settled = max(self._settled, min(upto, self._sent_to))
        self._forget()

    def go_on_from(self, byte: int) -> bool:
        """The server has got the audio before this byte; what is behind it is to be sent (again).

        False: that is not all there any more, or the server says what cannot be.
        """
        if not max(self._start, self._arrived) <= byte <= self._sent_to:
            return False
        self._send_again_from(byte)
        self.arrived(byte)
        return True

    @property
    def has_unsettled(self) -> bool:
        """True if all audio is there that is not settled."""
        return self._settled >= self._start

    def begin_anew(self) -> int:
        """All audio that is not settled is to be sent again. Returns where it begins."""
        assert self.has_unsettled, "asked before"
        self._send_again_from(self._settled)
        self._sent.clear()
        self._arrived = self._settled
        return self._settled

    def _send_again_from(self, byte: int) -> None:
        while self._sent and self._sent[-1].end > byte:
            self._waiting.appendleft(self._sent.pop())
        if self._waiting and self._waiting[0].begin < byte:
            first = self._waiting.popleft()
            at = byte - first.begin
            # The part before it is of use where a server is gone.
            self._sent.append(_Chunk(first.begin, first.data[:at]))
            self._waiting.appendleft(_Chunk(byte, first.data[at:]))

    def _forget(self) -> None:
        while self._sent and self._sent[0].end <= self._arrived:
            oldest = self._sent[0]
            unsettled = self._arrived - oldest.begin
            if oldest.end > self._settled and unsettled <= self._most_unsettled_bytes:
                return
            self._sent.popleft()


@dataclass(frozen=True, slots=True)
class _Chunk:
    begin: int
    data: bytes

    @property
    def end(self) -> int:
        return self.begin + len(self.data)


class ReceivedMessages:
    """The client's side: which messages came, so that none is told twice."""

    def __init__(self) -> None:
        self.newest = 0
        """The number of the newest message that came."""
        self._acknowledged = 0

    def came(self, number: int) -> bool:
        """A message came. False: it had come before."""
        if number <= self.newest:
            return False
        self.newest = number
        return True

    def must_acknowledge(self, *, at_once: bool) -> bool:
        """True if what has come is to be acknowledged now.

        Args:
            at_once: somebody waits for what came last to be acknowledged.
        """
        waiting = self.newest - self._acknowledged
        if waiting >= ACKNOWLEDGED_MESSAGES or (at_once and waiting):
            self._acknowledged = self.newest
            return True
        return False


def _size(text: str) -> int:
    # No more than it takes: Python keeps such text with one to four bytes a character.
    return len(text.encode()) + _OVERHEAD_BYTES
