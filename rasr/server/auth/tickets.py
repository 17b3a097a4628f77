"""`POST /v1/{project_id}/tickets`: a ticket for one websocket, for callers that can set no header.

A page asks its own server for one, which has the key; or itself, with a token.
"""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.routing import Route

from rasr.identity.tickets import TICKET_LIFE_S
from rasr.server.auth import answers
from rasr.server.auth.authenticator import Authenticator
from rasr.server.auth.call import principal_of


def add_tickets(app: FastAPI, authenticator: Authenticator) -> None:
    """Give out tickets."""
    answer = partial(_answer, authenticator)
    app.router.routes.append(Route("/v1/{project_id}/tickets", answer, methods=["POST"]))


async def _answer(authenticator: Authenticator, request: Request) -> Response:
    principal = principal_of(request.scope)
    if principal is None:
        return answers.answer(
            request.scope,
            404,
            answers.NOT_HERE,
            "this server asks nobody who he is, so it has no tickets: open the websocket without",
        )
    ticket = authenticator.tickets.issue(principal, authenticator.clock())
    if ticket is None:
        return answers.answer(
            request.scope,
            429,
            answers.TOO_MANY,
            "too many tickets are out that nobody used; they expire within a minute",
            {"retry-after": "10"},
        )
    return JSONResponse(
        {"ticket": ticket, "expires_in": int(TICKET_LIFE_S)},
        201,
        {"cache-control": "no-store"},
    )
