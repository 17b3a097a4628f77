"""Turns of connections whose bytes wait."""

from __future__ import annotations

import asyncio

import pytest

from rasr.asgi.turns import TURN_S, Turns


class Clock:
    """Time that passes when a worker works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """A connection that has so many slices waiting."""

    def __init__(self, name: str, slices: int, world: World) -> None:
        self.name = name
        self.left = slices
        self._world = world

    def work(self) -> bool:
        self._world.clock.now += 0.003
        self._world.done.append((self._world.turn, self.name))
        self.left -= 1
        if self.name == "broken":
            raise ValueError("on purpose")
        return self.left > 0


class World:
    """Turns on a clock of the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.turn = 0
        self.done: list[tuple[int, str]] = []
        monkeypatch.setattr("rasr.asgi.turns.time.perf_counter", self.clock)
        self.turns = Turns()

    def ask(self, name: str, slices: int, *, is_fresh: bool = True) -> None:
        self.turns.ask(Worker(name, slices, self), is_fresh=is_fresh)

    async def run(self, turns: int) -> None:
        for _ in range(turns):
            self.turn += 1
            await asyncio.sleep(0)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


async def test_who_asks_while_there_is_time_works_at_once(world: World) -> None:
    world.ask("a", 1)
    world.ask("b", 1)
    assert [name for _, name in world.done] == ["a", "b"]


async def test_the_loop_turns_after_some_ms_however_many_ask(world: World) -> None:
    for number in range(30):
        world.ask(str(number), 100)
    await world.run(50)
    for turn in range(51):
        assert sum(0.003 for at, _ in world.done if at == turn) < TURN_S + 0.003


async def test_all_have_their_turns(world: World) -> None:
    for number in range(10):
        world.ask(str(number), 100)
    await world.run(60)
    counts = [sum(name == str(number) for _, name in world.done) for number in range(10)]
    # The first of them began at once.
    assert max(counts) - min(counts) <= 2


async def test_who_had_nothing_waiting_goes_before_who_has(world: World) -> None:
    for number in range(100):
        world.ask(str(number), 1000)
    await world.run(50)
    world.ask("new", 1)
    before = len(world.done)
    await world.run(2)
    assert "new" in [name for _, name in world.done[before : before + 4]]


async def test_those_who_send_without_end_are_not_shut_out(world: World) -> None:
    world.ask("flood", 1000)
    for turn in range(50):
        for number in range(20):
            world.ask(f"{turn}.{number}", 1)
        await world.run(1)
    assert sum(name == "flood" for _, name in world.done) > 20


async def test_a_fault_of_one_costs_no_other_its_turn(world: World) -> None:
    loop = asyncio.get_running_loop()
    faults: list[object] = []
    loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
    for name in ("a", "broken", "b"):
        world.ask(name, 2, is_fresh=False)
    await world.run(5)
    assert len(faults) == 1
    assert {name for _, name in world.done} == {"a", "broken", "b"}
