"""`/v3/auth/tokens`: tokens for a name and a password, as the identity service of SIS gives them.

POST gives one out, DELETE revokes one. Bodies and faults are Keystone's. What is wrong with a
request is told; of names and passwords only that they do not fit.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from rasr.identity.directory import (
    AuditEntry,
    Directory,
    DirectoryUnavailable,
    Project,
    Token,
    User,
)
from rasr.identity.guards import Lockouts, RateLimit
from rasr.identity.passwords import LONGEST_PASSWORD, verify_password
from rasr.identity.policies import PolicyGrant
from rasr.identity.tokens import TOKEN_LIFE_S, digest, has_form, new_token
from rasr.server.auth.answers import Refused, retry_after, store_down
from rasr.server.auth.authenticator import Authenticator
from rasr.server.auth.call import address_of, network_of, request_id_of
from rasr.server.request_body import read_body

_log = structlog.get_logger("rasr.auth")

PATH = "/v3/auth/tokens"
_LARGEST_BODY = 64 << 10
_READ_S = 20.0
_AT_ONCE = 2
"""Passwords that are checked at the same time; each costs memory and a core on purpose."""
_WRONG_PER_S = 0.5
_WRONG_IN_A_ROW = 30
"""Wrong passwords of one address; then it waits."""
_WRONG = "The username or password is wrong."
_WHICH_PROJECT = (
    "auth.scope.project: needed: a project by its name or id; a token is good for one project, and "
    "there are none for all"
)
_LONGEST_TEXT = LONGEST_PASSWORD


@dataclass(frozen=True, slots=True)
class Login:
    """What a request for a token says."""

    domain: str
    name: str
    password: str = field(repr=False)
    project_id: str | None
    """Where there is neither an id nor a name: the only project that the user's policies name."""
    project_name: str | None

    @classmethod
    def parse(cls, document: object) -> Login:
        """Read the body of a request.

        Raises:
            LoginFault: it is not as it must be.
        """
        outer = _table(document, "auth")
        identity = _table(outer, "auth.identity")
        methods = identity.get("methods")
        if methods != ["password"]:
            raise LoginFault('auth.identity.methods: needed: ["password"]')
        place = "auth.identity.password.user"
        user = _table(_table(identity, "auth.identity.password"), place)
        domain = _text(_table(user, f"{place}.domain"), f"{place}.domain.name")
        name, password = _text(user, f"{place}.name"), _text(user, f"{place}.password")
        if "scope" not in outer:
            return cls(domain, name, password, None, None)
        scope = _table(outer, "auth.scope")
        if "project" not in scope:
            raise LoginFault(_WHICH_PROJECT)
        project = _table(scope, "auth.scope.project")
        by_id = "id" in project
        wanted = _text(project, f"auth.scope.project.{'id' if by_id else 'name'}")
        return cls(domain, name, password, *((wanted, None) if by_id else (None, wanted)))


class LoginFault(Exception):
    """A request for a token is not as it must be; the text says where, and what is needed."""


