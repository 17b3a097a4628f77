"""Between the event loop and the engines: decode tasks, workers, batches, overload, capacity."""

from rasr.scheduling.child_process import (
    ChildProcess,
    WorkerDied,
    answer_questions,
    obey_the_server,
)
from rasr.scheduling.costs import StepCosts
from rasr.scheduling.idle_calibration import IdleMoments
from rasr.scheduling.overload import TOP_LEVEL
from rasr.scheduling.scheduler import DecodeHandle, Scheduler
from rasr.scheduling.statistics import EngineStatistics
from rasr.scheduling.task import DecodeListener, Priority
from rasr.scheduling.worker import ProcessWorker, ThreadWorker, Worker

__all__ = [
    "TOP_LEVEL",
    "ChildProcess",
    "DecodeHandle",
    "DecodeListener",
    "EngineStatistics",
    "IdleMoments",
    "Priority",
    "ProcessWorker",
    "Scheduler",
    "StepCosts",
    "ThreadWorker",
    "Worker",
    "WorkerDied",
    "answer_questions",
    "obey_the_server",
]
