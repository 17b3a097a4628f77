"""Bodies of requests, read whole within bounds.

A body that a signature covers is read before anybody believes it: whoever names a key that there is
can have one read without being able to sign it. So what all bodies hold together has a bound, as
the length and the time of each; small ones always find room.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from typing import Any

from starlette.types import Message, Receive, Scope

from rasr.server.auth.answers import BAD_REQUEST, Refused, body_too_long, too_many

_BODY = "rasr.body"
_READ_S = 120.0
"""12 MB at 0.8 Mbit/s."""
_ROOM_BYTES = 64 << 20
_SMALL_BYTES = 64 << 10


class PeerGone(Exception):
    """The peer left before its body was here. Nobody wants an answer."""


class Body:
    """One body, and the room that it takes until it is let go."""

    def __init__(self, room: Room, caller: str, *, is_hashed: bool) -> None:
        self._room = room
        self.caller = caller
        self.gave_way = False
        """Its room is for others: it is read no further."""
        self.length = 0
        """Bytes that were read of it."""
        self.data = b""
        self._hash = hashlib.sha256() if is_hashed else None

    def let_go(self) -> None:
        """The body is not needed any more."""
        self._room.give_back(self.caller, self.taken_bytes)
        self.length = 0
        self.data = b""

    @property
    def taken_bytes(self) -> int:
        """Of the room."""
        return max(0, self.length - _SMALL_BYTES)

    @property
    def sha256(self) -> str:
        """The hash of one that is hashed, in hexadecimal digits."""
        assert self._hash is not None, "it was read without"
        return self._hash.hexdigest()

    def replayed(self, receive: Receive) -> Receive:
        """What the application receives: the body, then what comes behind it."""
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": self.data, "more_body": False}

        return replay

    def grow(self, part: bytes) -> bool:
        """Take room for more bytes of it; False if there is none."""
        length = self.length + len(part)
        more = max(0, length - _SMALL_BYTES) - self.taken_bytes
        if self.gave_way or not self._room.take(self.caller, more):
            return False
        self.length = length
        if self._hash is not None:
            # Piece by piece: all at once would hold up everybody's audio.
            self._hash.update(part)
        return True


class Room:
    """The bodies of one server that are being looked at."""

    def __init__(self) -> None:
        self.used_bytes = 0
        """Of those that are not small."""
        self._by_caller: Counter[str] = Counter()
        self._coming: dict[Body, asyncio.Timeout] = {}
        """Bodies that are being read, the oldest first, and until when."""

    def take(self, caller: str, count: int) -> bool:
        """Room for so many bytes more of a caller; False if there is none."""
        while count and self.used_bytes + count > _ROOM_BYTES:
            if not self._make_way(self._by_caller[caller] + count):
                return False
        self.used_bytes += count
        self._by_caller[caller] += count
        return True

    def give_back(self, caller: str, count: int) -> None:
        """Room that a caller needs no more."""
        self.used_bytes -= count
        self._by_caller[caller] -= count
        if not self._by_caller[caller]:
            del self._by_caller[caller]

    def _make_way(self, wanted: int) -> bool:
        """Give up the oldest body that is on its way, of the caller who has the most, for one who
        has less than he also with what he wants. False: there is none."""
        large = [body for body in self._coming if body.taken_bytes]
        found = max(large, key=lambda body: self._by_caller[body.caller], default=None)
        if found is None or self._by_caller[found.caller] <= wanted:
            return False
        found.gave_way = True
        found.let_go()
        limit = self._coming[found]
        if not limit.expired():
            limit.reschedule(asyncio.get_running_loop().time())
        return True

    async def read(
        self, receive: Receive, most_bytes: int, caller: str, *, is_hashed: bool = False
    ) -> Body:
        """A body, whole. Whoever has it lets it go.

        Args:
            most_bytes: it may have.
            caller: whose it is, as far as is known: his address.

        Raises:
            Refused: it is too long, too slow, or there is no room.
            PeerGone: there is nobody to answer.
        """
        body = Body(self, caller, is_hashed=is_hashed)
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(_READ_S) as self._coming[body]:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise PeerGone
                    part = message.get("body", b"")
                    if body.length + len(part) > most_bytes:
                        raise body_too_long(most_bytes)
                    if not body.grow(part):
                        raise too_many("server", 1.0)
                    parts.append(part)
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            if body.gave_way:
                raise too_many("server", 1.0) from None
            body.let_go()
            raise Refused(
                408, BAD_REQUEST, f"the body was not here within {_READ_S:g} s", "body too slow"
            ) from None
        except BaseException:
            body.let_go()
            raise
        finally:
            del self._coming[body]
        body.data = b"".join(parts)
        return body


def body_of(scope: Scope | Any) -> Body | None:
    """The body that the door had to read; None where nobody has read it yet."""
    found: Body | None = scope.get(_BODY)
    return found


def set_body(scope: Scope, body: Body) -> None:
    """The application is told what the door has read."""
    scope[_BODY] = body
