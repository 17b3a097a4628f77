"""Rounds of a websocket: whether the next one may begin, and what each has used."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import structlog

from rasr.identity.directory import DirectoryUnavailable
from rasr.identity.principals import Principal
from rasr.runtime.access import Access, Heard
from rasr.server.admission import Party
from rasr.usage.meter import Charge, Meter, UsageRefused
from rasr.usage.services import Service, Unit
from rasr.wire.dialect import AccessRequest, Refusal, RefusalKind

_log = structlog.get_logger("rasr.session")


class MeteredAccess:
    """Access of one connection."""

    def __init__(
        self,
        authorise: Callable[[Party, AccessRequest], Awaitable[Access | Refusal]],
        meter: Meter,
        service: Service,
        party: Party,
    ) -> None:
        """
        Args:
            authorise: answers the rest of the question.
            service: what the rounds are billed as.
        """
        self._authorise = authorise
        self._meter = meter
        self._service = service
        self._party = party

    async def ask(self, request: AccessRequest) -> Access | Refusal:
        """Whether a round may begin. An open one goes on, whatever is used up meanwhile."""
        principal = self._party.principal
        try:
            await self._meter.check(principal, self._service)
            answer = await self._authorise(self._party, request)
        except UsageRefused as refused:
            kind = RefusalKind.FROZEN if refused.is_frozen else RefusalKind.QUOTA
            return Refusal(kind, refused.sentence)
        except DirectoryUnavailable as error:
            _log.error("access_unknown", peer=self._party.address, why=str(error))
            return Refusal(RefusalKind.STORE_DOWN)
        if isinstance(answer, Refusal) or principal is None:
            return answer
        return replace(answer, settle=partial(self._settle, principal))

    def _settle(self, principal: Principal, heard: Heard) -> None:
        used_s = billed_s(self._service, heard)
        if used_s:
            self._meter.charge(
                Charge(heard.trace_id, principal, self._service, time.time(), used_s)
            )


def billed_s(service: Service, heard: Heard) -> float:
    """Seconds of audio of a round that are billed; 0: it is not.

    A round that ends well is billed for what was heard. One that fails, that is cancelled, or whose
    client goes away, is billed up to the end of the last text that the client got; as a call it
    is not.
    """
    if heard.succeeded:
        return heard.audio_s
    return 0.0 if service.unit is Unit.CALLS else heard.told_s
