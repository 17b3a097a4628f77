"""Admission: which recognitions may open, and the sentence for those that may not.

The load that is held against the bound is a prediction. What is measured is the audio that open
recognitions have given to the engines in the last seconds (`rasr.scheduling.statistics.Demand`);
for those that are too young to have been measured, and for the one that asks, the mean of the
others stands in, or unbroken speech as long as there are few others. So a crowd that comes at once
is not let in on the silence before its first words. A recognition with a second pass gives its
audio to two engines, and is a load to both.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from rasr.recognition.config import EngineChoice
from rasr.scheduling import TOP_LEVEL, EngineStatistics
from rasr.scheduling.statistics import DEMAND_WINDOW_S

_PRIOR_RECOGNITIONS = 8
"""So many recognitions of unbroken speech are counted among those whose mean is taken."""
_SETTLE_S = 3.0
"""Nothing of a recognition is measured before: its client begins to speak, speech is believed, the
second in which it is due passes."""
RECOGNITION_S = 0.002
"""Time of the event loop for a second of a recognition (`python -m bench overhead`)."""


class Engine(Protocol):
    """What is asked of a `rasr.scheduling.Scheduler`."""

    @property
    def statistics(self) -> EngineStatistics:
        """Its numbers so far."""

    @property
    def overload_level(self) -> int:
        """How far it saves work because it is behind; 0: not at all."""

    @property
    def streams(self) -> int:
        """Segments that it can decode at the same time."""

    @property
    def streams_in_use(self) -> int:
        """Segments that it is decoding."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks for a recognition."""

    project: str
    address: str


