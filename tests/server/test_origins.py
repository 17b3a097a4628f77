"""Which pages may use a server: those of its own, those it was told of, and no stranger's."""

from __future__ import annotations

import httpx
import pytest
from starlette.datastructures import Headers
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from rasr.server.origins import OriginRule
from rasr.server.service import Service
from tests.processes import LONG_S
from tests.server.conftest import fake_settings
from tests.server.sdk import PROJECT

AT_HOME = OriginRule.of((), names_are_ours=False)
IN_THE_HOUSE = OriginRule.of((), names_are_ours=True)


def admits(rule: OriginRule, origin: str | None, host: str, **more: str) -> bool:
    headers = {"host": host} | more
    return rule.admits(Headers(headers if origin is None else headers | {"origin": origin}))


@pytest.mark.parametrize("rule", [AT_HOME, IN_THE_HOUSE])
def test_a_client_that_is_no_browser_is_asked_nothing(rule: OriginRule) -> None:
    assert admits(rule, None, "anything.example")


@pytest.mark.parametrize(
    "proof", [{"authorization": "SDK-HMAC-SHA256 Access=a"}, {"x-auth-token": "t"}]
)
def test_a_client_that_signs_is_no_browser(proof: dict[str, str]) -> None:
    assert admits(AT_HOME, "https://sis.example", "sis.example", **proof)


def test_a_password_in_an_address_is_no_signature() -> None:
    assert not admits(AT_HOME, "https://evil.example", "127.0.0.1", authorization="Basic YTph")


@pytest.mark.parametrize("rule", [AT_HOME, IN_THE_HOUSE])
@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "LOCALHOST"])
@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:8765", "http://localhost:3000", "http://[::1]", "http://a.localhost"],
)
def test_pages_of_this_machine_may_use_its_server(rule: OriginRule, host: str, origin: str) -> None:
    assert admits(rule, origin, host)


@pytest.mark.parametrize("rule", [AT_HOME, IN_THE_HOUSE])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost.evil.example", "null", "file://", "http://[", ""],
)
@pytest.mark.parametrize("host", ["127.0.0.1:8765", "192.168.0.7:8765"])
def test_a_strangers_page_may_not(rule: OriginRule, origin: str, host: str) -> None:
    assert not admits(rule, origin, host)


def test_a_name_that_leads_to_loopback_makes_no_page_of_this_machine() -> None:
    assert not admits(AT_HOME, "http://evil.example:8765", "evil.example:8765")


def test_a_server_for_others_is_known_to_its_pages_by_any_name() -> None:
    assert admits(IN_THE_HOUSE, "http://asr.lan:8765", "asr.lan:8765")
    assert admits(IN_THE_HOUSE, "https://192.168.0.7", "192.168.0.7:8765")
    assert not admits(IN_THE_HOUSE, "http://other.lan:8765", "asr.lan:8765")


def test_pages_that_the_settings_name_may() -> None:
    rule = OriginRule.of((" https://Talk.example/ ", "null"), names_are_ours=False)
    assert admits(rule, "https://talk.example", "127.0.0.1")
    assert admits(rule, "null", "127.0.0.1")
    assert not admits(rule, "https://talk.example:444", "127.0.0.1")
    assert not admits(rule, "http://talk.example", "127.0.0.1")


def test_a_star_is_for_everybody() -> None:
    assert admits(OriginRule.of(("*",), names_are_ours=False), "https://evil.example", "127.0.0.1")


async def test_the_handshake_of_a_strangers_page_is_refused_with_what_to_do(
    service: Service,
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(
            f"{service.url}/v1/{PROJECT}/rasr/continue-stream",
            proxy=None,
            origin="https://evil.example",  # type: ignore[arg-type]
        )
    assert refused.value.response.status_code == 403
    assert b"server.allowed_origins in its settings may name" in refused.value.response.body
    assert service.state.connections.count == 0


@pytest.mark.parametrize("kind", ["", "none"])
async def test_a_name_is_believed_where_anybody_may_use_the_server(kind: str) -> None:
    named = {"host": "asr.lan:8765", "origin": "http://asr.lan:8765"}
    async with Service(fake_settings(auth={"kind": kind})) as service:
        async with httpx.AsyncClient(
            base_url=service.url.replace("ws:", "http:"), timeout=LONG_S
        ) as web:
            answer = await web.get("/properties", headers=named)
    assert ("access-control-allow-origin" in answer.headers) == (kind == "none")


async def test_a_strangers_page_reads_no_captions_by_a_websocket(service: Service) -> None:
    url = f"{service.url}/captions/stage/copy"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, origin=Origin("https://evil.example"))
    assert refused.value.response.status_code == 403
    assert b"server.allowed_origins" in (refused.value.response.body or b"")
    async with connect(url):
        pass


async def test_the_handshake_of_a_page_that_is_named_is_accepted() -> None:
    settings = fake_settings(server={"allowed_origins": ("https://talk.example",)})
    async with Service(settings) as service:
        async with connect(
            f"{service.url}/v1/{PROJECT}/rasr/continue-stream",
            proxy=None,
            origin="https://talk.example",  # type: ignore[arg-type]
        ) as socket:
            await socket.send('{"command": "END"}')
            assert "END came outside of a round" in str(await socket.recv())
