"""Calls that may hang keep nobody waiting for longer than he wants to."""

from __future__ import annotations

import threading

import pytest

from rasr.server.jobs.bounded_calls import BoundedCalls


def _fails() -> int:
    raise KeyError("it")


async def test_what_comes_of_a_call_comes_back() -> None:
    calls = BoundedCalls(1)
    assert await calls.make(lambda: 7, 60.0) == 7
    with pytest.raises(KeyError):
        await calls.make(_fails, 60.0)
    assert await calls.make(threading.get_ident, None) != threading.get_ident()


async def test_a_call_that_hangs_is_given_up_and_keeps_its_place_until_it_is_over() -> None:
    calls, may_end, others = BoundedCalls(1), threading.Event(), []
    with pytest.raises(TimeoutError):
        await calls.make(may_end.wait, 0.01)
    # As many hang as may be made at once.
    with pytest.raises(TimeoutError):
        await calls.make(lambda: others.append("made"), 0.01)
    may_end.set()
    await calls.make(lambda: others.append("made"), 60.0)
    assert others == ["made"]
