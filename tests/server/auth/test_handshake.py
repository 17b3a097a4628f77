"""The same door at the handshake of a websocket; what pages show that set no header."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Origin, Subprotocol

import rasr.client
from rasr.client import Options
from rasr.identity.directory import Token
from rasr.identity.policies import FULL_ACCESS, SYSTEM_POLICIES, PolicyGrant
from rasr.identity.tokens import digest, new_token
from rasr.server.ops.dismissal import Dismissal
from rasr.server.service import Service
from tests.identity.signing import AK, PROJECT, SK
from tests.server.audio import quiet, voiced
from tests.server.auth.conftest import (
    ALICE,
    HOME,
    OTHER,
    READER_AK,
    READER_SK,
    Place,
    Signer,
    accounts,
    web_of,
)
from tests.server.conftest import fake_settings

STREAM = f"/v1/{PROJECT}/rasr/continue-stream"
START = json.dumps(
    {
        "command": "START",
        "config": {"audio_format": "pcm16k16bit", "property": "english_16k_common"},
    }
)


async def opens(
    place: Place,
    path: str = STREAM,
    headers: Mapping[str, str] | None = None,
    origin: str | None = None,
    subprotocols: list[str] | None = None,
) -> ClientConnection:
    """A websocket that recognises."""
    socket = await connect(
        place.service.url + path,
        proxy=None,
        compression=None,
        additional_headers={k: v for k, v in (headers or {}).items() if k.lower() != "host"},
        origin=None if origin is None else Origin(origin),
        subprotocols=[Subprotocol(one) for one in subprotocols] if subprotocols else None,
    )
    await socket.send(START)
    assert json.loads(await socket.recv())["resp_type"] == "START"
    return socket


async def is_refused(place: Place, status: int, code: str, **how: Any) -> str:
    """What the handshake is answered with."""
    with pytest.raises(InvalidStatus) as refused:
        await opens(place, **how)
    answer = refused.value.response
    told = json.loads(answer.body)
    assert (answer.status_code, told["error_code"]) == (status, code)
    assert answer.headers["x-request-id"] == told["request_id"] != ""
    assert place.service.state.statistics.turned_away[code] >= 1
    sentence: str = told["error_msg"]
    return sentence


def token(place: Place, life_s: float = 60.0, project: str = PROJECT) -> str:
    """A token of Alice."""
    text, now = new_token(), time.time()
    home = place.directory.projects[project]
    place.directory.tokens[digest(text)] = Token(digest(text), ALICE, home, now, now + life_s)
    return text


async def test_a_signed_handshake_as_the_official_client_sends_it(place: Place) -> None:
    """Signed is GET with the two headers; a stray content-length and an Origin come along."""
    headers = place.signer.headers("GET", STREAM) | {"content-length": "0"}
    assert "SignedHeaders=host;x-sdk-date," in headers["Authorization"]
    socket = await opens(place, headers=headers, origin=f"http://{place.signer.host}")
    await socket.close()
    # Recognition changes nothing: clients that connect twice in a second sign alike.
    await (await opens(place, headers=headers)).close()


async def test_a_handshake_with_a_token(place: Place) -> None:
    socket = await opens(place, headers={"X-Auth-Token": token(place)})
    await socket.close()


async def test_our_own_client_carries_a_token(place: Place) -> None:
    options = Options.of("english_16k_common", project_id=PROJECT, token=token(place))
    assert str(options.token) not in repr(options)
    async with rasr.client.connect(place.service.url, options) as session:
        assert session.config.property.name == "english_16k_common"
    wrong = replace(options, token="wrong")
    with pytest.raises(rasr.client.CannotConnect, match=r"not valid \(APIG.0301\)"):
        async with rasr.client.connect(place.service.url, wrong):
            pass


async def test_our_own_client_signs_with_a_key(place: Place) -> None:
    key = rasr.client.AccessKey(AK, SK)
    options = Options.of("english_16k_common", project_id=PROJECT, key=key)
    assert SK not in repr(options)
    async with rasr.client.connect(place.service.url, options) as session:
        assert session.config.property.name == "english_16k_common"
    # Whatever stands behind the path is signed too.
    url = f"{place.service.url}{STREAM}?a=b%20c&d"
    async with rasr.client.open_connection(url, options.mode, key=key):
        pass
    wrong = replace(options, key=rasr.client.AccessKey(AK, "wrong"))
    with pytest.raises(rasr.client.CannotConnect, match=r"not valid \(APIG.0301\)") as refused:
        async with rasr.client.connect(place.service.url, wrong):
            pass
    assert refused.value.status == 401


@pytest.mark.parametrize("text", ["", "a b", "a\r\nb", "é", "a\0"])
def test_a_credential_that_no_header_can_have_is_refused_before(text: str) -> None:
    with pytest.raises(ValueError, match="the token has to be of letters"):
        Options.of("english_16k_common", token=text)
    with pytest.raises(ValueError, match="the secret of the access key"):
        rasr.client.AccessKey(AK, text)


async def test_who_is_known_is_part_of_the_party(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    authoriser = place.service.state.connections._authoriser
    authorise = authoriser.authorise

    async def look(party: Any, request: Any) -> Any:
        seen.append(party)
        return await authorise(party, request)

    monkeypatch.setattr(authoriser, "authorise", look)
    socket = await opens(place, headers={"X-Auth-Token": token(place)})
    await socket.close()
    (party,) = seen
    assert party.project == PROJECT
    assert (party.principal.user_name, party.principal.project_id) == ("alice", PROJECT)


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Auth-Token": ""}, {"Authorization": ""}, {"Authorization": "Basic YTpi"}],
)
async def test_without_credentials_no_websocket_opens(
    place: Place, headers: dict[str, str]
) -> None:
    told = await is_refused(place, 401, "APIG.0301", headers=headers)
    assert "no credentials came" in told
    assert place.service.state.connections.count == 0


@pytest.mark.parametrize("text", ["a", "a" * 43, "a.b.c", "~", "a" * 16_000])
async def test_what_is_no_token_opens_nothing(place: Place, text: str) -> None:
    await is_refused(place, 401, "APIG.0301", headers={"X-Auth-Token": text})


async def test_a_token_that_has_expired_or_was_revoked_opens_nothing(place: Place) -> None:
    await is_refused(place, 401, "APIG.0301", headers={"X-Auth-Token": token(place, life_s=0.0)})
    revoked = token(place)
    await place.directory.revoke_token(digest(revoked), time.time())
    await is_refused(place, 401, "APIG.0301", headers={"X-Auth-Token": revoked})


async def test_a_token_of_another_project_opens_nothing(place: Place) -> None:
    other = token(place, project=OTHER)
    await is_refused(place, 401, "SIS.0101", headers={"X-Auth-Token": other})


async def test_a_signature_for_another_path_opens_nothing(place: Place) -> None:
    headers = place.signer.headers("GET", f"/v1/{PROJECT}/rasr/short-stream")
    await is_refused(place, 401, "APIG.0301", headers=headers)


async def test_who_may_not_stream_opens_nothing(place: Place) -> None:
    headers = Signer(place.web, READER_AK, READER_SK).headers("GET", STREAM)
    told = await is_refused(place, 403, "APIG.0302", headers=headers)
    assert "sis:rasr:stream" in told


async def test_an_unknown_path_is_refused_before_anybody_is_asked(place: Place) -> None:
    await is_refused(place, 404, "APIG.0101", path="/v1/none/such")


async def test_a_caption_channel_is_of_the_project_that_opened_it(place: Place) -> None:
    """Two projects that take one name, one after the other."""
    place.directory.grant(ALICE, PolicyGrant("there", SYSTEM_POLICIES[FULL_ACCESS], OTHER))
    start = json.loads(START)
    start["config"]["caption_channel"] = "stage"

    async def published(project: str) -> str:
        path = f"/v1/{project}/rasr/continue-stream"
        headers = {"X-Auth-Token": token(place, project=project)}
        async with connect(
            place.service.url + path, proxy=None, additional_headers=headers
        ) as socket:
            await socket.send(json.dumps(start))
            told = json.loads(await socket.recv())
            await socket.send('{"command": "END"}')
            await socket.recv()
            return str(told["resp_type"])

    assert await published(PROJECT) == "START"
    assert await published(OTHER) == "ERROR"
    assert await published(PROJECT) == "START"


# Pages


async def ticket(place: Place) -> str:
    answer = await place.signer.send("POST", f"/v1/{PROJECT}/tickets")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 60
    text: str = answer.json()["ticket"]
    return text


async def test_a_ticket_opens_one_websocket_of_any_page(place: Place) -> None:
    path = f"{STREAM}?ticket={await ticket(place)}"
    await (await opens(place, path=path, origin="https://talk.example")).close()
    await is_refused(place, 401, "APIG.0301", path=path)


async def test_a_ticket_is_for_its_project_and_for_websockets(place: Place) -> None:
    other = f"/v1/{OTHER}/rasr/continue-stream?ticket={await ticket(place)}"
    await is_refused(place, 401, "SIS.0101", path=other)
    answer = await place.web.get(
        f"/v1/{PROJECT}/asr/vocabularies", params={"ticket": await ticket(place)}
    )
    assert answer.status_code == 401


async def test_two_tickets_are_none(place: Place) -> None:
    path = f"{STREAM}?ticket={await ticket(place)}&ticket={await ticket(place)}"
    await is_refused(place, 401, "APIG.0301", path=path)


async def test_a_ticket_can_be_had_with_a_token(place: Place) -> None:
    answer = await place.web.post(f"/v1/{PROJECT}/tickets", headers={"X-Auth-Token": token(place)})
    path = f"{STREAM}?ticket={answer.json()['ticket']}"
    await (await opens(place, path=path)).close()


async def test_a_pages_server_gets_as_many_tickets_in_a_second_as_it_needs(place: Place) -> None:
    path = f"/v1/{PROJECT}/tickets"
    headers = place.signer.headers("POST", path)
    answers = [await place.web.post(path, headers=headers) for _ in range(5)]
    assert len({answer.json()["ticket"] for answer in answers}) == 5


async def test_a_token_may_come_as_a_subprotocol(place: Place) -> None:
    offered = ["sis", f"sis.token.{token(place)}"]
    socket = await opens(place, subprotocols=offered, origin="https://talk.example")
    # The token does not come back.
    assert socket.subprotocol == "sis"
    await socket.close()
    await is_refused(place, 401, "APIG.0301", subprotocols=["sis", "sis.token.wrong"])


async def test_where_nobody_is_asked_a_token_does_no_harm() -> None:
    async with Service(fake_settings()) as service, web_of(service) as web:
        place = Place(service, accounts(), web)
        socket = await opens(place, subprotocols=["sis", "sis.token.any"])
        assert socket.subprotocol == "sis"
        await socket.close()
        await (await opens(place, path=f"{STREAM}?ticket=any")).close()


async def test_who_shows_credentials_may_come_from_any_page(place: Place) -> None:
    headers = {"X-Auth-Token": token(place)}
    await (await opens(place, headers=headers, origin="https://talk.example")).close()
    await is_refused(place, 401, "APIG.0301", origin="https://evil.example")


async def test_a_page_can_ask_why_its_handshake_was_refused(place: Place) -> None:
    answer = await place.web.get("/v1/any/rasr/continue-stream")
    assert (answer.status_code, answer.json()["error_code"]) == (401, "APIG.0301")


async def test_neither_ticket_nor_token_is_logged(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    used, text = await ticket(place), token(place)
    await (await opens(place, path=f"{STREAM}?ticket={used}")).close()
    await is_refused(place, 401, "APIG.0301", path=f"{STREAM}?ticket={used}")
    await (await opens(place, subprotocols=["sis", f"sis.token.{text}"])).close()
    written = "".join(capsys.readouterr())
    assert "the ticket is none, was used or is too old" in written
    assert used not in written
    assert text not in written


# Credentials that are lost while a websocket is open


def revoked(place: Place) -> None:
    place.directory.keys[AK] = replace(place.directory.keys[AK], revoked_at=time.time())


def expired(place: Place) -> None:
    place.directory.keys[AK] = replace(place.directory.keys[AK], expires_at=time.time())


def blocked_user(place: Place) -> None:
    place.directory.add(replace(ALICE, is_blocked=True))


def blocked_project(place: Place) -> None:
    place.directory.add(replace(HOME, is_blocked=True))


async def ends(socket: ClientConnection) -> str:
    """What the round that is open is answered with at its end."""
    await socket.send('{"command": "END", "cancel": "false"}')
    answer = json.loads(await socket.recv())
    await socket.close()
    kind: str = answer["resp_type"]
    return kind


async def until_dismissed(socket: ClientConnection) -> list[dict[str, Any]]:
    """What comes before the server closes the connection of somebody who may not have it."""
    told: list[dict[str, Any]] = []

    async def read() -> None:
        while True:
            told.append(json.loads(await socket.recv()))

    with pytest.raises(ConnectionClosedError, match="1008"):
        await read()
    return told


def dismissal_of(place: Place) -> Dismissal:
    state = place.service.state
    return Dismissal(state.connections, place.directory, time.time)


@pytest.mark.parametrize("lose", [revoked, expired, blocked_user, blocked_project])
async def test_whoever_loses_his_key_gets_his_finals_and_goes(
    place: Place, lose: Callable[[Place], None]
) -> None:
    socket = await opens(place, headers=place.signer.headers("GET", STREAM))
    dismissal = dismissal_of(place)
    # Nothing is lost yet.
    await dismissal.look()
    audio = quiet(300) + voiced(1000) + quiet(1500) + voiced(500)
    for begin in range(0, len(audio), 3200):
        await socket.send(audio[begin : begin + 3200])
    assert json.loads(await socket.recv())["resp_type"] == "RESULT"
    lose(place)
    await dismissal.look()
    *finals, last = await until_dismissed(socket)
    assert {one["resp_type"] for one in finals} <= {"RESULT"}
    assert (last["resp_type"], last["error_code"]) == ("FATAL_ERROR", "SIS.0101")
    assert "credentials" in last["error_msg"]
    count = place.service.state.interfaces.counts["real-time-continue"]
    assert (count.successful, count.failed_4xx) == (0, 1)


async def test_whoever_loses_his_token_goes_and_others_stay(place: Place) -> None:
    text = token(place)
    leaves = await opens(place, headers={"X-Auth-Token": text})
    stays = await opens(place, headers={"X-Auth-Token": token(place)})
    await place.directory.revoke_token(digest(text), time.time())
    await dismissal_of(place).look()
    (told,) = await until_dismissed(leaves)
    assert (told["resp_type"], told["error_code"]) == ("FATAL_ERROR", "SIS.0101")
    assert await ends(stays) == "END"


async def test_while_the_accounts_cannot_be_asked_everybody_stays(place: Place) -> None:
    socket = await opens(place, headers={"X-Auth-Token": token(place)})
    blocked_user(place)
    place.directory.is_down = True
    await dismissal_of(place).look()
    assert await ends(socket) == "END"


async def test_nobody_is_asked_for_where_nobody_is_connected(place: Place) -> None:
    place.directory.is_down = True
    with capture_logs() as lines:
        await dismissal_of(place).look()
    assert lines == []
