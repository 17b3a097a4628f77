"""What each of several servers carries, measured in the same way, and how they compare.

The first one is measured first: its largest load of speech decides how much the loads are at which
finals and light use are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import isnan, nan

from bench.bars import FINAL_SHARE, LIGHT_SHARE, Standing
from bench.clients import Clients
from bench.corpus import WITHOUT_PAUSES, Source
from bench.figures import figures, milliseconds, number
from bench.outcome import Clock, Outcome
from bench.progress import Tracker
from bench.search import largest
from bench.sound import Talk
from bench.talkers import Load
from bench.target import Running
from bench.wires import Wire

BAR_MS = 200.0
"""The 95th percentile of the chunk compute latency of a load that is held."""
TURN_S = (5.0, 15.0)
"""How long streams are where their ends are measured."""
_MOST = 512


@dataclass(frozen=True, slots=True)
class Form:
    """How long it takes: a minute for each load, or twenty seconds."""

    warm_s: float
    window_s: float
    resolution: int
    tries: int
    """A load that failed is tried so often in all, and one of which latencies are compared is
    measured so often: neighbours on the machine only ever make both worse."""


FULL = Form(warm_s=10.0, window_s=60.0, resolution=2, tries=2)
QUICK = Form(warm_s=5.0, window_s=20.0, resolution=4, tries=2)


@dataclass(frozen=True, slots=True)
class Contestant:
    name: str
    start: Callable[[], AbstractContextManager[Running]]
    wire: Callable[[str], Wire]


@dataclass(frozen=True, slots=True)
class Trial:
    name: str
    what: str
    outcome: Outcome
    tells_steps: bool = True

    @property
    def held(self) -> bool:
        return self.outcome.holds(BAR_MS)

    def row(self) -> tuple[str, ...]:
        one = self.outcome
        return (
            self.name,
            self.what,
            str(one.clients),
            *(milliseconds(one.ms(Clock.STEP, percent)) for percent in (50, 95, 99)),
            milliseconds(one.late_ms(Clock.STEP)),
            milliseconds(one.ms(Clock.END, 95)),
            number(one.unfairness(Clock.STEP), ".2f"),
            f"{one.steps_per_second:.2f}",
            number(one.server_cpu, ".2f"),
            f"{one.client_cpu:.2f}",
            f"{one.late_sends_ms:.1f}",
            str(len(one.errors) + len(one.refused)),
            "yes" if self.held else "no",
        )

    def figures(self) -> dict[str, object]:
        known = {"server": self.name, "load": self.what, **figures(self.outcome)}
        return known | {"held": self.held} if self.tells_steps else known


TRIAL_COLUMNS = (
    *("server", "load", "streams", "p50", "p95", "p99", "late p95", "END p95"),
    *("worst", "steps/s", "CPU", "client", "sent late", "errors", "held"),
)
TRIAL_NOTES = (
    "p50, p95, p99: chunk compute latency, ms; late p95: of the last third of the window",
    "worst: the worst client's p95 over the median client's; END p95: END to END, ms",
    "steps/s: decoding steps told by partials, for each stream; there are 3.1, fewer in pauses",
    "CPU, client: cores that the server and the load clients took; sent late: p99, ms",
)


class Measurement:
    """Puts loads on one server after the other and keeps what came of each."""

    def __init__(self, form: Form, crowd: Clients, tracker: Tracker) -> None:
        self.trials: list[Trial] = []
        self._form = form
        self._crowd = crowd
        self._tracker = tracker

    def measure(self, one: Contestant, start: int, reference: int | None) -> Standing:
        """All loads on one server. `reference`: the first one's largest load of speech; None: it
        is this one."""
        standing = Standing()
        speech = self._largest(one, Talk.SPEECH, start)
        standing.speech = speech or nan
        # Talk with pauses is at least as light.
        standing.conversation = self._largest(one, Talk.CONVERSATION, speech or start) or nan
        standing.fairness = self._fairness(one)
        reference = speech if reference is None else reference
        turns = self._calmest(one, Clock.END, FINAL_SHARE * reference, "turns", TURN_S)
        standing.end_p95_ms = turns.ms(Clock.END, 95)
        light = self._calmest(one, Clock.STEP, LIGHT_SHARE * reference, "light")
        standing.light_ms = {percent: light.ms(Clock.STEP, percent) for percent in (50, 95)}
        return standing

    def perceive(self, one: Contestant, clients: int, source: Source) -> Outcome:
        """One load of sentences whose words are known: for servers with models of their own."""
        form = self._form
        return self._put_on(
            one,
            f"{Talk.CONVERSATION}, sentences",
            lambda url: Load(
                one.wire(url),
                Talk.CONVERSATION,
                clients,
                form.warm_s,
                form.window_s,
                (20.0, 40.0),
                source=source,
            ),
        )

    def _fairness(self, one: Contestant) -> float:
        """At the largest load of speech that was held."""
        held = [
            trial.outcome
            for trial in self.trials
            if trial.name == one.name and trial.what == Talk.SPEECH and trial.held
        ]
        best = max(held, key=lambda outcome: outcome.clients, default=None)
        return nan if best is None else best.unfairness(Clock.STEP)

    def _largest(self, one: Contestant, talk: Talk, start: int) -> int:
        def holds(clients: int) -> bool:
            return any(
                self._load(one, talk, clients, talk).holds(BAR_MS) for _ in range(self._form.tries)
            )

        return largest(holds, start, self._form.resolution, _MOST)

    def _calmest(
        self,
        one: Contestant,
        clock: Clock,
        clients: float,
        what: str,
        turn_s: tuple[float, float] | None = None,
    ) -> Outcome:
        """Of all tries of a load of speech, the one with the lowest p95: neighbours only add."""
        tries = [
            self._load(one, Talk.SPEECH, round(clients), f"{Talk.SPEECH}, {what}", turn_s)
            for _ in range(self._form.tries)
        ]
        told = [outcome for outcome in tries if not isnan(outcome.ms(clock, 95))]
        return min(told, key=lambda outcome: outcome.ms(clock, 95), default=tries[0])

    def _load(
        self,
        one: Contestant,
        talk: Talk,
        clients: int,
        what: str,
        turn_s: tuple[float, float] | None = None,
    ) -> Outcome:
        form = self._form
        return self._put_on(
            one,
            what,
            lambda url: Load(
                one.wire(url),
                talk,
                max(1, clients),
                form.warm_s,
                form.window_s,
                turn_s,
                source=WITHOUT_PAUSES,
                tells_steps=True,
            ),
        )

    def _put_on(self, one: Contestant, what: str, load_at: Callable[[str], Load]) -> Outcome:
        # A server of its own for each load: what the last one left behind is not measured.
        with one.start() as running:
            load = load_at(running.url)
            name = f"{one.name}, {what}, {load.clients} streams"
            outcome = self._crowd.put_on(load, name, running.server)
        trial = Trial(one.name, what, outcome, load.tells_steps)
        self.trials.append(trial)
        clock = outcome.clock
        self._tracker.say(
            f"{name}: {clock}, p95 {milliseconds(outcome.ms(clock, 95))} ms"
            + (f", {'held' if trial.held else 'not held'}" if load.tells_steps else "")
            + (f" ({outcome.errors[0]})" if outcome.errors else "")
        )
        return outcome
