"""The document of OpenAPI: it has every call, and whatever fits it or does not is answered as it
says, never with a fault of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from anyio.from_thread import start_blocking_portal
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from rasr.server.application import make_application
from rasr.server.http.described.document import OPERATIONS, openapi_document
from rasr.server.service import Service
from rasr.store.on_demand import StoreOnDemand
from tests.identity.signing import PROJECT
from tests.processes import LONG_S
from tests.server.auth.conftest import PASSWORD, accounts, web_of
from tests.server.conftest import fake_settings

SCHEMA = schemathesis.openapi.from_dict(openapi_document())
EXAMPLES = settings(
    max_examples=12,
    suppress_health_check=list(HealthCheck),
)
NO_OPERATION = re.compile(
    r"/|/console|/(page|shared|console|client|captions/static|samples)/.+|/captions/\{name\}(/\w+)?|/openapi\.json"
)
"""Pages, their files, streams of events, and the document itself."""


async def _service(folder: Path) -> Service:
    settings = fake_settings(store={"url": f"sqlite:///{folder}/store.db"})
    return Service(settings, accounts(), StoreOnDemand(settings.store, {}))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with accounts and a store, on a loop of its own."""
    with ExitStack() as running:
        portal = running.enter_context(start_blocking_portal())
        service = portal.call(_service, tmp_path_factory.mktemp("store"))
        running.enter_context(portal.wrap_async_context_manager(service))
        yield service.url.replace("ws:", "http:")


@pytest.fixture(scope="module")
def token(url: str) -> str:
    """Alice's, who may do everything."""
    login = {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {"name": "alice", "password": PASSWORD, "domain": {"name": "acme"}}
                },
            },
            "scope": {"project": {"id": PROJECT}},
        }
    }
    answer = httpx.post(f"{url}/v3/auth/tokens", json=login, trust_env=False, timeout=LONG_S)
    return answer.headers["x-subject-token"]


# The server is in this process, and once a minute it throws dice while examples are made.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@SCHEMA.parametrize()
@EXAMPLES
def test_whatever_is_asked_is_answered_as_the_document_says(
    case: schemathesis.Case[Any], url: str, token: str
) -> None:
    if "project_id" in (case.path_parameters or {}):
        case.path_parameters["project_id"] = PROJECT
    answer = case.call(base_url=url, headers={"X-Auth-Token": token}, timeout=LONG_S)
    case.validate_response(
        answer,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )
    assert answer.headers["x-request-id"]


async def test_the_document_has_every_path_but_those_of_pages() -> None:
    async with Service(fake_settings(), accounts()) as service:
        app = make_application(service.state)
    served = {
        (method, route.path)
        for route in app.router.routes
        if isinstance(route, Route | APIRoute) and not NO_OPERATION.fullmatch(route.path)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert served == set(OPERATIONS)


async def test_the_document_is_served_to_everybody() -> None:
    async with Service(fake_settings(), accounts()) as service, web_of(service) as web:
        answer = await web.get("/openapi.json")
    assert (answer.status_code, answer.json()) == (200, openapi_document())