class TokenService:
    """Gives out tokens and revokes them."""

    def __init__(self, authenticator: Authenticator, directory: Directory) -> None:
        self._authenticator = authenticator
        self._directory = directory
        self._lockouts = Lockouts()
        self._wrong = RateLimit(_WRONG_PER_S, _WRONG_IN_A_ROW)
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def create(self, request: Request) -> Response:
        """A token for a name and a password."""
        login = Login.parse(await _document(request))
        address, now = address_of(request.scope), self._authenticator.clock()
        user = await self._user(login, request)
        held = await self._directory.policies_of(user.id)
        project = await self._project(login, user, [one for one in held if not one.is_over(now)])
        grants = [grant for grant in held if grant.applies(project.id, now)]
        if not grants:
            raise _Fault(403, f"no policy of this user applies in project {project.name}")
        text = new_token()
        token = Token(digest(text), user, project, now, now + TOKEN_LIFE_S)
        await self._directory.save_token(token)
        await self._audit("iam:token:create", token, address)
        _log.info("token_created", request=request_id_of(request.scope), user=user.name)
        headers = {"x-subject-token": text, "cache-control": "no-store"}
        return JSONResponse({"token": _told(token, grants)}, 201, headers)

    async def revoke(self, request: Request) -> Response:
        """A token counts no more. It is one of the caller's own, who shows a token too."""
        now = self._authenticator.clock()
        caller = await self._token(request.headers.get("x-auth-token", ""))
        if caller is None or caller.fault(now) is not None:
            raise _Fault(401, "X-Auth-Token: needed: a token that is good")
        subject = await self._token(request.headers.get("x-subject-token", ""))
        if subject is None or subject.user.id != caller.user.id:
            raise _Fault(404, "X-Subject-Token: this user has no such token")
        await self._directory.revoke_token(subject.digest, now)
        await self._audit("iam:token:revoke", subject, address_of(request.scope))
        return Response(status_code=204)

    async def _user(self, login: Login, request: Request) -> User:
        network, clock = network_of(address_of(request.scope)), self._authenticator.clock
        async with self._turn:
            wait_s = self._wrong.wait_s(network, clock())
            if wait_s:
                raise _Fault(429, "too many wrong passwords came from this address", wait_s)
            user = await self._directory.find_user(login.domain, login.name)
            hashed = None if user is None else user.password_hash
            fits = await asyncio.to_thread(verify_password, hashed, login.password)
        now = clock()
        if user is None:
            why = "no such user"
        elif self._lockouts.is_locked(user.id, now):
            why = "the user is locked after wrong passwords"
        elif not fits:
            locked = self._lockouts.wrong(user.id, now)
            why = "wrong password" + ("; the user is locked for five minutes" if locked else "")
        else:
            why = ""
        if user is None or why:
            self._wrong.take(network, now)
            # A name that is not there may be a password in the wrong field: it is not logged.
            _log.info(
                "login_refused",
                request=request_id_of(request.scope),
                peer=address_of(request.scope),
                user=None if user is None else user.name,
                why=why,
            )
            raise _Fault(401, _WRONG)
        self._lockouts.right(user.id)
        if user.is_blocked:
            raise _Fault(403, "The account is blocked.")
        return user

    async def _project(self, login: Login, user: User, held: Sequence[PolicyGrant]) -> Project:
        if login.project_name is not None:
            project = await self._directory.find_project_by_name(user.domain, login.project_name)
        else:
            wanted = login.project_id
            if wanted is None:
                named = {grant.project_id for grant in held}
                wanted = named.pop() if len(named) == 1 else None
            if wanted is None:
                raise LoginFault(_WHICH_PROJECT)
            project = await self._directory.find_project(wanted)
        if project is None:
            raise _Fault(404, "auth.scope.project: there is no such project in this domain")
        if project.is_blocked:
            raise _Fault(403, "The project is blocked.")
        return project

    async def _token(self, text: str) -> Token | None:
        return await self._directory.find_token(digest(text)) if has_form(text) else None

    async def _audit(self, action: str, token: Token, address: str) -> None:
        entry = AuditEntry(
            self._authenticator.clock(),
            token.user.id,
            action,
            token.digest[:12],
            token.project.id,
            address,
        )
        await self._directory.write_audit(entry)


class _Fault(Exception):
    def __init__(self, status: int, sentence: str, retry_after_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = retry_after(retry_after_s)


def add_tokens(app: FastAPI, authenticator: Authenticator, directory: Directory) -> None:
    """Serve `/v3/auth/tokens`."""
    service = TokenService(authenticator, directory)

    async def answer(request: Request) -> Response:
        work = service.create if request.method == "POST" else service.revoke
        try:
            authenticator.check_address(address_of(request.scope))
            return await work(request)
        except LoginFault as fault:
            return _answer(request, 400, str(fault))
        except _Fault as fault:
            return _answer(request, fault.status, str(fault), fault.headers)
        except Refused as refused:
            return _answer(request, refused.status, refused.sentence, refused.headers)
        except DirectoryUnavailable as error:
            _log.error("directory_unavailable", why=str(error))
            down = store_down(error)
            return _answer(request, down.status, down.sentence, down.headers)
        except ClientDisconnect:
            return Response(status_code=400)

    app.router.routes.append(Route(PATH, answer, methods=["POST", "DELETE"]))


async def _document(request: Request) -> object:
    try:
        async with asyncio.timeout(_READ_S):
            content = await read_body(request, _LARGEST_BODY)
    except TimeoutError:
        raise _Fault(408, f"the body was not here within {_READ_S:g} s") from None
    if content is None:
        raise _Fault(413, f"the body has {_LARGEST_BODY} bytes at most")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise _Fault(400, "the body is no JSON") from None


def _answer(
    request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    error = {"code": status, "message": sentence, "title": HTTPStatus(status).phrase}
    body = {"error": error, "request_id": request_id_of(request.scope)}
    return JSONResponse(body, status, headers)


def _told(token: Token, grants: Sequence[PolicyGrant]) -> dict[str, Any]:
    """A token as Keystone describes it."""
    user, project = token.user, token.project
    roles = dict.fromkeys(grant.policy_name for grant in grants)
    return {
        "methods": ["password"],
        "issued_at": _time(token.issued_at),
        "expires_at": _time(token.expires_at),
        "catalog": [],
        "roles": [{"id": name, "name": name} for name in roles],
        "project": {
            "id": project.id,
            "name": project.name,
            "domain": {"id": project.domain, "name": project.domain},
        },
        "user": {
            "id": user.id,
            "name": user.name,
            "domain": {"id": user.domain, "name": user.domain},
        },
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _table(parent: object, place: str) -> dict[str, Any]:
    found = parent.get(place.rpartition(".")[2]) if isinstance(parent, dict) else None
    if not isinstance(found, dict):
        raise LoginFault(f"{place}: needed: an object")
    return found


def _text(parent: dict[str, Any], place: str) -> str:
    found = parent.get(place.rpartition(".")[2])
    if not isinstance(found, str) or not 1 <= len(found) <= _LONGEST_TEXT:
        raise LoginFault(f"{place}: needed: a text of 1 to {_LONGEST_TEXT} letters")
    return found
