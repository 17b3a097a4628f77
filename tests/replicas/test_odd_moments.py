"""Replicas are killed, stopped and frozen, and connections break, at any moment, several at once:
every round ends, with all that was said or with a clear error."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import pytest

from bench.replica_set import ReplicaSet, replica_set
from bench.replica_speakers import PlainSpeaker, Speaker
from bench.replicas import sounds
from bench.servers import FAKE_ENGINE
from tests.server.broken_network import Break, BrokenNetwork, broken_network
from tools.haproxy import Program

SECONDS, COUNT = 20.0, 3
SPEAKERS, PLAIN = 6, 2
CLEAR = ("ConnectionLost: ", "CannotConnect: ")


class Mischief:
    """What is done to replicas and connections. One replica at least is left alone."""

    def __init__(self, replicas: ReplicaSet, network: BrokenNetwork, seed: int) -> None:
        self._replicas = replicas
        self._network = network
        self._choice = random.Random(seed)
        self._busy: set[int] = set()
        self.done: set[str] = set()

    async def go_on(self, over: asyncio.Event) -> None:
        """Do one after the other, each while those before may still last."""
        kinds = (self._killed, self._stopped, self._frozen)
        async with asyncio.TaskGroup() as group:
            while not over.is_set():
                await asyncio.sleep(self._choice.uniform(0.3, 2.0))
                kind = self._choice.choice((*kinds, None))
                if kind is None:
                    self.done.add("lost")
                    await self._network.lose(self._choice.choice((Break.RESET, Break.RESTART)))
                elif len(self._busy) < COUNT - 1:
                    at = self._choice.choice([*{*range(COUNT)} - self._busy])
                    group.create_task(self._do(kind, at, self._choice.uniform(0.2, 4.0)))

    async def _do(self, kind: Callable[[int, float], None], at: int, seconds: float) -> None:
        self._busy.add(at)
        self.done.add(kind.__name__)
        await asyncio.to_thread(kind, at, seconds)
        self._busy.remove(at)

    def _killed(self, at: int, _: float) -> None:
        self._replicas.kill(at)
        self._replicas.start(at)

    def _stopped(self, at: int, _: float) -> None:
        self._replicas.stop(at)
        self._replicas.start(at)

    def _frozen(self, at: int, seconds: float) -> None:
        with self._replicas.frozen(at):
            time.sleep(seconds)
        self._replicas.balancer.wait_until(self._replicas.ports[at], is_ready=True)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_round_ends_whatever_happens(haproxy: Program, seed: int) -> None:
    said = sounds(SPEAKERS + PLAIN, SECONDS)
    settings = f"{FAKE_ENGINE}[capacity]\nmax_load = 0\n"
    with replica_set(COUNT, settings, haproxy=haproxy) as replicas:
        whole = [Speaker(one) for one in said[:SPEAKERS]]
        await asyncio.gather(*(one.speak(replicas.servers[0].url) for one in whole))
        speakers = [Speaker(one) for one in said[:SPEAKERS]]
        plain = [PlainSpeaker(one, SECONDS / 5) for one in said[SPEAKERS:]]
        over = asyncio.Event()
        async with broken_network(replicas.balancer.url) as network:
            mischief = Mischief(replicas, network, seed)
            doing = asyncio.create_task(mischief.go_on(over))
            # Each is given a bound in which its round must have ended.
            everybody = [one.speak(network.url) for one in speakers]
            await asyncio.gather(*everybody, *(one.speak(network.url) for one in plain))
            over.set()
            await doing
    assert len(mischief.done) > 2
    assert [one.failure for one in (*whole, *speakers)] == [None] * 2 * SPEAKERS
    for one, its_whole in zip(speakers, whole, strict=True):
        assert (one.lost_ms(its_whole), one.doubled_ms) == (0, 0)
    failed = [why for one in plain for why in one.failures]
    assert all(why.startswith(CLEAR) for why in failed), failed
