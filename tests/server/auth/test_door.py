"""The door over HTTP: who comes in, what the others are told, and what strangers try."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from rasr.identity.directory import DirectoryCrowded
from rasr.identity.guards import LOCK_S
from rasr.identity.policies import PolicyGrant
from rasr.identity.signatures import LARGEST_BODY
from rasr.server.application import make_application
from rasr.server.auth.door import Door
from rasr.server.auth.paths import OPEN, RIGHTS, WEBSOCKET, place_of
from rasr.server.errors import StartError
from rasr.server.service import Service
from tests.identity.memory_directory import MemoryDirectory
from tests.identity.signing import AK, PROJECT, SK
from tests.identity.test_policies import policy
from tests.server.auth.conftest import (
    ALICE,
    HOME,
    OTHER,
    READER_AK,
    READER_SK,
    Place,
    Signer,
    accounts,
    refused,
    web_of,
)
from tests.server.conftest import fake_settings

VOCABULARIES = f"/v1/{PROJECT}/asr/vocabularies"
SHORT_AUDIO = f"/v1/{PROJECT}/asr/short-audio"
TICKETS = f"/v1/{PROJECT}/tickets"
BODY = b'{"name": "team"}'


BEHIND = {
    "SIS.0012": "'text' is invalid: it is missing",
    "SIS.0031": "without a store",
    "SIS.0032": "the body is not JSON",
    "SIS.0415": "the body is not JSON",
}
"""What those say who are behind the door and cannot use such a request."""


def passed(answer: httpx.Response) -> None:
    """The door let it in: what is behind it is not there, has no store, or wants another body."""
    if answer.status_code == 400:
        code = answer.json()["error_code"]
        assert BEHIND[code] in refused(answer, 400, code)
    else:
        assert "nothing is served at" in refused(answer, 404, "APIG.0101")


# Who comes in


async def test_a_signed_request_comes_in(place: Place) -> None:
    passed(await place.signer.send("GET", VOCABULARIES))
    passed(await place.signer.send("POST", VOCABULARIES, BODY))


async def test_without_credentials_nobody_does(place: Place) -> None:
    answer = await place.web.get(VOCABULARIES)
    assert "no credentials came" in refused(answer, 401, "APIG.0301")
    assert answer.headers["www-authenticate"] == "SDK-HMAC-SHA256"


async def test_an_empty_authorization_is_none(place: Place) -> None:
    answer = await place.web.get(VOCABULARIES, headers={"authorization": ""})
    assert "no credentials came" in refused(answer, 401, "APIG.0301")


async def test_pages_are_told_how_to_sign_in(place: Place) -> None:
    async def told(web: httpx.AsyncClient) -> object:
        return (await web.get("/properties")).json()["sign_in"]

    assert await told(place.web) == "password"
    empty = MemoryDirectory()
    async with Service(fake_settings(), empty) as service, web_of(service) as web:
        assert await told(web) == "none"
        empty.is_down = True
        assert await told(web) == "password"
    settings = fake_settings(oidc={"issuer": "https://login.example", "audience": "rasr"})
    async with Service(settings) as service, web_of(service) as web:
        assert await told(web) == "token"


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/properties", "/client/rasr.js"])
async def test_what_is_open_stays_open(place: Place, path: str) -> None:
    assert (await place.web.get(path)).status_code == 200


async def test_a_path_that_nobody_knows_is_not_asked_about(place: Place) -> None:
    refused(await place.web.get("/v1/none/such"), 404, "APIG.0101")


def routes_of(service: Service) -> list[tuple[str, str]]:
    """Method and path of everything that the application serves."""
    found: list[tuple[str, str]] = []
    for route in make_application(service.state).router.routes:
        if isinstance(route, WebSocketRoute):
            found.append((WEBSOCKET, route.path))
        elif isinstance(route, Route | APIRoute):
            found += [(method, route.path) for method in route.methods or ()]
    return found


async def test_every_path_of_the_application_stands_in_the_table(place: Place) -> None:
    unknown_path = "/{path:path}"
    missing = [
        (method, path)
        for method, path in routes_of(place.service)
        if path != unknown_path and place_of(method, path.replace("{", "").replace("}", "")) is None
    ]
    assert missing == []


def test_the_table_says_why_a_path_is_open() -> None:
    assert all(len(reason) > 10 for reason in OPEN.values())
    assert not {path for _, path in RIGHTS} & set(OPEN)


async def test_metrics_are_for_this_machine_or_a_right(place: Place) -> None:
    """A proxy on this machine tells whose request it is."""
    assert (await place.web.get("/metrics")).status_code == 200
    far = {"x-forwarded-for": "203.0.113.7"}
    refused(await place.web.get("/metrics", headers=far), 401, "APIG.0301")
    reader = Signer(place.web, READER_AK, READER_SK)
    headers = reader.headers("GET", "/metrics") | far
    assert (await place.web.get("/metrics", headers=headers)).status_code == 200
    settings = fake_settings(auth={"open_metrics": True})
    async with Service(settings, accounts()) as service, web_of(service) as web:
        assert (await web.get("/metrics", headers=far)).status_code == 200


# When callers are asked


@pytest.mark.parametrize("directory", [None, MemoryDirectory()])
async def test_without_accounts_nobody_is_asked(directory: MemoryDirectory | None) -> None:
    async with Service(fake_settings(), directory) as service, web_of(service) as web:
        assert "Nobody is asked who they are" in service.ready_message
        passed(await web.get(VOCABULARIES))
        answer = await web.post(TICKETS)
        assert "no tickets" in refused(answer, 404, "APIG.0101")


async def test_from_the_first_account_on_callers_are_asked_and_it_stays_so() -> None:
    directory = MemoryDirectory()
    async with Service(fake_settings(), directory) as service, web_of(service) as web:
        passed(await web.get(VOCABULARIES))
        directory.add(ALICE)
        with capture_logs() as lines:
            refused(await web.get(VOCABULARIES), 401, "APIG.0301")
            directory.users.clear()
            refused(await web.get(VOCABULARIES), 401, "APIG.0301")
        # Whoever looks for the reason of the first refusal finds it above it.
        assert [line["event"] for line in lines] == ["callers_asked"] + 2 * ["caller_refused"]


async def test_a_server_that_asks_from_its_start_says_where_the_console_is() -> None:
    with capture_logs() as lines:
        async with Service(fake_settings(), accounts()) as service, web_of(service) as web:
            refused(await web.get(VOCABULARIES), 401, "APIG.0301")
            port = urlsplit(service.url).port
            assert f"http://localhost:{port}/console" in service.ready_message
    assert "callers_asked" not in [line["event"] for line in lines]


async def test_none_asks_nobody_whatever_accounts_there_are() -> None:
    settings = fake_settings(auth={"kind": "none"})
    async with Service(settings, accounts()) as service, web_of(service) as web:
        passed(await web.get(VOCABULARIES))


async def test_accounts_asks_everybody_though_there_is_no_account() -> None:
    settings = fake_settings(auth={"kind": "accounts"})
    async with Service(settings, MemoryDirectory()) as service, web_of(service) as web:
        assert "Nobody is asked" not in service.ready_message
        refused(await web.get(VOCABULARIES), 401, "APIG.0301")


async def test_accounts_needs_somebody_who_knows_them() -> None:
    with pytest.raises(StartError, match="neither a store with accounts nor"):
        async with Service(fake_settings(auth={"kind": "accounts"})):
            pass


async def test_beyond_loopback_accounts_are_enough() -> None:
    settings = fake_settings(server={"port": 0, "host": "0.0.0.0"})
    with pytest.raises(StartError, match="make an account first"):
        async with Service(settings, MemoryDirectory()):
            pass
    async with Service(settings, accounts()) as service:
        assert "Nobody is asked" not in service.ready_message


async def test_it_does_not_start_when_the_accounts_cannot_be_read() -> None:
    directory = accounts()
    directory.is_down = True
    with pytest.raises(StartError, match="the database is locked"):
        async with Service(fake_settings(), directory):
            pass


async def test_while_the_accounts_cannot_be_read_nobody_new_comes_in(place: Place) -> None:
    place.directory.is_down = True
    answer = await place.signer.send("GET", VOCABULARIES)
    assert "locked" not in refused(answer, 500, "SIS.0001")
    place.directory.is_down = False
    passed(await place.signer.send("GET", VOCABULARIES))


async def test_more_callers_than_accounts_can_be_read_for_are_no_fault_of_the_server(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crowded() -> None:
        raise DirectoryCrowded("the store x is asked by too many at once")

    monkeypatch.setattr(place.directory, "_asked", crowded)
    answer = await place.signer.send("GET", VOCABULARIES)
    assert "store" not in refused(answer, 429, "APIG.0308")
    assert answer.headers["retry-after"] == "1"


def test_without_accounts_nothing_is_imported_that_only_accounts_need() -> None:
    heavy = ("argon2", "joserfc", "cryptography", "sqlalchemy", "httpx")
    code = (
        "import sys\n"
        "from rasr.server.auth.authenticator import Authenticator\n"
        "import rasr.server.serve\n"
        "from rasr.settings import Settings\n"
        "Authenticator(Settings(), None, lambda: 0.0)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


# What a caller may do


async def test_the_project_of_the_path_is_that_of_the_key(place: Place) -> None:
    answer = await place.signer.send("GET", f"/v1/{OTHER}/asr/vocabularies")
    assert "project" in refused(answer, 401, "SIS.0101")


async def test_who_only_reads_changes_nothing(place: Place) -> None:
    reader = Signer(place.web, READER_AK, READER_SK)
    passed(await reader.send("GET", VOCABULARIES))
    passed(await reader.send("GET", f"{VOCABULARIES}/some-id"))
    for method, path in (
        ("POST", VOCABULARIES),
        ("PUT", f"{VOCABULARIES}/some-id"),
        ("DELETE", f"{VOCABULARIES}/some-id"),
        ("POST", TICKETS),
        ("POST", f"/v1/{PROJECT}/tts"),
        ("POST", SHORT_AUDIO),
    ):
        answer = await reader.send(method, path, BODY)
        action = RIGHTS[method, next(known for m, known in RIGHTS if fits(m, known, method, path))]
        assert action.action in refused(answer, 403, "APIG.0302")


def fits(method: str, known: str, wanted_method: str, path: str) -> bool:
    pattern = re.sub(r"\{\w+\}", "[^/]+", known)
    return method == wanted_method and re.fullmatch(pattern, path) is not None


async def test_deny_wins(place: Place) -> None:
    place.directory.grant(ALICE, PolicyGrant("pause", policy("Deny", "sis:vocabulary:*")))
    refused(await place.signer.send("GET", VOCABULARIES), 403, "APIG.0302")
    passed(await place.signer.send("POST", f"/v1/{PROJECT}/tts", BODY))


async def test_a_policy_that_has_expired_allows_nothing(place: Place) -> None:
    granted = place.directory.grants[ALICE.id]
    place.directory.grants[ALICE.id] = [replace(one, expires_at=time.time()) for one in granted]
    refused(await place.signer.send("GET", VOCABULARIES), 403, "APIG.0302")


@pytest.mark.parametrize("what", ["revoked", "expired", "user", "project", "gone"])
async def test_a_key_that_does_not_count_any_more(place: Place, what: str) -> None:
    key = place.directory.keys[AK]
    now = time.time()
    match what:
        case "revoked":
            place.directory.add(replace(key, revoked_at=now))
        case "expired":
            place.directory.add(replace(key, expires_at=now))
        case "user":
            place.directory.add(replace(key, user=replace(ALICE, is_blocked=True)))
        case "project":
            place.directory.add(replace(key, project=replace(HOME, is_blocked=True)))
        case _:
            del place.directory.keys[AK]
    answer = await place.signer.send("GET", VOCABULARIES)
    # Nobody learns why.
    assert refused(answer, 401, "APIG.0301").endswith("the credentials are not valid")


async def test_a_key_that_expires_later_counts(place: Place) -> None:
    key = place.directory.keys[AK]
    place.directory.add(replace(key, expires_at=time.time() + 60, revoked_at=time.time() + 60))
    passed(await place.signer.send("GET", VOCABULARIES))


# Attack: signatures


async def test_a_forged_signature(place: Place) -> None:
    for forger in (Signer(place.web, AK, "wrong"), Signer(place.web, "AKNOBODY", SK)):
        answer = await forger.send("GET", VOCABULARIES)
        assert refused(answer, 401, "APIG.0301").endswith("the credentials are not valid")


async def test_a_truncated_signature(place: Place) -> None:
    headers = place.signer.headers("GET", VOCABULARIES)
    whole = headers["Authorization"]
    for length in (15, 40, len(whole) - 64, len(whole) - 1):
        answer = await place.web.get(
            VOCABULARIES, headers=headers | {"Authorization": whole[:length]}
        )
        refused(answer, 401, "APIG.0301")


@pytest.mark.parametrize("off", [-905, 905])
async def test_an_expired_signature_is_told_as_the_gateway_does(place: Place, off: int) -> None:
    answer = await place.signer.send("GET", VOCABULARIES, now=time.time() + off)
    assert "signature expired" in refused(answer, 401, "APIG.0301")


async def test_what_changes_something_is_not_done_twice(place: Place) -> None:
    headers = place.signer.headers("POST", VOCABULARIES, BODY)
    passed(await place.web.post(VOCABULARIES, content=BODY, headers=headers))
    refused(await place.web.post(VOCABULARIES, content=BODY, headers=headers), 401, "APIG.0301")


async def test_what_changes_nothing_may_come_twice(place: Place) -> None:
    tts = f"/v1/{PROJECT}/tts"
    for method, path, body in (("GET", VOCABULARIES, b""), ("POST", tts, BODY)):
        headers = place.signer.headers(method, path, body)
        for _ in range(2):
            passed(await place.web.request(method, path, content=body, headers=headers))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", VOCABULARIES, BODY),
        ("POST", f"{VOCABULARIES}?limit=1", BODY),
        ("POST", VOCABULARIES, BODY + b" "),
        ("POST", VOCABULARIES, b""),
        ("POST", f"/v1/{PROJECT}/tts", BODY),
    ],
)
async def test_a_signature_is_for_its_own_request(
    place: Place, method: str, path: str, body: bytes
) -> None:
    headers = place.signer.headers("POST", VOCABULARIES, BODY)
    answer = await place.web.request(method, path, content=body, headers=headers)
    refused(
        answer,
        404 if method == "DELETE" else 401,
        "APIG.0101" if method == "DELETE" else "APIG.0301",
    )


async def test_a_body_may_be_left_unsigned_by_who_says_so(place: Place) -> None:
    tts = f"/v1/{PROJECT}/tts"
    headers = place.signer.headers("POST", tts, b"one", content_type="audio/wav")
    passed(await place.web.post(tts, content=b"another", headers=headers))


async def test_five_wrong_signatures_lock_a_key_for_five_minutes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    checks = place.service.state.authenticator._signatures
    assert checks is not None
    monkeypatch.setattr(checks, "_clock", lambda: now)
    forger = Signer(place.web, AK, "wrong")
    for _ in range(4):
        refused(await forger.send("GET", VOCABULARIES), 401, "APIG.0301")
    passed(await place.signer.send("GET", VOCABULARIES))
    for _ in range(5):
        refused(await forger.send("GET", VOCABULARIES), 401, "APIG.0301")
    answer = await place.signer.send("GET", VOCABULARIES)
    assert refused(answer, 401, "APIG.0301").endswith("the credentials are not valid")
    passed(await Signer(place.web, READER_AK, READER_SK).send("GET", VOCABULARIES))
    now += LOCK_S
    passed(await place.signer.send("GET", VOCABULARIES, now=now))


async def test_keys_that_nobody_has_cost_no_memory(place: Place) -> None:
    checks = place.service.state.authenticator._signatures
    assert checks is not None
    for number in range(50):
        await Signer(place.web, f"AK{number}", "wrong").send("GET", VOCABULARIES)
    assert len(checks._lockouts) == 0


# Attack: paths and queries


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/{PROJECT}/asr/vocabularies/",
        f"/v1//{PROJECT}/asr/vocabularies",
        f"//v1/{PROJECT}/asr/vocabularies",
        f"/V1/{PROJECT}/asr/vocabularies",
        f"/v1/{PROJECT}/asr/Vocabularies",
        f"/v1/{PROJECT}/asr/vocabularies;a=b",
        f"/v1/{PROJECT}/asr/./vocabularies",
        f"/v1/{PROJECT}/asr/%2e/vocabularies",
        f"/healthz/../v1/{PROJECT}/asr/vocabularies",
        f"/healthz%2f..%2fv1%2f{PROJECT}%2fasr%2fvocabularies",
        f"/v1/{PROJECT}/asr/vocabularies%00",
        "/captions/static/..%2f..%2fmetrics",
        "/page/../../etc/passwd",
    ],
)
async def test_no_spelling_of_a_path_goes_past_the_door(place: Place, path: str) -> None:
    answer = await raw(place, f"GET {path} HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/v1/{PROJECT}/asr/vocabularies/%2e%2e", 401),
        (f"/v1/{PROJECT}/asr/vocabularies/%7Bvocabulary_id%7D", 401),
        (f"/v1/{PROJECT.upper()}/asr/vocabularies", 401),
        (f"/v1/{PROJECT}/asr%2Fvocabularies%2F..", 401),
        (f"/%76%31/{PROJECT}/asr/vocabularies", 401),
        (f"http://elsewhere/v1/{PROJECT}/asr/vocabularies", 401),
        ("/metrics?x=/healthz", 200),
    ],
)
async def test_a_path_is_judged_as_the_application_reads_it(
    place: Place, path: str, status: int
) -> None:
    answer = await raw(place, f"GET {path} HTTP/1.1")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_signed_project_in_other_letters_is_another_project(place: Place) -> None:
    path = f"/v1/{PROJECT.upper()}/asr/vocabularies"
    refused(await place.signer.send("GET", path), 401, "SIS.0101")


async def test_the_application_reads_the_query_that_was_signed(place: Place) -> None:
    """A plus that was signed is one, and what has no name is not there."""
    seen: list[bytes] = []
    app = make_application(place.service.state)

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["query_string"])
        await app(scope, receive, send)

    assert place.service._http is not None
    door = place.service._http.app
    assert isinstance(door, Door)
    door._app = look
    headers = place.signer.headers("GET", VOCABULARIES, query=[("name", "a+b"), ("limit", "1")])
    await place.web.get(f"{VOCABULARIES}?=x&name=a+b&limit=1&", headers=headers)
    assert seen == [b"limit=1&name=a%2Bb"]


async def raw(place: Place, line: str, *headers: str, body: bytes = b"") -> bytes:
    """The answer to a request that no library would send."""
    url = place.web.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    lines = [line, f"Host: {url.netloc.decode()}", "Connection: close", *headers, "", ""]
    writer.write("\r\n".join(lines).encode("latin-1") + body)
    answer = await reader.read()
    writer.close()
    return answer


# Attack: sizes and rates


async def test_the_body_of_a_stranger_is_not_read(place: Place) -> None:
    """The answer comes though the body does not."""
    answer = await raw(
        place, f"POST {VOCABULARIES} HTTP/1.1", f"Content-Length: {LARGEST_BODY}", body=b"{"
    )
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_signed_body_has_a_bound(place: Place) -> None:
    passed(await place.signer.send("POST", SHORT_AUDIO, bytes(1 << 20)))
    answer = await place.signer.send("POST", SHORT_AUDIO, bytes(LARGEST_BODY + 1))
    refused(answer, 413, "APIG.0201")
    checks = place.service.state.authenticator._signatures
    assert checks is not None
    assert checks._room.used_bytes == 0


async def test_bodies_of_all_have_a_bound_together(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rasr.server.auth.bodies._ROOM_BYTES", 1 << 20)
    refused(await place.signer.send("POST", SHORT_AUDIO, bytes(2 << 20)), 429, "APIG.0308")
    passed(await place.signer.send("POST", SHORT_AUDIO, bytes(1 << 20)))


async def test_the_head_of_a_request_has_a_bound(place: Place) -> None:
    answer = await raw(
        place, f"GET {VOCABULARIES} HTTP/1.1", "Authorization: SDK-HMAC-SHA256 " + "a" * 40_000
    )
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_key_has_a_rate() -> None:
    settings = fake_settings(auth={"requests_per_key": 0.2})
    async with Service(settings, accounts()) as service, web_of(service) as web:
        signer = Signer(web)
        for _ in range(2):
            passed(await signer.send("GET", VOCABULARIES))
        answer = await signer.send("GET", VOCABULARIES)
        refused(answer, 429, "APIG.0308")
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        passed(await Signer(web, READER_AK, READER_SK).send("GET", VOCABULARIES))


async def test_an_address_has_a_rate_before_it_is_asked() -> None:
    settings = fake_settings(auth={"requests_per_address": 0.2})
    async with Service(settings, accounts()) as service, web_of(service) as web:

        async def status(address: str) -> int:
            headers = {"x-forwarded-for": address}
            return (await web.get(VOCABULARIES, headers=headers)).status_code

        assert [await status("203.0.113.7") for _ in range(3)] == [401, 401, 429]
        assert await status("203.0.113.8") == 401
        # An IPv6 subscriber has more addresses than there is memory.
        assert [await status(f"2001:db8::{number}") for number in range(3)] == [401, 401, 429]
        assert await status("2001:db8:0:1::1") == 401


async def test_the_log_tells_the_operator_why_and_no_secret(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await Signer(place.web, AK, "wrong").send("GET", VOCABULARIES)
    written = "".join(capsys.readouterr())
    assert f"the signature with key {AK} does not fit" in written
    assert answer.json()["request_id"] in written
    assert SK not in written
    assert "wrong" not in written.replace("wrong signatures", "")


async def test_what_the_caller_is_told_has_no_part_of_what_he_sent(place: Place) -> None:
    told = [
        (await Signer(place.web, access, secret).send("GET", VOCABULARIES)).json()
        for access, secret in ((AK, "wrong"), ("AKNOBODY", "wrong"))
    ]
    assert len({json.dumps(one | {"request_id": ""}) for one in told}) == 1
