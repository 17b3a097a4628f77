"""How a server's standing comes out of the loads that are put on it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.comparison import Standing
from bench.latency import Latency, Window
from bench.load_client import LoadGenerator
from bench.load_result import Clock, LoadResult
from bench.peers import Measurement, Peer, RunLengths
from bench.report import Tracker, progress
from bench.servers import MeasuredServer
from bench.wire_clients import SisClient
from bench.workload import Load, Talk

LENGTHS = RunLengths(warm_s=1.0, window_s=10.0, resolution=4, tries=2)
CARRIES = {Talk.SPEECH: 77, Talk.CONVERSATION: 140}


class Machine(LoadGenerator):
    """Carries what it carries, but for a neighbour that spoils the first try of some loads."""

    def __init__(self, stack: ExitStack, tracker: Tracker, spoiled: set[int]) -> None:
        super().__init__(stack, tracker, None)
        self._spoiled = spoiled
        self.put: Counter[tuple[Talk, int, bool]] = Counter()

    def put_on(self, load: Load, what: str, server: MeasuredServer | None) -> LoadResult:
        has_turns = load.turn_s is not None
        self.put[load.talk, load.clients, has_turns] += 1
        first = self.put[load.talk, load.clients, has_turns] == 1
        slow = load.clients > CARRIES[load.talk] or (first and load.clients in self._spoiled)
        ms = 900.0 if slow else float(load.clients)
        latencies = tuple(Latency(0, second, ms) for second in range(1, 11))
        ends = {Clock.END: latencies} if has_turns else {}
        return LoadResult(load.clients, Window(1.0, 11.0), {Clock.STEP: latencies, **ends})


@contextmanager
def nothing() -> Iterator[MeasuredServer]:
    yield MeasuredServer("ws://nobody", os.getpid())


OURS = Peer("ours", nothing, SisClient)


def measured(*spoiled: int) -> tuple[Standing, Machine]:
    with progress() as tracker, ExitStack() as stack:
        machine = Machine(stack, tracker, set(spoiled))
        return Measurement(LENGTHS, machine, tracker).measure(OURS, 64, None), machine


def test_the_largest_loads_are_found_and_the_rest_is_measured_at_shares_of_speech() -> None:
    standing, machine = measured()
    assert standing.speech == 76
    assert 136 < standing.conversation <= 140
    assert standing.end_p95_ms == 61
    assert standing.light_ms == {50: 15, 95: 15}
    assert standing.fairness == 1
    assert machine.put[Talk.SPEECH, 64, False] == 1


def test_a_load_that_a_neighbour_spoilt_is_put_on_again() -> None:
    standing, machine = measured(64, 61, 15)
    assert standing.speech == 76
    assert machine.put[Talk.SPEECH, 64, False] == 2
    assert standing.end_p95_ms == 61
    assert standing.light_ms == {50: 15, 95: 15}
