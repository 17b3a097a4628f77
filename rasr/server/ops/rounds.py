"""Rounds of websockets as calls of their interface."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Scope

from rasr.runtime.statistics import RecognitionObserver, RecognitionOver
from rasr.server.ops.interfaces import InterfaceStatistics
from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode
from rasr.wire.sis.messages import EndReason

_OBSERVERS = "rasr.observers"
_SUCCESSFUL = {str(EndReason.NORMAL), str(EndReason.CANCEL)}
_STATUS = {str(code): row.http_status for code, row in ERROR_TABLE.items()}


def status_of(reason: str) -> int | None:
    """The HTTP status that the end of a round stands for; None where nobody was there any more who
    could be answered."""
    return 200 if reason in _SUCCESSFUL else _STATUS.get(reason)


def observers_of(scope: Scope) -> Sequence[RecognitionObserver]:
    """Who wants to know of the rounds of a websocket, beside those that its own path knows."""
    found: Sequence[RecognitionObserver] = scope.get(_OBSERVERS, ())
    return found


def observe(scope: Scope, observer: RecognitionObserver) -> None:
    """Let an observer know of the rounds of a websocket."""
    scope[_OBSERVERS] = (*observers_of(scope), observer)


class RoundCounter:
    """Counts the rounds of one connection. See `rasr.runtime.statistics.RecognitionObserver`."""

    def __init__(self, statistics: InterfaceStatistics, interface: str, project: str) -> None:
        self._statistics = statistics
        self._interface = interface
        self._project = project

    def recognition_over(self, over: RecognitionOver) -> None:
        """A round is over. One whose client has left was no call: nobody got an answer."""
        status = status_of(over.reason)
        if status is not None:
            self._statistics.count(self._interface, status, over.delay_s, self._project)

    def recognition_refused(self, code: str, now: float) -> None:
        """A START was refused. Who is only silent between two rounds has asked for nothing."""
        status = status_of(code)
        if status is not None and code not in (ErrorCode.IDLE, ErrorCode.NO_TEXT):
            self._statistics.count(self._interface, status, 0.0, self._project)
