"""`/v3/auth/tokens`: tokens for a name and a password, as Keystone gives them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest

from rasr.identity.directory import Project
from rasr.identity.policies import FULL_ACCESS, SYSTEM_POLICIES, PolicyGrant
from rasr.server.service import Service
from tests.identity.signing import PROJECT
from tests.server.auth.conftest import ALICE, HOME, OTHER, PASSWORD, READER, Place, web_of
from tests.server.conftest import fake_settings

TOKENS = "/v3/auth/tokens"
VOCABULARIES = f"/v1/{PROJECT}/asr/vocabularies"


def body(
    name: str = "alice",
    password: str = PASSWORD,
    domain: str = "acme",
    project: dict[str, Any] | None = None,
) -> dict[str, Any]:
    user = {"name": name, "password": password, "domain": {"name": domain}}
    return {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": project or {"name": "cn-north-4"}},
        }
    }


async def ask(place: Place, **how: Any) -> httpx.Response:
    return await place.web.post(TOKENS, json=body(**how))


def fault(answer: httpx.Response, status: int) -> str:
    """The sentence of a refusal, in Keystone's form."""
    told = answer.json()
    assert answer.status_code == status
    assert told["error"]["code"] == status
    assert told["error"]["title"]
    assert answer.headers["x-request-id"] == told["request_id"] != ""
    assert "x-subject-token" not in answer.headers
    sentence: str = told["error"]["message"]
    return sentence


@pytest.mark.parametrize("project", [{"name": "cn-north-4"}, {"id": PROJECT}])
async def test_a_token_as_keystone_describes_it(place: Place, project: dict[str, str]) -> None:
    answer = await ask(place, project=project)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()["token"]
    domain = {"id": "acme", "name": "acme"}
    assert token["project"] == {"id": PROJECT, "name": "cn-north-4", "domain": domain}
    assert token["user"] == {"id": ALICE.id, "name": "alice", "domain": domain}
    assert token["methods"] == ["password"]
    assert token["catalog"] == []
    assert token["roles"] == [{"id": "SIS FullAccess", "name": "SIS FullAccess"}]
    issued, expires = map(datetime.fromisoformat, (token["issued_at"], token["expires_at"]))
    assert (expires - issued).total_seconds() == 24 * 3600


async def test_a_token_is_good_and_kept_as_a_digest(place: Place) -> None:
    text = (await ask(place)).headers["x-subject-token"]
    assert text not in repr(place.directory.tokens)
    answer = await place.web.get(VOCABULARIES, headers={"x-auth-token": text})
    assert answer.json()["error_code"] == "SIS.0031"
    for header in (
        {"authorization": f"Bearer {text}"},
        {"authorization": f"bearer {text}"},
        # As the official client of the REST calls sends a token.
        {"x-auth-token": text, "authorization": ""},
    ):
        assert (await place.web.get(VOCABULARIES, headers=header)).status_code == 400


async def test_a_token_is_good_for_its_project_alone(place: Place) -> None:
    text = (await ask(place)).headers["x-subject-token"]
    answer = await place.web.get(f"/v1/{OTHER}/asr/vocabularies", headers={"x-auth-token": text})
    assert answer.json()["error_code"] == "SIS.0101"


async def test_who_has_a_token_is_written_down(place: Place) -> None:
    text = (await ask(place)).headers["x-subject-token"]
    (entry,) = place.directory.audit
    assert (entry.actor, entry.action, entry.project_id) == (ALICE.id, "iam:token:create", PROJECT)
    assert entry.address == "127.0.0.1"
    assert text not in repr(entry)
    assert PASSWORD not in repr(entry)


async def test_a_token_can_be_revoked_by_its_owner(place: Place) -> None:
    first, second = [(await ask(place)).headers["x-subject-token"] for _ in range(2)]
    own = {"x-auth-token": first, "x-subject-token": second}
    assert (await place.web.delete(TOKENS, headers=own)).status_code == 204
    answer = await place.web.get(VOCABULARIES, headers={"x-auth-token": second})
    assert answer.status_code == 401
    assert (await place.web.get(VOCABULARIES, headers={"x-auth-token": first})).status_code == 400
    assert [entry.action for entry in place.directory.audit][-1] == "iam:token:revoke"
    # It revokes itself, and then nothing more.
    itself = {"x-auth-token": first, "x-subject-token": first}
    assert (await place.web.delete(TOKENS, headers=itself)).status_code == 204
    assert fault(await place.web.delete(TOKENS, headers=itself), 401)


async def test_nobody_revokes_the_token_of_another(place: Place) -> None:
    alices = (await ask(place)).headers["x-subject-token"]
    readers = (await ask(place, name="reader", password="reader's")).headers["x-subject-token"]
    for headers in (
        {"x-auth-token": readers, "x-subject-token": alices},
        {"x-auth-token": readers, "x-subject-token": "none"},
        {"x-auth-token": readers},
    ):
        fault(await place.web.delete(TOKENS, headers=headers), 404)
    fault(await place.web.delete(TOKENS, headers={"x-subject-token": alices}), 401)
    assert (await place.web.get(VOCABULARIES, headers={"x-auth-token": alices})).status_code == 400


@pytest.mark.parametrize(
    "how",
    [
        {"password": "wrong"},
        {"name": "nobody"},
        {"domain": "other"},
        {"name": "ALICE"},
        {"name": "alice' OR '1'='1"},
        {"password": "é" * 1024},
    ],
)
async def test_a_wrong_name_or_password_is_told_as_one(place: Place, how: dict[str, str]) -> None:
    answer = await ask(place, **how)
    assert fault(answer, 401) == "The username or password is wrong."
    assert place.directory.tokens == {}


