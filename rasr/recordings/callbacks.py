"""Answers are sent to callback URLs: to those that the policy allows, signed, in bounded time."""

from __future__ import annotations

import asyncio

from rasr.recordings import webhooks
from rasr.recordings.connecting import Connector
from rasr.recordings.deliveries import Delivery
from rasr.recordings.faults import RecordingFault
from rasr.recordings.policy import FetchPolicy, Target
from rasr.settings import RecordingSettings
from rasr.wire.sis.errors import ErrorCode

FIELD = "callback_url"
_MOST_URL_BYTES = 2047
_GONE = 410


class Callbacks:
    """Sends answers."""

    def __init__(self, settings: RecordingSettings, connector: Connector) -> None:
        self._settings = settings
        self._connector = connector
        self._policy = FetchPolicy.of(settings)

    def read(self, url: str) -> Target:
        """The target of a callback URL, for whoever is asked to send an answer there.

        Raises:
            RecordingFault: nothing may be sent there.
        """
        return self._policy.read(url, FIELD, _MOST_URL_BYTES)

    async def deliver(
        self, delivery: Delivery, content: bytes, key: str | None, now: float
    ) -> Delivery:
        """Send an answer if it is due. Whatever a receiver does is told by what becomes of the
        delivery.

        Args:
            content: the answer as JSON.
            key: of the project, which signs it; None leaves it unsigned.
        """
        if not delivery.is_due(now):
            return delivery
        limit_s = self._settings.callback_timeout_s
        may_pass = True
        try:
            async with asyncio.timeout(limit_s):
                status = await self._post(delivery, content, key, now)
        except TimeoutError:
            fault = f"the receiver does not answer within {limit_s:g} s"
        except RecordingFault as error:
            # What a name leads to, or what the settings allow, may change; that it is tried for a
            # day would let the sender of a URL look around.
            fault, may_pass = error.message, error.code != ErrorCode.ILLEGAL_URL
        else:
            if 200 <= status < 300:
                return delivery.taken(now)
            fault = f"the receiver answers with HTTP {status}"
            if 300 <= status < 400:
                fault += ", and redirects are not followed"
            may_pass = status != _GONE
        return delivery.failed(now, fault, self._settings.callback_for_s, may_pass=may_pass)

    async def _post(self, delivery: Delivery, content: bytes, key: str | None, now: float) -> int:
        headers = {
            "Content-Type": "application/json",
            **webhooks.headers(key, delivery.id, now, content),
        }
        async with self._connector.ask(
            "POST",
            self.read(delivery.url),
            self._policy,
            self._settings.callback_timeout_s,
            headers.items(),
            content,
        ) as response:
            # What stands in it is nobody's business.
            return response.status
