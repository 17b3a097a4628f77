"""Places of calls of flash transcription: who waits for his recording, and who has how many."""

from __future__ import annotations

import asyncio

import pytest

from rasr.server.http.flash_places import FlashPlaces
from rasr.wire.sis.errors import ErrorCode, ProtocolError


async def test_only_calls_that_wait_for_their_recordings_make_way() -> None:
    places = FlashPlaces(2)
    with places.place("a") as first, places.place("a"):
        async with places.coming(first):
            pass
        with pytest.raises(ProtocolError) as refused, places.place("b"):
            pass
        assert refused.value.code == ErrorCode.FULL


async def test_nobody_makes_way_for_who_has_no_fewer_then() -> None:
    places = FlashPlaces(2)
    with places.place("a") as first, places.place("b") as second:
        async with places.coming(first), places.coming(second):
            for caller in ("a", "b", "c"):
                with pytest.raises(ProtocolError), places.place(caller):
                    pass
    # They are all free again.
    with places.place("c"), places.place("c"):
        pass


async def test_a_recording_that_comes_just_when_its_place_is_gone_is_not_heard() -> None:
    places = FlashPlaces(2)

    async def comes() -> None:
        with places.place("a") as first, places.place("a"):
            async with places.coming(first):
                with places.place("b"), pytest.raises(ProtocolError), places.place("b"):
                    pass

    with pytest.raises(ProtocolError) as refused:
        await comes()
    assert refused.value.code == ErrorCode.FULL


async def test_another_time_that_is_over_stays_what_it_is() -> None:
    places = FlashPlaces(1)
    with pytest.raises(TimeoutError), places.place("a") as place:
        async with places.coming(place), asyncio.timeout(0):
            await asyncio.sleep(60)