@dataclass(frozen=True, slots=True)
class AdmissionRules:
    """0 means no bound, in all of them."""

    max_load: float = 0.0
    """Largest predicted load, 1.0 being all that the machine can do."""
    recognitions: int = 0
    per_project: int = 0
    per_address: int = 0
    text_s: float = 0.0
    """Time of a core for the texts of a second of speech, where a punctuation model writes their
    marks. It is counted for all speech, with marks or without: that errs on the safe side."""


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One recognition that is open."""

    party: Party
    engine: EngineChoice
    since: float


class Admission:
    """Counts open recognitions and weighs them. A refused client is told the numbers."""

    def __init__(
        self,
        rules: AdmissionRules,
        engines: Mapping[str, Engine],
        served: Collection[EngineChoice],
        cores: int,
    ) -> None:
        """
        Args:
            engines: by their names.
            served: what recognitions may ask for.
            cores: that the server may use.
        """
        self.rules = rules
        self._engines = engines
        self._served = served
        self._cores = cores
        self._slots: dict[Slot, None] = {}
        """In the order in which they were taken."""
        self._left: deque[tuple[Slot, float]] = deque()
        """Recognitions that ended within the window, and when: what they said is still measured."""
        self._by_project: Counter[str] = Counter()
        self._by_address: Counter[str] = Counter()

    def take(self, party: Party, engine: EngineChoice, now: float) -> Slot | str:
        """A slot for a recognition, to be given back with `leave`, or the sentence that refuses it.

        Args:
            now: seconds on the clock on which audio is due.
        """
        refusal = self._over_count(party) or self._over_load(engine, now)
        if refusal is not None:
            return refusal
        slot = Slot(party, engine, now)
        self._slots[slot] = None
        self._by_project[party.project] += 1
        self._by_address[party.address] += 1
        return slot

    def leave(self, slot: Slot, now: float) -> None:
        """Give a slot back. `now` is in seconds of the clock of `take`."""
        del self._slots[slot]
        # Of one so short nothing is measured. Clients that open and end thousands of them must not
        # make every question after it a long one.
        if _heard(slot, now) > 0:
            self._left.append((slot, now))
        self._forget_old(now)
        for counter, key in (
            (self._by_project, slot.party.project),
            (self._by_address, slot.party.address),
        ):
            counter[key] -= 1
            # Whoever names a project of his own each time must not fill the memory.
            if not counter[key]:
                del counter[key]

    @property
    def recognitions(self) -> int:
        """Open now."""
        return len(self._slots)

    def load(self, now: float) -> float:
        """Predicted for the recognitions that are open; 1.0 is all that the machine can do."""
        return self._predicted(now, None)

    def full(self, now: float) -> bool:
        """True if whoever asked now would be refused, whatever he asked for."""
        return self._over_all() is not None or all(
            self._over_load(engine, now) is not None for engine in self._served
        )

    def _over_all(self) -> str | None:
        most = self.rules.recognitions
        if most and self.recognitions >= most:
            return (
                f"the server is full: {self.recognitions} of {most} rounds are open; "
                "try again when one has ended"
            )
        return None

    def _over_count(self, party: Party) -> str | None:
        if (refusal := self._over_all()) is not None:
            return refusal
        for whose, open_now, most in (
            ("this project", self._by_project[party.project], self.rules.per_project),
            ("this address", self._by_address[party.address], self.rules.per_address),
        ):
            if most and open_now >= most:
                return (
                    f"too many rounds of {whose}: {open_now} of {most} are open; "
                    "try again when one has ended"
                )
        return None

    def _over_load(self, engine: EngineChoice, now: float) -> str | None:
        bound = self.rules.max_load
        # Somebody alone is served as well as the machine can, however slow it is just now.
        if not bound or not self._slots:
            return None
        # A second pass that is late costs nobody his text: of its engine the load alone counts.
        asked = self._engines[engine.name]
        if asked.streams_in_use >= asked.streams:
            return (
                f"the server is full: all {asked.streams} decoders are at work; "
                "try again in some seconds"
            )
        if asked.overload_level >= TOP_LEVEL:
            return (
                f"the server is at its limit: {self.recognitions} rounds are open and their text "
                "comes late; try again in some seconds"
            )
        predicted = self._predicted(now, engine)
        if predicted <= bound:
            return None
        return (
            f"the server is full: {self.recognitions} rounds are open, and one more would be a "
            f"load of {predicted:.0%}, allowed: {bound:.0%}; try again in some seconds"
        )

    def _forget_old(self, now: float) -> None:
        while self._left and now - self._left[0][1] >= DEMAND_WINDOW_S:
            self._left.popleft()

    def _predicted(self, now: float, newcomer: EngineChoice | None) -> float:
        """With a recognition of `newcomer` more, if there is one."""
        weights = dict.fromkeys(self._engines, 0.0)
        young = dict(weights)
        for slot in self._slots:
            share = _heard(slot, now)
            for name in slot.engine.names:
                weights[name] += share
                young[name] += 1.0 - share
        self._forget_old(now)
        for slot, left in self._left:
            share = min(_heard(slot, left), 1.0 - (now - left) / DEMAND_WINDOW_S)
            for name in slot.engine.names:
                weights[name] += share
                young[name] -= share
        asking = () if newcomer is None else newcomer.names
        machine = (self.recognitions + (newcomer is not None)) * RECOGNITION_S / self._cores
        fullest = 0.0
        for name, engine in self._engines.items():
            statistics = engine.statistics
            measured = statistics.demand.per_second(now)
            mean = min(
                1.0, (measured + _PRIOR_RECOGNITIONS) / (weights[name] + _PRIOR_RECOGNITIONS)
            )
            audio = max(0.0, measured + mean * (young[name] + (name in asking)))
            share = statistics.share(audio)
            fullest = max(fullest, share)
            slots = 0 if statistics.costs is None else statistics.costs.slots
            machine += share * min(slots, self._cores) / self._cores
            machine += audio * self.rules.text_s / self._cores
        return max(machine, fullest)


def _heard(slot: Slot, now: float) -> float:
    """How much of the window holds what the recognition has said."""
    return min(1.0, max(0.0, now - slot.since - _SETTLE_S) / DEMAND_WINDOW_S)
