"""The share of the event loop: who works, who waits, and for how long, on clocks of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from rasr.runtime.fair_share import (
    ALL_SHARE,
    SESSION_BURST_S,
    SESSION_SHARE,
    SLICE_S,
    TURN_S,
    FairShare,
    SessionShare,
)


class Machine:
    """A clock that the test moves, and work that takes as long as it says."""

    def __init__(self, patch: pytest.MonkeyPatch, slowness: float = 1.0) -> None:
        """
        Args:
            slowness: seconds that pass in a second of work; others have the processor meanwhile.
        """
        self.now = 0.0
        self.cpu = 0.0
        self.slowness = slowness
        self.share = FairShare(clock=lambda: self.now, cost=lambda: self.cpu)
        self.turn_s: list[float] = [0.0]
        """Work between two turns of the event loop."""
        self.done: list[str] = []
        self._sleep = asyncio.sleep
        patch.setattr("rasr.runtime.fair_share.asyncio.sleep", self.sleep)
        patch.setattr(asyncio.BaseEventLoop, "call_later", self._call_later)

    async def sleep(self, seconds: float) -> None:
        """As `asyncio.sleep`, on this clock."""
        until = self.now + seconds
        await self._sleep(0)
        while self.now < until:
            await self._sleep(0)

    def _call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.Handle:
        loop = asyncio.get_running_loop()
        until = self.now + seconds
        return loop.call_soon(
            lambda: call() if self.now >= until else loop.call_later(until - self.now, call)
        )

    def work(self, seconds: float) -> None:
        self.cpu += seconds
        self.now += seconds * self.slowness
        self.turn_s[-1] += seconds

    async def serve(self, name: str, session: SessionShare, step_s: float, steps: int) -> None:
        """Work of one session, in steps."""

        def each() -> Iterator[None]:
            for _ in range(steps):
                self.work(step_s)
                yield

        if session.must_wait:
            await session.turn()
        for _ in session.measured(each()):
            self.done.append(name)
            if session.must_wait:
                await session.turn()

    async def run(self, *sessions: asyncio.Task[None], idle_s: float = 0.001) -> None:
        """Turn the event loop until all have ended. A turn takes time, too."""
        while not all(one.done() for one in sessions):
            self.turn_s.append(0.0)
            self.now += idle_s
            await self._sleep(0)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def started(machine: Machine, count: int, step_s: float, steps: int) -> list[asyncio.Task[None]]:
    return [
        asyncio.ensure_future(machine.serve(str(number), machine.share.session(), step_s, steps))
        for number in range(count)
    ]


@pytest.mark.parametrize("slowness", [1.0, 10.0])
@pytest.mark.parametrize("count", [1, 8, 30])
async def test_however_many_work_the_loop_turns_every_few_milliseconds(
    machine: Machine, count: int, slowness: float
) -> None:
    machine.slowness = slowness
    await machine.run(*started(machine, count, 0.002, 100))
    assert max(machine.turn_s) <= TURN_S + 3 * SLICE_S < 0.05
    assert len(machine.done) == 100 * count


async def test_one_session_takes_no_more_than_its_share(machine: Machine) -> None:
    await machine.run(*started(machine, 1, 0.002, 1000))
    assert machine.cpu == pytest.approx(2.0)
    assert machine.now >= (2.0 - SESSION_BURST_S) / SESSION_SHARE - 0.1


async def test_all_of_them_take_no_more_than_theirs(machine: Machine) -> None:
    await machine.run(*started(machine, 30, 0.002, 100))
    assert machine.cpu == pytest.approx(6.0)
    assert machine.now >= 6.0 / ALL_SHARE - 0.1


async def test_work_is_shared_evenly(machine: Machine) -> None:
    await machine.run(*started(machine, 10, 0.002, 100))
    half = machine.done[: len(machine.done) // 2]
    assert all(abs(half.count(str(number)) - 50) <= 5 for number in range(10))


# Of more than sixty each takes no more than live speech does.
@pytest.mark.parametrize("count", [30, 55])
async def test_who_has_taken_little_goes_before_who_has_taken_much(
    count: int, machine: Machine
) -> None:
    hostile = started(machine, count, 0.004, 1000)
    while len(set(machine.done)) < count:
        await machine.run(asyncio.ensure_future(machine.sleep(0.01)))
    waits: list[float] = []

    async def speaker() -> None:
        share = machine.share.session()
        for _ in range(100):
            await machine.sleep(0.1)
            asked = machine.now
            await machine.serve("speaker", share, 0.0005, 1)
            waits.append(machine.now - asked)

    speaking = asyncio.ensure_future(speaker())
    await machine.run(speaking)
    for one in hostile:
        one.cancel()
    await asyncio.wait(hostile)
    assert max(waits) < 0.05


async def test_those_who_have_taken_much_are_never_shut_out(machine: Machine) -> None:
    (hostile,) = started(machine, 1, 0.004, 1000)
    speaking = started(machine, 300, 0.0009, 1000)
    while machine.done.count("0") < 100:
        await machine.run(asyncio.ensure_future(machine.sleep(0.01)))
    for one in (hostile, *speaking):
        one.cancel()
    await asyncio.wait([hostile, *speaking])


async def test_a_session_that_ends_while_it_waits_lets_the_others_go_on(machine: Machine) -> None:
    tasks = started(machine, 5, 0.01, 20)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for one in tasks[1:4]:
        one.cancel()
    await machine.run(*tasks)
    assert machine.done.count("4") == machine.done.count("0") == 20


async def test_a_session_that_takes_little_never_waits(machine: Machine) -> None:
    share = machine.share.session()
    for _ in range(1000):
        share.work(lambda: machine.work(0.0005))
        machine.now += 0.1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not share._all._live
        assert not share._all._others
        if share.must_wait:
            await share.turn()
    assert machine.now == pytest.approx(100.5, rel=0.01)
