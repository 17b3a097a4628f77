"""Which of the steps that are ready a call takes.

A call keeps to the streams that it decoded before, whose state is in its thread's memory
(sherpa-onnx needs a fifth more time for those of another thread), and takes from others those that
lag behind its own, or any if it would have nothing to do.

Ends that are due go first. Those for which a client waits that has sent END go alone, as long as
fewer than a full batch are ready: what is left of an utterance is some steps one after the other,
each the quicker the fewer share it. Small batches are dear, so an endpoint that voice activity
found, of which there are many and after which the speaker goes on, goes with what else is ready.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection

from rasr.scheduling.job import Job

_HEAD_START_S = 0.1
"""A call leaves a step to another one that had the stream before, unless it is due so much sooner
than its own: about what a full batch takes."""


def choose(
    ready: Collection[Job],
    *,
    call: int,
    idle_calls: int,
    max_batch: int,
    now: float,
) -> list[Job]:
    """The steps of the next batch of `call`, those that are due first before others.

    Args:
        idle_calls: of the same lane, besides `call`. What is ready is shared with them: half a
            batch each is done sooner than one whole.
    """
    reachable = _within_reach(ready, call)
    most = min(-(-len(reachable) // (idle_calls + 1)), max_batch)

    def turn(job: Job) -> tuple[bool, float]:
        # Ends of recordings that came faster than speech are not due yet.
        return not job.urgent(now), job.due

    chosen = heapq.nsmallest(most, reachable, key=turn)
    awaited = [job for job in chosen if job.awaited and job.urgent(now)]
    return awaited if awaited and len(ready) < max_batch else chosen


def _within_reach(ready: Collection[Job], call: int) -> list[Job]:
    """Those that `call` should take: its own, new ones, and those that lag; else all."""
    own = min((job.due for job in ready if job.call == call), default=None)
    if own is None:
        return [job for job in ready if job.call is None] or list(ready)
    return [job for job in ready if job.call in (call, None) or job.due < own - _HEAD_START_S]
