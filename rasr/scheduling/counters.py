"""What an observer can read of a scheduler."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SchedulerCounters:
    """Numbers for an observer. They only grow, but for the last two: read them twice and divide."""

    batches: int = 0
    steps: int = 0
    """Steps ÷ batches is the mean batch size."""
    decoded_samples: int = 0
    busy_s: float = 0.0
    """Over all calls; ÷ (time · `Scheduler.calls`) is the share of the lanes that is in use."""
    queued_s: float = 0.0
    """Between a step's being ready and its being taken; ÷ steps is the mean queue age."""
    restarts: int = 0
    replays: int = 0
    open_jobs: int = 0
    waiting_jobs: int = 0
    """Jobs with work and without a stream."""
