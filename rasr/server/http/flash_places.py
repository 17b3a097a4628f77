"""Places of calls of flash transcription: so many are open at once, and nobody keeps all of them
with recordings that never come."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from rasr.wire.sis.errors import ErrorCode, ProtocolError


@dataclass(eq=False, slots=True)
class FlashPlace:
    """Of one call."""

    caller: str
    coming: asyncio.Timeout | None = None
    """Ends the wait for its recording; None where that has not begun, or is over."""


class FlashPlaces:
    """Those of one server."""

    def __init__(self, most: int) -> None:
        """
        Args:
            most: calls that may be open.
        """
        self._most = most
        self._open: dict[FlashPlace, None] = {}
        """The oldest first."""

    @contextmanager
    def place(self, caller: str) -> Iterator[FlashPlace]:
        """Have a place.

        Args:
            caller: whose call it is.

        Raises:
            ProtocolError: there is none.
        """
        if len(self._open) >= self._most and not self._make_way(caller):
            raise self._full()
        place = FlashPlace(caller)
        self._open[place] = None
        try:
            yield place
        finally:
            self._open.pop(place, None)

    @asynccontextmanager
    async def coming(self, place: FlashPlace) -> AsyncIterator[None]:
        """While the recording of a call comes: it may be sent, or fetched, as slowly as somebody
        likes, and until it is here its place is for others who have fewer.

        Raises:
            ProtocolError: another call has it.
        """
        try:
            async with asyncio.timeout(None) as place.coming:
                yield
        except TimeoutError:
            if place in self._open:
                raise
        finally:
            place.coming = None
        if place not in self._open:
            raise self._full()

    def _make_way(self, caller: str) -> bool:
        """Give the place of a call away whose recording is not here, of the caller who has the
        most. False: there is none, or it would leave him with fewer than the other one has then."""
        held = Counter(one.caller for one in self._open)
        waiting = [one for one in self._open if one.coming is not None]
        found = max(waiting, key=lambda one: held[one.caller], default=None)
        if found is None or held[found.caller] <= held[caller] + 1:
            return False
        assert found.coming is not None, "it waits"
        del self._open[found]
        found.coming.reschedule(asyncio.get_running_loop().time())
        return True

    def _full(self) -> ProtocolError:
        return ProtocolError(
            ErrorCode.FULL,
            f"the server is full: {len(self._open)} of {self._most} calls of flash transcription "
            "are open; try again when one has ended",
        )
