"""Between the event loop and the engines: threads, worker processes, order, failure, replay."""

from rasr.decoding.costs import StepCosts
from rasr.decoding.counters import SchedulerCounters
from rasr.decoding.job import Sink
from rasr.decoding.ladder import TOP_RUNG
from rasr.decoding.lane import Lane, ProcessLane, ThreadLane
from rasr.decoding.load import EngineLoad
from rasr.decoding.scheduler import Scheduler, SchedulerRules
from rasr.decoding.ticket import Ticket

__all__ = [
    "TOP_RUNG",
    "EngineLoad",
    "Lane",
    "ProcessLane",
    "Scheduler",
    "SchedulerCounters",
    "SchedulerRules",
    "Sink",
    "StepCosts",
    "ThreadLane",
    "Ticket",
]
