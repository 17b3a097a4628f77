"""Calls over HTTP to a server, signed or with a token, for programs that wait for the answer."""

from __future__ import annotations

import json
import ssl
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rasr.client.credentials import Credential
from rasr.client.errors import CannotConnect, ClientError
from rasr.identity import signatures

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 60.0
_SHOWN_LETTERS = 300


class CallRefused(ClientError):
    """The server has answered, and not as was hoped."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        code = body.get("error_code", f"HTTP {status}")
        sentence = str(body.get("error_msg", "no reason was given"))[:_SHOWN_LETTERS]
        super().__init__(f"{sentence} ({code})", retryable=status in (429, 503))
        self.status = status
        self.body = body


class RestClient:
    """Calls in one project of one server."""

    def __init__(
        self,
        url: str,
        project_id: str,
        credential: Credential,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        Args:
            url: `http://host:port` or `https://host:port`.
            tls: what certificates are trusted; None: those that everybody trusts.
        """
        import httpx

        self._base = f"/v1/{project_id}"
        self._credential = credential
        # What is asked of a server here has no use for the proxy of its surroundings.
        self._client = httpx.Client(
            base_url=url, timeout=_TIMEOUT_S, trust_env=False, verify=tls or True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def ask(
        self, method: str, path: str, document: object = None, content: bytes = b""
    ) -> dict[str, Any]:
        """Make a call. Returns what its answer has.

        Args:
            path: below the project, with its query.
            document: of the body, as JSON; None: `content` is the body.

        Raises:
            CannotConnect: there is no server, or it does not know who calls.
            CallRefused: it answers with an error.
        """
        import httpx

        headers = {}
        if document is not None:
            content = json.dumps(document).encode()
            headers["Content-Type"] = "application/json"
        try:
            request = self._client.build_request(
                method, self._base + path, content=content, headers=headers
            )
            self._show(request, content)
            answer = self._client.send(request)
        except httpx.HTTPError as error:
            raise CannotConnect(
                f"{self._client.base_url} cannot be asked: {error or type(error).__name__}",
                retryable=True,
            ) from error
        return self._told(answer)

    def _show(self, request: httpx.Request, content: bytes) -> None:
        if self._credential is None:
            return
        if isinstance(self._credential, str):
            request.headers["X-Auth-Token"] = self._credential
            return
        path, _, query = request.url.raw_path.partition(b"?")
        host = request.headers["Host"].encode()
        asked = signatures.Request(request.method, path, query, [(b"host", host)])
        key = self._credential
        signed = signatures.sign(asked, key.id, key.secret, time.time(), content)
        request.headers.update(signed)

    @staticmethod
    def _told(answer: httpx.Response) -> dict[str, Any]:
        try:
            body = answer.json() if answer.content else {}
        except ValueError:
            body = {"error_msg": "what answers there is no server of this kind"}
        if not isinstance(body, dict):
            body = {}
        if answer.status_code == 401:
            sentence = str(CallRefused(401, body))
            raise CannotConnect(sentence, status=401)
        if answer.is_success and "error_msg" not in body:
            return body
        raise CallRefused(answer.status_code, body)
