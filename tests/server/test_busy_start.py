"""A server started beside busy processes admits, within a minute, what it does on a quiet machine.

The machine is a simulation with a clock of its own: slots that decode the steps of people who speak
without pauses, in batches of what is ready, by the real statistics and the real admission.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace

import pytest

from rasr.audio import SAMPLE_RATE
from rasr.recognition.config import EngineChoice
from rasr.scheduling import EngineStatistics, StepCosts
from rasr.server.admission import Admission, AdmissionRules, Party, Slot

ENGINE = EngineChoice("one")
PARTY = Party("project", "address")
MINUTE_S = 60
QUIET_ONE_BY_ONE = StepCosts(0.3, 2, {1: 0.012}, agreeing=1)
QUIET_IN_BATCHES = StepCosts(0.32, 2, {1: 0.010, 2: 0.014, 4: 0.022, 8: 0.040}, agreeing=1)
LENGTH_S = 6.0
"""Of the utterances of an engine that reads anew: each reading takes as long, for simplicity."""
QUIET_READ_ANEW = StepCosts(
    *(0.3, 2, {1: 0.012}),
    by_length=dict.fromkeys((2.0, 12.0), 0.04),
    spared=dict.fromkeys((2.0, 12.0), 0.04),
    agreeing=1,
)


@dataclass
class Machine:
    """Two slots, and people who speak. It is an engine, as admission sees one."""

    true: StepCosts
    """What steps take."""
    statistics: EngineStatistics = field(default_factory=EngineStatistics)
    overload_level: int = 0
    streams: int = 512
    streams_in_use: int = 0
    late_s: float = 0.0
    """The latest that a step began."""
    _now: float = 0.0
    _ready: list[tuple[float, int]] = field(default_factory=list)
    """When a step is due, and whose it is."""
    _free: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """When each slot is free."""
    _busy_s: dict[int, float] = field(default_factory=dict)
    _said_s: dict[int, float] = field(default_factory=dict)

    def oldest_ready_s(self) -> float:
        return max(0.0, self._now - self._ready[0][0]) if self._ready else 0.0

    def speaks(self, person: int, now: float) -> None:
        """From half a second after now on, without a pause."""
        heapq.heappush(self._ready, (now + 0.5 + self.true.step_s * (person % 7) / 7, person))

    def run(self, until: float) -> None:
        """Decode what falls due."""
        while self._ready:
            begin = max(min(self._free), self._ready[0][0])
            if begin >= until:
                break
            batch: list[tuple[float, int]] = []
            while (
                self._ready and self._ready[0][0] <= begin and len(batch) < max(self.true.seconds)
            ):
                batch.append(heapq.heappop(self._ready))
            took_s = self.true.batch_seconds(len(batch), self.true.step_s, LENGTH_S)
            heapq.heapreplace(self._free, begin + took_s)
            self._decoded(batch, begin, took_s)
        self._now = until

    def _decoded(self, batch: list[tuple[float, int]], begin: float, took_s: float) -> None:
        statistics, step_s = self.statistics, self.true.step_s
        samples = round(step_s * SAMPLE_RATE)
        for due, person in batch:
            self.late_s = max(self.late_s, begin - due)
            statistics.lateness.observe(begin - due, begin - due, step_s, begin)
            statistics.demand.add(samples, due)
            heapq.heappush(self._ready, (due + step_s, person))
            self._busy_s[person] = self._busy_s.get(person, 0.0) + took_s / len(batch)
            self._said_s[person] = self._said_s.get(person, 0.0) + step_s
            if self._said_s[person] >= LENGTH_S:
                statistics.utterance_decoded(
                    round(self._said_s.pop(person) * SAMPLE_RATE),
                    busy_s=self._busy_s.pop(person),
                    letters=round(10 * LENGTH_S),
                    now=begin + took_s,
                )
        statistics.batch_decoded(
            took_s, len(batch), len(batch) * samples, begin + took_s, worded=len(batch)
        )


def admitted(true: StepCosts, calibrated: StepCosts) -> tuple[int, int, Machine]:
    """How many of a crowd are admitted at once and within a minute; the machine after that.

    Whoever is refused asks again each second.
    """
    machine = Machine(true)
    machine.statistics.calibrated(calibrated)
    admissions = Admission(AdmissionRules(max_load=0.85), {"one": machine}, [ENGINE], cores=2)
    people = at_once = 0
    for second in range(MINUTE_S):
        machine.run(float(second))
        while isinstance(admissions.take(PARTY, ENGINE, float(second)), Slot):
            machine.speaks(people, float(second))
            people += 1
        at_once = at_once or people
    machine.run(float(MINUTE_S))
    return at_once, people, machine


@pytest.mark.parametrize(
    "is_known",
    [
        pytest.param(True, id="known by the processor time"),
        pytest.param(False, id="nothing looks wrong: all steps took longer alike"),
    ],
)
@pytest.mark.parametrize(
    ("slower", "least"),
    # Fifteen times: what eight busy processes did to the default model on two cores.
    [(4.0, 1.0), (15.0, 0.8)],
)
@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "short"])
@pytest.mark.parametrize(
    "true",
    [
        pytest.param(QUIET_ONE_BY_ONE, id="one by one"),
        pytest.param(QUIET_IN_BATCHES, id="in batches"),
        pytest.param(QUIET_READ_ANEW, id="read anew"),
    ],
)
def test_within_a_minute_it_admits_what_it_does_on_a_quiet_machine(
    true: StepCosts, slower: float, least: float, is_known: bool, is_whole: bool
) -> None:
    quiet, quiet_later, _ = admitted(true, true)
    found = replace(true.scaled(slower), disturbance=slower if is_known else 1.0, agreeing=0)
    if not is_whole:
        found = replace(found, seconds={1: found.seconds[1]})
        # What batches save is learnt as live steps come; the whole calibration comes with the first
        # pause, and here nobody ever pauses.
        least *= 1.0 if len(true.seconds) == 1 else 0.7
    at_once, later, machine = admitted(true, found)
    assert at_once <= quiet / 3
    assert later >= quiet * least
    # And none who was admitted meanwhile was let in at the cost of the others.
    assert later <= quiet_later * 1.05
    assert machine.late_s <= true.step_s
