"""Pages of other origins: what a browser asks first, and that it may show such a page the answer.

Before a page sends JSON, or a token in a header, to another origin than its own, its browser asks
the server by OPTIONS (the Fetch standard, "CORS-preflight fetch"), without credentials. It is
answered by the rule for all pages; who may then do what is asked of the request itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from rasr.server.auth import answers
from rasr.server.auth.call import Call
from rasr.server.auth.paths import shared_methods
from rasr.server.origins import OriginRule, refusal

_HEADERS = (
    "authorization, content-type, x-auth-token, x-project-id, x-sdk-content-sha256, x-sdk-date"
)
"""What clients send beside what any page may."""
_KEPT_S = 600
"""A browser does not ask again for so long."""


def preflight_answer(call: Call, scope: Scope, origins: OriginRule) -> Response | None:
    """The answer to a browser that asks whether a page may send something; None for any other
    request."""
    headers = Headers(scope=scope)
    methods = shared_methods(call.path)
    is_asked = "origin" in headers and "access-control-request-method" in headers
    if call.method != "OPTIONS" or not is_asked or not methods:
        return None
    if not origins.admits(headers):
        return answers.answer(scope, 403, answers.NOT_ALLOWED, refusal(headers))
    allowed = {
        "access-control-allow-methods": ", ".join(methods),
        "access-control-allow-headers": _HEADERS,
        "access-control-max-age": str(_KEPT_S),
    }
    return Response(status_code=204, headers=origins.shared_with(headers) | allowed)


def shared_headers(call: Call, scope: Scope, origins: OriginRule) -> Mapping[str, str]:
    """Headers by which a page of another origin may read that its request is refused."""
    if call.is_websocket or call.method not in shared_methods(call.path):
        return {}
    return origins.shared_with(Headers(scope=scope))
