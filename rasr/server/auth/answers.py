"""Answers of the gateway to who may not come in: status, code, sentence and the id of the request.

What a caller is told is the same whatever did not fit, so that nobody learns by trying. What it was
stands in the operator's log, under the same id.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import Scope

from rasr.identity.directory import DirectoryCrowded, DirectoryUnavailable
from rasr.server.auth.call import request_id_of, set_error_code
from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode

NOT_HERE = "APIG.0101"
BAD_REQUEST = "APIG.0201"
NOT_KNOWN = "APIG.0301"
NOT_ALLOWED = "APIG.0302"
TOO_MANY = "APIG.0308"
OTHER_PROJECT = "SIS.0101"

_INCORRECT = "Incorrect IAM authentication information: "


class Refused(Exception):
    """A call is not let in."""

    def __init__(
        self, status: int, code: str, sentence: str, reason: str, retry_after_s: float = 0.0
    ) -> None:
        """
        Args:
            sentence: what the caller is told.
            reason: what the operator's log has.
            retry_after_s: 0: not told.
        """
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.reason = reason
        self.project_id = ""
        """Of the caller, once he is known."""
        self.headers = retry_after(retry_after_s)
        if status == 401:
            self.headers["www-authenticate"] = "SDK-HMAC-SHA256"


class BodyTooLong(Refused):
    """The body of a request has more bytes than it may have."""


def retry_after(seconds: float) -> dict[str, str]:
    """The header that tells how long to wait; none where that is 0."""
    return {"retry-after": str(max(1, round(seconds)))} if seconds else {}


def missing() -> Refused:
    """Nothing was shown."""
    return Refused(
        401,
        NOT_KNOWN,
        f"{_INCORRECT}no credentials came; sign the request with an access key, or send a token in "
        "X-Auth-Token",
        "no credentials",
    )


def incorrect(reason: str) -> Refused:
    """What was shown is not believed."""
    return Refused(401, NOT_KNOWN, f"{_INCORRECT}the credentials are not valid", reason)


def expired(reason: str) -> Refused:
    """The signature is too old or too young. It is found before any key is looked for."""
    return Refused(
        401,
        NOT_KNOWN,
        f"{_INCORRECT}calc ak sk signature fail: signature expired; the clocks of client and "
        "server may differ by 15 minutes",
        reason,
    )


def other_project(path_project: str, own_project: str) -> Refused:
    """The credentials are of another project than the path."""
    return Refused(
        401,
        OTHER_PROJECT,
        "the project of the path is not the one of the credentials",
        f"the path has project {path_project[:64]!r}, the credentials are of {own_project}",
    )


def not_allowed(action: str, reason: str) -> Refused:
    """The caller is known, and may not do this."""
    return Refused(403, NOT_ALLOWED, f"the policies of this user do not allow {action}", reason)


def too_many(of: str, wait_s: float) -> Refused:
    """More requests than may be."""
    return Refused(
        429, TOO_MANY, f"too many requests of this {of}; wait a moment", f"rate of the {of}", wait_s
    )


def body_too_long(most_bytes: int) -> Refused:
    """See `BodyTooLong`."""
    return BodyTooLong(
        413,
        BAD_REQUEST,
        f"the body of this request has {most_bytes} bytes at most",
        "body too long",
    )


def store_down(error: DirectoryUnavailable) -> Refused:
    """The accounts cannot be looked up now."""
    reason = str(error)
    if isinstance(error, DirectoryCrowded):
        return Refused(
            429, TOO_MANY, "too many ask this server at once; wait a moment", reason, 1.0
        )
    status = ERROR_TABLE[ErrorCode.STORE_DOWN].http_status
    return Refused(
        status, ErrorCode.STORE_DOWN, "the accounts cannot be reached now; try again", reason
    )


def body(scope: Scope, code: str, sentence: str) -> Mapping[str, str]:
    """The body of an answer that tells an error."""
    set_error_code(scope, code)
    told = {"error_code": code, "error_msg": sentence}
    identifier = request_id_of(scope)
    return told | {"request_id": identifier} if identifier else told


def answer(
    scope: Scope,
    status: int,
    code: str,
    sentence: str,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An answer over HTTP."""
    return JSONResponse(body(scope, code, sentence), status, headers)
