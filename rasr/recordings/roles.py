"""Roles that projects grant to this server: it takes one for an hour at a time (STS AssumeRole).

The project takes it back at its own service, without asking anybody here. The id of the project is
part of each request (ExternalId), so that nobody makes the server take a role that was granted for
another project.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from rasr.recordings.buckets import Credentials
from rasr.recordings.connecting import Connector
from rasr.recordings.faults import RecordingFault, said_by
from rasr.recordings.policy import FetchPolicy, Target, read_url
from rasr.recordings.retries import MAY_PASS
from rasr.settings import RecordingSettings
from rasr.wire.sis.errors import ErrorCode

_TAKEN_FOR_S = 3600
_ANEW_BEFORE_S = 300.0
_MOST_BYTES = 64 << 10
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Taken:
    """A role that was taken."""

    credentials: Credentials
    until: float


class Roles:
    """Takes roles, and keeps them as long as they last."""

    def __init__(
        self, settings: RecordingSettings, connector: Connector, now: Callable[[], float]
    ) -> None:
        """
        Args:
            now: seconds since 1970.

        Raises:
            RecordingFault: `recordings.role_endpoint` is no URL.
        """
        self._settings = settings
        self._connector = connector
        self._now = now
        self._taken: dict[tuple[str, str], _Taken] = {}
        self._endpoint: Target | None = None
        if settings.role_endpoint:
            self._endpoint = read_url(settings.role_endpoint, "recordings.role_endpoint")

    async def take(self, role: str, project_id: str) -> Credentials:
        """The credentials of a role that a project has granted.

        Raises:
            RecordingFault: it is not granted any more, or nobody can be asked now.
        """
        taken = self._taken.get((role, project_id))
        if taken is None or taken.until - _ANEW_BEFORE_S < self._now():
            taken = await self._ask(role, project_id)
            self._taken[role, project_id] = taken
        return taken.credentials

    async def _ask(self, role: str, project_id: str) -> _Taken:
        if self._endpoint is None:
            raise _refused("this server takes no roles: recordings.role_endpoint is empty")
        form = {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": role,
            "RoleSessionName": "rasr",
            "ExternalId": project_id,
            "DurationSeconds": str(_TAKEN_FOR_S),
        }
        content = urlencode(form).encode()
        headers = await asyncio.to_thread(self._signed, str(self._endpoint.url), content)
        policy = FetchPolicy.of(self._settings).naming(self._endpoint)
        async with self._connector.ask(
            "POST", self._endpoint, policy, self._settings.silence_s, headers.items(), content
        ) as response:
            body = b""
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise _refused(f"{self._endpoint.host} answers with too much")
        if response.status != 200:
            raise _refused(
                f"{self._endpoint.host} does not give the role ({said_by(response.status, body)})",
                may_pass=response.status in MAY_PASS,
            )
        return self._read(self._endpoint.host, body.decode("utf-8", "replace"))

    def _read(self, host: str, text: str) -> _Taken:
        found = {
            name: re.search(rf"<{name}>([^<>&]+)</{name}>", text)
            for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
        }
        values = {name: one[1].strip() for name, one in found.items() if one is not None}
        try:
            until = datetime.fromisoformat(values["Expiration"]).timestamp()
            credentials = Credentials(
                values["AccessKeyId"], values["SecretAccessKey"], values["SessionToken"]
            )
        except (KeyError, ValueError) as error:
            raise _refused(f"{host} answers with something else than a role") from error
        return _Taken(credentials, until)

    def _signed(self, url: str, content: bytes) -> dict[str, str]:
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
            from botocore.credentials import Credentials as Key
        except ImportError as error:
            raise _refused(
                "roles are taken with the package botocore, which is not installed on this "
                "server: pip install 'rasr[roles]'"
            ) from error
        key = Key(self._settings.role_access_id, self._settings.role_secret)
        request = AWSRequest("POST", url, {"Content-Type": _FORM}, content)
        SigV4Auth(key, "sts", self._settings.role_region).add_auth(request)
        return dict(request.headers.items())


def _refused(message: str, *, may_pass: bool = False) -> RecordingFault:
    return RecordingFault(ErrorCode.NO_DELEGATION, message, may_pass=may_pass)
