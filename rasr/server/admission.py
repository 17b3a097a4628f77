"""Admission: which recognitions may open, and the sentence for those that may not.

The load that is held against the bound is a prediction, and a prediction alone refuses nobody for
long: where the sessions that are open are on time, as measured, one more is admitted on trial, and
is measured with the others before the next one.

Predicted is what the audio asks that open recognitions have given to the engines in the last
seconds (`rasr.scheduling.statistics.Demand`); for those that are too young to have been measured,
and for the one that asks, the mean of the others stands in, or unbroken speech as long as there are
few others. So a crowd that comes at once is not let in on the silence before its first words. A
recognition with a second pass gives its audio to two engines, and is a load to both.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Protocol

from rasr.identity.principals import Principal
from rasr.recognition.config import EngineChoice
from rasr.scheduling import TOP_LEVEL, EngineStatistics
from rasr.scheduling.lateness import WINDOW_S as LATENESS_WINDOW_S
from rasr.scheduling.statistics import DEMAND_WINDOW_S

_PRIOR_RECOGNITIONS = 8
"""So many recognitions of unbroken speech are counted among those whose mean is taken."""
_SETTLE_S = 3.0
"""Nothing of a recognition is measured before: its client begins to speak, speech is believed, the
second in which it is due passes."""
_TRIAL_S = _SETTLE_S + LATENESS_WINDOW_S
"""From the admission of one on trial to the first question whether all are on time that he has a
part in: he begins to speak, and steps of that time are looked at."""
_TRIED_S = _SETTLE_S + DEMAND_WINDOW_S
"""So long one is on trial: as long as he may be silent while he is not yet measured as silent."""
_HEARD_FOR_EACH = 10
"""Recognitions that are heard for each one that is not: those who begin to speak all at once must
not be many among all."""
_LATE_S = 0.5
"""A step that has been ready for so long and has not begun is late, whatever came of others."""
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

    def oldest_ready_s(self) -> float:
        """How long the live step that waits longest has been ready; 0 where none waits."""


class Bound(StrEnum):
    """What a recognition is refused for."""

    COUNT = "count"
    """`decoding.max_rounds`, or without a bound for the load as many as there are streams."""
    PROJECT = "project"
    """`capacity.rounds_per_project`."""
    ADDRESS = "address"
    """`capacity.rounds_per_address`."""
    STREAMS = "streams"
    """Every stream of the engine is in use."""
    LATENESS = "lateness"
    """Text comes late, as measured."""
    LOAD = "load"
    """`capacity.max_load` would be exceeded, as predicted."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no slot."""

    bound: Bound
    sentence: str
    """For the client: the numbers of the bound that is in force."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks for a recognition."""

    project: str
    address: str
    principal: Principal | None = None
    """None where nobody is asked; then anybody can name any project."""


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


