"""The question whether a recognition may begin, answered once and within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from rasr.runtime.access import Access, Authorise
from rasr.tasks import watched
from rasr.wire.dialect import AccessRequest, Refusal, RefusalKind

_log = structlog.get_logger("rasr.runtime")

TIMEOUT_S = 10.0
"""An answer takes a moment; a client must not wait for ever."""


class AccessQuestion:
    """Asks for one connection, one question at a time."""

    def __init__(
        self,
        authorise: Authorise,
        answered: Callable[[Access | Refusal], None],
        failed: Callable[[], None],
    ) -> None:
        """
        Args:
            authorise: answers who may recognise what.
            answered: called with the answer; `UNAVAILABLE` if there is none in time.
            failed: called if there is no answer, by a fault of the server.
        """
        self._authorise = authorise
        self._answered = answered
        self._failed = failed
        self.task: asyncio.Task[None] | None = None
        """While the answer is awaited."""

    def ask(self, request: AccessRequest) -> None:
        """Ask. There must be no question without an answer."""
        assert self.task is None, "one question at a time"
        self.task = watched(
            self._ask(request), name="authorise", failed=lambda error: self._failed()
        )

    def cancel(self) -> None:
        """The answer is not wanted any more."""
        # A task that has not begun yet does not even get to say that it is over.
        task, self.task = self.task, None
        if task is not None:
            task.cancel()

    async def _ask(self, request: AccessRequest) -> None:
        answer: Access | Refusal
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._authorise(request)
        except TimeoutError:
            _log.error("authorisation_timeout", after_s=TIMEOUT_S)
            answer = Refusal(RefusalKind.UNAVAILABLE)
        finally:
            if self.task is asyncio.current_task():
                self.task = None
        self._answered(answer)
