"""An interface of SIS over HTTP: what all of them do, so that each has to answer only its question.

A handler gets a body that is whole and of bounded length. What it raises becomes an answer of SIS:
a status, a code, a sentence and the id of the request. Each call is counted by its interface.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from rasr.identity.directory import AuditEntry, DirectoryUnavailable
from rasr.identity.principals import Principal, project_of
from rasr.server.admission import Party
from rasr.server.auth import answers
from rasr.server.auth.answers import BodyTooLong, Refused
from rasr.server.auth.bodies import Body, PeerGone, body_of
from rasr.server.auth.call import address_of, network_of, principal_of, request_id_of
from rasr.server.auth.paths import RIGHTS
from rasr.server.faults import fault_of_usage
from rasr.server.origins import OriginRule, refusal
from rasr.server.state import ServerState
from rasr.usage.meter import UsageRefused
from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode, ProtocolError

_log = structlog.get_logger("rasr.http")

_MOST_PARTS = 20_000
"""Arrays, objects and values of a body together. The parser has the interpreter for itself until
all is read: a body as long as may be, of nothing but brackets, would hold up everybody's audio."""

_PIECE_BYTES = 256 << 10
_NOBODY = "anonymous"
"""Who changes something where nobody is asked who he is, as the audit has it."""


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of SIS."""

    method: str
    path: str
    """With `{project_id}`; both as in `rasr.server.auth.paths`."""
    most_bytes: int = 256 << 10
    """Of the body, unless the handler takes it piece by piece."""
    too_long: ProtocolError | None = None
    """What a longer one is answered with; None: what the gateway answers."""
    streams: bool = False
    """The handler takes the body piece by piece, and bounds it: it may be larger than what is held
    in memory."""

    @property
    def name(self) -> str:
        """As metrics call it; empty: it is not counted."""
        return RIGHTS[self.method, self.path].interface


@dataclass(frozen=True, slots=True)
class SisRequest:
    """A request to an interface."""

    id: str
    party: Party
    path: Mapping[str, str]
    """The other parts of the path, by their names."""
    query: Mapping[str, str]
    host: str
    """As the client wrote it."""
    accept: str
    """What the client says of the answers that it takes."""
    body: bytes = field(repr=False)
    """Empty where the interface streams."""
    pieces: AsyncIterator[bytes] = field(repr=False)
    """The body of an interface that streams, once."""

    @property
    def project_id(self) -> str:
        """Of the path. Where nobody is asked who he is, anybody can name any."""
        return self.party.project

    @property
    def principal(self) -> Principal | None:
        """Who asks; None where nobody is asked."""
        return self.party.principal

    def audit_entry(self, at: float, action: str, target: str, project_id: str) -> AuditEntry:
        """What the audit has of a change that was asked for.

        Args:
            at: seconds since 1970.
        """
        user_id = _NOBODY if self.principal is None else self.principal.user_id
        return AuditEntry(at, user_id, action, target, project_id, self.party.address)

    def document(self, code: ErrorCode = ErrorCode.INVALID) -> dict[str, Any]:
        """The body, which is a JSON object.

        Args:
            code: of what is none.

        Raises:
            ProtocolError: it is not.
        """
        if not self.body:
            raise ProtocolError(code, "the body is empty; needed: a JSON object")
        parts = sum(self.body.count(mark) for mark in (b"[", b"{", b","))
        if parts > _MOST_PARTS:
            raise ProtocolError(
                code,
                f"the body has {parts} arrays, objects and values; allowed: {_MOST_PARTS}",
            )
        try:
            document = json.loads(self.body, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise ProtocolError(code, f"the body is not JSON: {why}") from None
        if not isinstance(document, dict):
            raise ProtocolError(code, "the body is no JSON object")
        return document


Handler = Callable[[SisRequest], Awaitable[Response]]


def add_interface(
    app: FastAPI, state: ServerState, origins: OriginRule, interface: Interface, handler: Handler
) -> None:
    """Serve an interface.

    Args:
        handler: may raise ProtocolError, Refused, UsageRefused and DirectoryUnavailable.
    """
    answer = partial(_answer, state, origins, interface, handler)
    route = Route(interface.path, answer, methods=[interface.method])
    app.router.routes.append(route)


async def _answer(
    state: ServerState,
    origins: OriginRule,
    interface: Interface,
    handler: Handler,
    request: Request,
) -> Response:
    began = time.monotonic()
    body: Body | None = None
    connections = state.connections
    try:
        if connections.closing:
            raise ProtocolError(ErrorCode.ENGINE_UNREACHABLE, "the server is stopping; try again")
        _check_origin(request, origins)
        # What the door has read belongs to the door.
        given = body_of(request.scope)
        if interface.streams:
            data = b""
        else:
            if given is None:
                given = body = await state.authenticator.bodies.read(
                    request.receive, interface.most_bytes, network_of(address_of(request.scope))
                )
            elif len(given.data) > interface.most_bytes:
                raise answers.body_too_long(interface.most_bytes)
            data = given.data
        # Sending it is the client's time.
        began = time.monotonic()
        with connections.answering():
            response = await handler(_sis_request(request, data, _pieces(request, given)))
    except (PeerGone, ClientDisconnect):
        return Response(status_code=400)
    except Exception as error:
        response = _failure(request, interface, error)
    finally:
        if body is not None:
            body.let_go()
    if interface.name:
        project = project_of(principal_of(request.scope))
        delay_s = time.monotonic() - began
        state.interfaces.count(interface.name, response.status_code, delay_s, project)
    response.headers.update(origins.shared_with(request.headers))
    return response


def _check_origin(request: Request, origins: OriginRule) -> None:
    if principal_of(request.scope) is None and not origins.admits(request.headers):
        sentence = refusal(request.headers)
        raise Refused(403, answers.NOT_ALLOWED, sentence, "a page of another origin")


async def _pieces(request: Request, given: Body | None) -> AsyncIterator[bytes]:
    """A body, piece by piece; what the door holds of it is let go."""
    if given is None:
        async for piece in request.stream():
            yield piece
        return
    data = given.data
    given.let_go()
    for at in range(0, len(data), _PIECE_BYTES):
        yield data[at : at + _PIECE_BYTES]


def _sis_request(request: Request, body: bytes, pieces: AsyncIterator[bytes]) -> SisRequest:
    scope = request.scope
    return SisRequest(
        id=request_id_of(scope),
        party=Party(request.path_params["project_id"], address_of(scope), principal_of(scope)),
        path=request.path_params,
        query=request.query_params,
        host=request.headers.get("host", ""),
        accept=request.headers.get("accept", ""),
        body=body,
        pieces=pieces,
    )


def _failure(request: Request, interface: Interface, error: Exception) -> Response:
    """The answer to a request that failed."""
    if isinstance(error, BodyTooLong) and interface.too_long is not None:
        error = interface.too_long
    status, code, sentence, headers = _told(error, request=request_id_of(request.scope))
    if status >= 500:
        _log.error(
            "interface_failed",
            request=request_id_of(request.scope),
            interface=interface.name,
            code=code,
            why=str(error) if isinstance(error, DirectoryUnavailable) else type(error).__name__,
        )
    return answers.answer(request.scope, status, code, sentence, headers)


def error_body(error: Exception) -> dict[str, str]:
    """What is told of an error in an answer that has begun."""
    _, code, sentence, _ = _told(error)
    return {"error_code": code, "error_msg": sentence}


def _told(error: Exception, **whose: str) -> tuple[int, str, str, Mapping[str, str]]:
    """Status, code, sentence and headers for whoever asked.

    Args:
        whose: for the log, which has what is a fault of the server.
    """
    match error:
        case UsageRefused():
            error = fault_of_usage(error)
        case DirectoryUnavailable():
            error = answers.store_down(error)
    match error:
        case Refused():
            return error.status, error.code, error.sentence, error.headers
        case ProtocolError():
            fault = error
        case _:
            _log.error("request_failed", **whose, exc_info=error)
            fault = ProtocolError(ErrorCode.INTERNAL, "a fault of the server; its log has it")
    return ERROR_TABLE[fault.code].http_status, fault.code, fault.message, {}


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