@dataclass(frozen=True, slots=True)
class _Load:
    """Predicted; 1.0 is all that there is."""

    machine: float
    """Of the cores."""
    engines: Mapping[str, float]
    """Of the slots of each engine."""

    @property
    def highest(self) -> float:
        return max(self.machine, *self.engines.values())


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
        self._trials: dict[Slot, None] = {}
        """Open ones that were admitted although the predicted load was over its bound."""
        self._tried_at = -inf
        """When the last one was admitted on trial, whether it is still open or not."""
        self._by_project: Counter[str] = Counter()
        self.rounds_elsewhere: Mapping[str, int] = {}
        """By project, at the other replicas, as they said last."""
        self._by_address: Counter[str] = Counter()

    @property
    def shared_rounds(self) -> Mapping[str, int]:
        """Rounds that are open by project, where these are bounded: for the other replicas."""
        return (
            {one: n for one, n in self._by_project.items() if n} if self.rules.per_project else {}
        )

    def _of_project(self, project: str) -> int:
        return self._by_project[project] + self.rounds_elsewhere.get(project, 0)

    def take(self, party: Party, engine: EngineChoice, now: float) -> Slot | Refused:
        """A slot for a recognition, to be given back with `leave`, or why there is none.

        Args:
            now: seconds on the clock on which audio is due.
        """
        refusal = self._over_count(party) or self._over_measured(engine)
        if refusal is not None:
            return refusal
        over = self._over_load(engine, now)
        if over is not None and not self._may_try(engine, now):
            return over
        slot = Slot(party, engine, now)
        self._slots[slot] = None
        if over is not None:
            self._trials[slot] = None
            self._tried_at = now
        self._by_project[party.project] += 1
        self._by_address[party.address] += 1
        return slot

    def leave(self, slot: Slot, now: float) -> None:
        """Give a slot back. `now` is in seconds of the clock of `take`."""
        del self._slots[slot]
        self._trials.pop(slot, None)
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
        return self._predicted(now, None).highest

    def refusal(self, now: float) -> Refused | None:
        """Why whoever asked now would be refused, whatever he asked for; None if he would not."""
        refusal = self._over_all()
        for engine in () if refusal else self._served:
            refusal = self._over_measured(engine) or self._over_load(engine, now)
            if refusal is None or (refusal.bound is Bound.LOAD and self._may_try(engine, now)):
                return None
        return refusal

    def _over_all(self) -> Refused | None:
        most = self.rules.recognitions
        if most and self.recognitions >= most:
            return Refused(
                Bound.COUNT,
                f"the server is full: {self.recognitions} of {most} rounds are open; "
                "try again when one has ended",
            )
        return None

    def _over_count(self, party: Party) -> Refused | None:
        if (refusal := self._over_all()) is not None:
            return refusal
        for bound, open_now, most in (
            (Bound.PROJECT, self._of_project(party.project), self.rules.per_project),
            (Bound.ADDRESS, self._by_address[party.address], self.rules.per_address),
        ):
            if most and open_now >= most:
                return Refused(
                    bound,
                    f"too many rounds of this {bound}: {open_now} of {most} are open; "
                    "try again when one has ended",
                )
        return None

    def _over_measured(self, engine: EngineChoice) -> Refused | None:
        # Somebody alone is served as well as the machine can, however slow it is just now.
        if not self.rules.max_load or not self._slots:
            return None
        # A second pass that is late costs nobody his text: of its engine the load alone counts.
        asked = self._engines[engine.name]
        if asked.streams_in_use >= asked.streams:
            return Refused(
                Bound.STREAMS,
                f"the server is full: all {asked.streams} streams of its engine are in use; "
                "try again in some seconds",
            )
        if asked.overload_level >= TOP_LEVEL:
            return Refused(
                Bound.LATENESS,
                f"the server is at its limit: {self.recognitions} rounds are open and their text "
                "comes late; try again in some seconds",
            )
        return None

    def _over_load(self, engine: EngineChoice, now: float) -> Refused | None:
        bound = self.rules.max_load
        if not bound or not self._slots:
            return None
        predicted = self._predicted(now, engine).highest
        if predicted <= bound:
            return None
        return Refused(
            Bound.LOAD,
            f"the server is full: {self.recognitions} rounds are open, and one more would be a "
            f"load of {predicted:.0%}, allowed: {bound:.0%}; try again in some seconds",
        )

    def _may_try(self, engine: EngineChoice, now: float) -> bool:
        """Whether one may be admitted on trial, over the predicted load.

        All sessions must be on time, those of the engine that is asked for and of all others, with
        slots that are free for some of the time; and that must have been measured with the last
        one who came: a crowd that comes at once finds no proof that there is room for it.
        """
        if now - self._tried_at < _TRIAL_S:
            return False
        heard = sum(now - slot.since >= _TRIAL_S for slot in self._slots)
        on_trial = sum(now - slot.since < _TRIED_S for slot in self._trials)
        unheard = self.recognitions - heard + on_trial
        if unheard and unheard >= heard // _HEARD_FOR_EACH:
            return False
        shares = self._predicted(now, engine).engines
        return all(
            self._has_room(
                one, now, proof=name == engine.name or shares[name] > self.rules.max_load
            )
            for name, one in self._engines.items()
        )

    def _has_room(self, engine: Engine, now: float, *, proof: bool) -> bool:
        """As measured; where nothing was, `proof` says whether something should have been."""
        statistics = engine.statistics
        if engine.overload_level or engine.oldest_ready_s() > _LATE_S:
            return False
        # Small batches are dear, and with larger ones there would be room for more: this stops
        # early for such an engine, and never late.
        if statistics.in_use > self.rules.max_load:
            return False
        on_time = statistics.lateness.on_time(now)
        return not proof if on_time is None else on_time

    def _forget_old(self, now: float) -> None:
        while self._left and now - self._left[0][1] >= DEMAND_WINDOW_S:
            self._left.popleft()

    def _predicted(self, now: float, newcomer: EngineChoice | None) -> _Load:
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
        shares = {}
        for name, engine in self._engines.items():
            statistics = engine.statistics
            measured = statistics.demand.per_second(now)
            mean = min(
                1.0, (measured + _PRIOR_RECOGNITIONS) / (weights[name] + _PRIOR_RECOGNITIONS)
            )
            audio = max(0.0, measured + mean * (young[name] + (name in asking)))
            shares[name] = share = statistics.share(audio)
            slots = 0 if statistics.costs is None else statistics.costs.slots
            machine += share * min(slots, self._cores) / self._cores
            machine += audio * self.rules.text_s / self._cores
        return _Load(machine, shares)


def _heard(slot: Slot, now: float) -> float:
    """How much of the window holds what the recognition has said."""
    return min(1.0, max(0.0, now - slot.since - _SETTLE_S) / DEMAND_WINDOW_S)