async def test_five_wrong_passwords_lock_a_user_and_nobody_learns_it(place: Place) -> None:
    for _ in range(5):
        fault(await ask(place, password="wrong"), 401)
    assert fault(await ask(place), 401) == "The username or password is wrong."
    assert (await ask(place, name="reader", password="reader's")).status_code == 201


async def test_an_address_with_many_wrong_passwords_waits(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long the passwords take, no time passes in which more would be allowed.
    authenticator = place.service.state.authenticator
    now = authenticator.clock()
    monkeypatch.setattr(authenticator, "clock", lambda: now)

    async def wrong(address: str) -> int:
        headers = {"x-forwarded-for": address}
        answer = await place.web.post(TOKENS, json=body(name="nobody"), headers=headers)
        return answer.status_code

    statuses = [await wrong("203.0.113.7") for _ in range(32)]
    assert statuses[:30] == [401] * 30
    assert statuses[31] == 429
    assert await wrong("203.0.113.8") == 401


async def test_who_is_blocked_gets_no_token(place: Place) -> None:
    place.directory.add(replace(ALICE, is_blocked=True))
    assert "blocked" in fault(await ask(place), 403)
    place.directory.add(ALICE, replace(HOME, is_blocked=True))
    assert "blocked" in fault(await ask(place), 403)


async def test_a_token_is_for_a_project_that_there_is(place: Place) -> None:
    assert "no such project" in fault(await ask(place, project={"name": "mars"}), 404)
    place.directory.add(Project("e" * 32, "elsewhere", "other"))
    assert "no such project" in fault(await ask(place, project={"name": "elsewhere"}), 404)
    assert "no policy" in fault(await ask(place, project={"name": "cn-east-3"}), 403)
    assert "no policy" in fault(await ask(place, project={"id": OTHER}), 403)


PLACES: list[tuple[str, object]] = [
    ("auth", None),
    ("auth.identity", []),
    ("auth.identity.methods", ["token"]),
    ("auth.identity.methods", []),
    ("auth.identity.password", "x"),
    ("auth.identity.password.user", None),
    ("auth.identity.password.user.name", 7),
    ("auth.identity.password.user.name", ""),
    ("auth.identity.password.user.name", "a" * 1025),
    ("auth.identity.password.user.password", None),
    ("auth.identity.password.user.domain", "acme"),
    ("auth.identity.password.user.domain.name", {}),
    ("auth.scope", None),
    ("auth.scope.project", "cn-north-4"),
    ("auth.scope.project.name", 5),
]


@pytest.mark.parametrize(("place_of_fault", "value"), PLACES)
async def test_what_is_wrong_with_a_body_is_told(
    place: Place, place_of_fault: str, value: object
) -> None:
    document = copy.deepcopy(body())
    *above, last = place_of_fault.split(".")
    table = document
    for name in above:
        table = table[name]
    table[last] = value
    answer = await place.web.post(TOKENS, json=document)
    assert place_of_fault in fault(answer, 400)
    assert PASSWORD not in answer.text


async def test_without_a_project_it_is_the_only_one_that_policies_name(place: Place) -> None:
    document = body()
    del document["auth"]["scope"]
    answer = await place.web.post(TOKENS, json=document)
    assert answer.status_code == 201
    assert answer.json()["token"]["project"]["id"] == PROJECT
    over = PolicyGrant(FULL_ACCESS, SYSTEM_POLICIES[FULL_ACCESS], OTHER, expires_at=1.0)
    place.directory.grant(ALICE, over)
    assert (await place.web.post(TOKENS, json=document)).status_code == 201
    place.directory.grant(ALICE, replace(over, expires_at=None))
    answer = await place.web.post(TOKENS, json=document)
    assert "auth.scope.project: needed" in fault(answer, 400)
    # Who does not know the password does not learn how many there are.
    document["auth"]["identity"]["password"]["user"]["password"] = "wrong"
    fault(await place.web.post(TOKENS, json=document), 401)


async def test_a_token_for_everything_is_not_given(place: Place) -> None:
    document = body()
    document["auth"]["scope"] = {"domain": {"name": "acme"}}
    answer = await place.web.post(TOKENS, json=document)
    assert "good for one project" in fault(answer, 400)


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"{", 400), (b"[" * 60_000, 400), (b"\xff", 400), (b" " * 70_000, 413)],
)
async def test_a_body_that_is_none(place: Place, content: bytes, status: int) -> None:
    fault(await place.web.post(TOKENS, content=content), status)


async def test_while_the_accounts_cannot_be_reached_there_are_no_tokens(place: Place) -> None:
    place.directory.is_down = True
    assert "cannot be reached now" in fault(await ask(place), 500)


async def test_without_a_directory_there_is_no_such_service() -> None:
    async with Service(fake_settings()) as service, web_of(service) as web:
        answer = await web.post(TOKENS, json=body())
        assert answer.status_code == 404
        assert answer.json()["error_code"] == "APIG.0101"


async def test_no_password_is_logged(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    await ask(place, password="not that one")
    await ask(place, name="my password by mistake")
    text = (await ask(place)).headers["x-subject-token"]
    written = "".join(capsys.readouterr())
    assert "wrong password" in written
    assert "no such user" in written
    for secret in ("not that one", "by mistake", PASSWORD, text, json.dumps(READER.password_hash)):
        assert secret not in written
