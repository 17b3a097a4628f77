"""How often an engine's utterances take a step and tell a partial, now."""

from __future__ import annotations

from collections.abc import Iterable

from decoder import Capabilities
from rasr.scheduling.job import Cadence, Job
from rasr.scheduling.ladder import RUNGS, Ladder


class Pacing:
    """The cadences of one engine, on the rung of the overload ladder where it stands."""

    def __init__(self, capabilities: Capabilities, *, step_ms: int, partial_ms: int) -> None:
        self._capabilities = capabilities
        self._step_ms = step_ms
        self._partial_ms = partial_ms
        self._cadences = self._on(0)
        self._ladder = Ladder(self._cadences[True].step_samples / capabilities.sample_rate)

    @property
    def rung(self) -> int:
        """0 while all is well."""
        return self._ladder.rung

    def cadence(self, *, partials: bool) -> Cadence:
        """Of an utterance whose partials are wanted, or not."""
        return self._cadences[partials]

    def observe(self, taken: Iterable[Job], now: float) -> bool:
        """A call takes a step of each of these jobs. True if the rung has changed by it."""
        changed = False
        for job in taken:
            changed |= self._ladder.observe(now - max(job.ready_since, job.due), now)
        if changed:
            self._cadences = self._on(self.rung)
        return changed

    def turn(self, job: Job) -> None:
        """Let a job that is open take its steps as the rung has it."""
        job.turn_to(self._cadences[job.cadence.partial is not None])

    def _on(self, rung: int) -> dict[bool, Cadence]:
        """With partials, and without."""
        return {
            partials: Cadence.of(
                self._capabilities,
                step_ms=self._step_ms,
                partial_ms=self._partial_ms,
                partials=partials,
                rung=RUNGS[rung],
            )
            for partials in (True, False)
        }
