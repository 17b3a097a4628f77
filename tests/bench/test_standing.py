"""How a server's standing comes out of the loads that are put on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.bars import Standing
from bench.clients import Clients
from bench.latency import Wait, Window
from bench.outcome import Clock, Outcome
from bench.progress import Tracker, progress
from bench.server import MeasuredServer
from bench.sound import Talk
from bench.standing import Contestant, Form, Measurement
from bench.talkers import Load
from bench.target import Running
from bench.wires import SisWire

FORM = Form(warm_s=1.0, window_s=10.0, resolution=4, tries=2)
CARRIES = {Talk.SPEECH: 77, Talk.CONVERSATION: 140}


class Machine(Clients):
    """Carries what it carries, but for a neighbour that spoils the first try of some loads."""

    def __init__(self, stack: ExitStack, tracker: Tracker, spoiled: set[int]) -> None:
        super().__init__(stack, tracker, None)
        self._spoiled = spoiled
        self.put: Counter[tuple[Talk, int, bool]] = Counter()

    def put_on(self, load: Load, what: str, server: MeasuredServer | None) -> Outcome:
        has_turns = load.turn_s is not None
        self.put[load.talk, load.clients, has_turns] += 1
        first = self.put[load.talk, load.clients, has_turns] == 1
        slow = load.clients > CARRIES[load.talk] or (first and load.clients in self._spoiled)
        ms = 900.0 if slow else float(load.clients)
        waits = tuple(Wait(0, second, ms) for second in range(1, 11))
        ends = {Clock.END: waits} if has_turns else {}
        return Outcome(load.clients, Window(1.0, 11.0), {Clock.STEP: waits, **ends})


@contextmanager
def nothing() -> Iterator[Running]:
    yield Running("ws://nobody", None)


OURS = Contestant("ours", nothing, SisWire)


def measured(*spoiled: int) -> tuple[Standing, Machine]:
    with progress() as tracker, ExitStack() as stack:
        machine = Machine(stack, tracker, set(spoiled))
        return Measurement(FORM, machine, tracker).measure(OURS, 64, None), machine


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
