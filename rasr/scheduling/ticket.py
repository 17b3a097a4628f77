"""A ticket: an utterance from the side of its session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from decoder.engine import Samples
from rasr.scheduling.job import Job, Piece

if TYPE_CHECKING:
    from rasr.scheduling.scheduler import Scheduler


class Ticket:
    """Hands the sound of one utterance to its scheduler."""

    def __init__(self, scheduler: Scheduler, job: Job) -> None:
        self._scheduler = scheduler
        self._job = job

    def accept(self, samples: Samples, *, due: float) -> None:
        """More sound; it is kept until the final, so the array must not be changed later."""
        if len(samples):
            self._job.accept(Piece(samples, due))
            self._scheduler.asked(len(samples), due)
            self._scheduler.poke(self._job)

    def finish(self, *, due: float, silence: int = 0, awaited: bool = False) -> None:
        """No more sound: the final is wanted.

        Args:
            silence: so many samples at the end hold no speech.
            awaited: nothing else is wanted of the client's round; somebody waits for this alone.
        """
        self._job.finishing = True
        self._job.silence = silence
        self._job.awaited = awaited
        self._job.finish_due = due
        self._scheduler.poke(self._job)

    def abandon(self) -> None:
        """The result is not wanted any more."""
        self._scheduler.abandon(self._job)

    @property
    def busy_s(self) -> float:
        """Time that workers have spent on it, its share where several were decoded at once."""
        return self._job.busy_s

    @property
    def backlog_samples(self) -> int:
        """Sound that is not decoded yet."""
        return self._job.backlog_samples
