"""`/v1/{project_id}/keys`: a user's own access keys, for whoever has signed in as him.

A key is told without its secret, but for the once in which it is made. Keys of others are not told
of, not even that they are there; whoever runs the server has `rasr keys` for them.

Keys are made and revoked by whoever shows a token. A key could otherwise make others, which would
outlive it: whoever found it could not be shut out by revoking it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rasr.identity.directory import AuditEntry
from rasr.identity.principals import CredentialKind, Principal
from rasr.server.auth import answers
from rasr.server.auth.answers import Refused
from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.store.errors import Invalid, Unknown
from rasr.store.on_demand import StoreOnDemand
from rasr.store.records import KeyRecord
from rasr.usage.periods import moment_text
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.faults import invalid

MOST_KEYS = 20
"""Of a user in a project that still count: a key for each program is enough, and a page that runs
wild fills nobody's store."""
MOST_DAYS = 3650
_PATH = "/v1/{project_id}/keys"
_DAY_S = 86_400.0
_NO_STORE = {"cache-control": "no-store"}


def add_keys(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve the three calls."""
    one = f"{_PATH}/{{access_id}}"
    for method, path, handler in (
        ("GET", _PATH, _list),
        ("POST", _PATH, _create),
        ("DELETE", one, _revoke),
    ):
        interface = Interface(method, path, most_bytes=4 << 10)
        add_interface(app, state, origins, interface, partial(handler, state))


async def _list(state: ServerState, request: SisRequest) -> Response:
    """The caller's own keys in this project, the newest first; those that count no more too."""
    principal, store = _asked(state, request)
    opened = await store.asked()
    if opened is None:
        return _keys([], state)
    async with opened.reading() as work:
        user = await work.users.find("", principal.user_id)
        project = await work.projects.find("", principal.project_id)
        if user is None or project is None:
            return _keys([], state)
        found = await work.keys.all(user=user, project=project)
    return _keys(found[::-1], state)


async def _create(state: ServerState, request: SisRequest) -> Response:
    """A new key, with its secret."""
    principal, store = _asked(state, request)
    _check_may_change(principal)
    description, days = _wanted(request.document())
    now = state.authenticator.clock()
    opened = await store.kept()
    async with opened.writing() as work:
        user = await work.users.find("", principal.user_id)
        project = await work.projects.find("", principal.project_id)
        if user is None or project is None:
            raise Refused(
                403,
                answers.NOT_ALLOWED,
                "this user or project has no account on this server, and so no keys: whoever runs "
                "the server makes one with rasr users create",
                "a key for somebody without an account",
            )
        counting = sum(_counts(one, now) for one in await work.keys.all(user=user, project=project))
        if counting >= MOST_KEYS:
            raise Refused(
                403,
                answers.NOT_ALLOWED,
                f"this user has {counting} keys in this project, and {MOST_KEYS} is the most; "
                "revoke one",
                "too many keys",
            )
        expires_at = None if days is None else now + days * _DAY_S
        try:
            made, secret = await work.keys.create(user, project, description, now, expires_at)
        except Invalid as error:
            raise ProtocolError(ErrorCode.INVALID, str(error)) from None
        await work.audit.write(_audit(request, principal, "iam:key:create", made.id, now))
    return JSONResponse(_told(made, now) | {"secret": secret}, 201, _NO_STORE)


async def _revoke(state: ServerState, request: SisRequest) -> Response:
    """From now on a key counts no more. One that is revoked already stays so."""
    principal, store = _asked(state, request)
    _check_may_change(principal)
    access_id, now = request.path["access_id"], state.authenticator.clock()
    opened = await store.asked()
    if opened is None:
        raise _unknown(access_id)
    async with opened.writing() as work:
        try:
            key = await work.keys.get(access_id)
        except Unknown:
            raise _unknown(access_id) from None
        if (key.user_id, key.project_id) != (principal.user_id, principal.project_id):
            raise _unknown(access_id)
        if key.revoked_at is None:
            await work.keys.revoke(access_id, now)
            await work.audit.write(_audit(request, principal, "iam:key:revoke", access_id, now))
    return Response(status_code=204)


def _asked(state: ServerState, request: SisRequest) -> tuple[Principal, StoreOnDemand]:
    """Who asks, and where his keys are."""
    if request.principal is None:
        raise Refused(
            404,
            answers.NOT_HERE,
            "this server asks nobody who he is, so nobody has keys",
            "keys of an open server",
        )
    if state.store is None:
        raise Refused(404, answers.NOT_HERE, "this server keeps no keys itself", "no store")
    return request.principal, state.store


def _check_may_change(principal: Principal) -> None:
    if principal.kind is CredentialKind.KEY:
        raise Refused(
            403,
            answers.NOT_ALLOWED,
            "a key makes and revokes no keys: sign in with user and password",
            "a key asked to change keys",
        )


def _wanted(document: dict[str, Any]) -> tuple[str, int | None]:
    """What a new key is for, and for how many days; None: until it is revoked."""
    description, days = document.get("description", ""), document.get("expires_in_days")
    if not isinstance(description, str):
        raise invalid("description", description, "a text")
    is_number = isinstance(days, int) and not isinstance(days, bool)
    if days is not None and not (is_number and 1 <= days <= MOST_DAYS):
        raise invalid(
            "expires_in_days",
            days,
            f"a whole number from 1 to {MOST_DAYS}, or nothing: it does not expire",
        )
    return description, days


def _unknown(access_id: str) -> Refused:
    return Refused(
        404,
        answers.NOT_HERE,
        f"you have no key {access_id[:40]!r} in this project",
        "no such key of this user",
    )


def _audit(
    request: SisRequest, principal: Principal, action: str, access_id: str, now: float
) -> AuditEntry:
    target = f"{access_id} of {principal.domain}/{principal.user_name}"
    return request.audit_entry(now, action, target, principal.project_id)


def _counts(key: KeyRecord, now: float) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def _keys(keys: list[KeyRecord], state: ServerState) -> Response:
    now = state.authenticator.clock()
    return JSONResponse({"keys": [_told(one, now) for one in keys]}, headers=_NO_STORE)


def _told(key: KeyRecord, now: float) -> dict[str, Any]:
    return {
        "access_id": key.id,
        "description": key.description,
        "counts": _counts(key, now),
        "created_at": _time(key.created_at),
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
    }


def _time(at: float | None) -> str | None:
    return None if at is None else moment_text(at)
