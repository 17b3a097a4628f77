"""Between the event loop and the engines: threads, worker processes, order, failure, replay."""

from rasr.scheduling.costs import StepCosts
from rasr.scheduling.counters import SchedulerCounters
from rasr.scheduling.job import Sink
from rasr.scheduling.ladder import TOP_RUNG
from rasr.scheduling.lane import Lane, ProcessLane, ThreadLane
from rasr.scheduling.load import EngineLoad
from rasr.scheduling.scheduler import Scheduler, SchedulerRules
from rasr.scheduling.ticket import Ticket

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
