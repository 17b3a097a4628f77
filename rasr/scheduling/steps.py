"""What travels between the scheduler and a worker: plain values that pickle."""

from __future__ import annotations

from dataclasses import dataclass

from decoder import HotWord, Hypothesis
from decoder.engine import Samples


@dataclass(frozen=True, slots=True)
class Step:
    """The next piece of work on one utterance."""

    job: int
    samples: Samples
    opens: bool
    """True for the first step: the worker opens a stream."""
    finishes: bool
    """True for the last step: the hypothesis that comes back is final."""
    wants_hypothesis: bool
    hot_words: tuple[HotWord, ...] = ()
    silence: int = 0
    """Of the last step: samples at the end of the utterance that hold no speech."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One call to a worker."""

    steps: tuple[Step, ...]
    discard: tuple[int, ...] = ()
    """Jobs whose streams are no longer wanted."""


@dataclass(frozen=True, slots=True)
class StepResult:
    job: int
    hypothesis: Hypothesis | None
    """None where none was wanted, or where the step failed."""
    final: bool = False
    refused_hot_words: tuple[HotWord, ...] = ()
    """Of the step that opened the stream: those that the engine cannot prefer."""
    failure: str | None = None
    """A sentence for the client; the stream is closed then."""
    fault: str | None = None
    """For the log, where the engine failed in a way that it should not: a traceback."""
